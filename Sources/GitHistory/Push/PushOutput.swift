import Capabilities
import Foundation

/// Reads `git push --porcelain` (git-push(1), OUTPUT).
struct PushOutput: Sendable {
  struct Line: Sendable {
    let ref: String
    let isUpdated: Bool
    let reason: String?
    /// The lease did not hold.
    let isOvertaken: Bool
    /// Whether Git said anything about it.
    let isReported: Bool
  }

  private var byName: [[UInt8]: (flag: UInt8, summary: String)] = [:]
  private let messages: [String]

  init(_ outcome: GitProgram.Outcome) {
    for line in outcome.output.split(separator: 0x0A) {
      let fields = line.split(separator: 0x09, omittingEmptySubsequences: false)
      guard fields.count == 3, fields[0].count == 1, let flag = fields[0].first,
        let colon = fields[1].lastIndex(of: 0x3A)
      else { continue }
      byName[Array(fields[1][(colon + 1)...])] = (flag, String(decoding: fields[2], as: UTF8.self))
    }
    messages = outcome.errors.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("remote: ") }
      .map { PushOutput.safe($0.dropFirst(8)) }.filter { !$0.isEmpty }.prefix(8).map { $0 }
  }

  func results(for names: [ReferenceName]) -> [Line] {
    names.map { name in
      guard let found = byName[name.bytes] else {
        return Line(
          ref: name.description, isUpdated: false, reason: "git did not come to it: nothing was updated",
          isOvertaken: false, isReported: false)
      }
      guard found.flag == 0x21 else {  // `!`: rejected or failed
        return Line(
          ref: name.description, isUpdated: true, reason: nil, isOvertaken: false, isReported: true)
      }
      let inner = found.summary.drop { $0 != "(" }.dropFirst().prefix { $0 != ")" }
      let reason = inner.isEmpty ? found.summary : String(inner)
      return Line(
        ref: name.description, isUpdated: false,
        reason: PushFailure.reason(reason, remoteMessages: messages),
        isOvertaken: PushFailure.isOvertaken(reason), isReported: true)
    }
  }

  /// One line of a remote's hook, for people: no control characters, no user part of an address, at most 200 characters.
  private static func safe(_ text: Substring) -> String {
    var line = String(
      text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }.prefix(200).map(Character.init))
    while let at = line.range(of: "://"), let end = line[at.upperBound...].firstIndex(of: "@"),
      !line[at.upperBound..<end].contains(where: { $0 == "/" || $0 == " " })
    {
      line.replaceSubrange(at.lowerBound...end, with: "//")
    }
    // Git pads what a remote says, to wipe the progress that stood there.
    return line.trimmingCharacters(in: .whitespaces)
  }
}
