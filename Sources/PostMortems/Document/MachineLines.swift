import Cryptography
import Foundation

/// Which lines of a draft the machine wrote, as short digests in its last line: `<!-- staunch:lines … -->`.
///
/// Spaces, rules of tables and emphasis do not count, because formatters of Markdown change them.
struct MachineLines {
  private let digests: Set<[UInt8]>
  private let order: [[UInt8]]

  /// 32 bits a line: among the three hundred of a draft a person's own line is not found by chance.
  private static let length = 4

  init(of lines: some Sequence<Substring>) {
    var seen: Set<[UInt8]> = []
    order = lines.compactMap(Self.digest).filter { seen.insert($0).inserted }
    digests = seen
  }

  /// Nil when the line is another one.
  init?(_ line: Substring) {
    guard let match = line.wholeMatch(of: /\s*<!--\s*staunch:lines\s+([A-Za-z0-9+\/=]*)\s*-->\s*/),
      let data = Data(base64Encoded: String(match.output.1)), data.count.isMultiple(of: Self.length)
    else { return nil }
    let bytes = Array(data)
    order = stride(from: 0, to: bytes.count, by: Self.length).map { Array(bytes[$0..<($0 + Self.length)]) }
    digests = Set(order)
  }

  func contains(_ line: Substring) -> Bool { Self.digest(line).map(digests.contains) ?? true }

  var mark: String { "<!-- staunch:lines \(Data(order.flatMap(\.self)).base64EncodedString()) -->" }

  /// Nil for a line that says nothing.
  private static func digest(_ line: Substring) -> [UInt8]? {
    let text = line.filter { !$0.isWhitespace && !"-*_|\\:".contains($0) }
    guard !text.isEmpty else { return nil }
    return Array(SHA256.hash(data: Array(text.utf8)).prefix(length))
  }
}
