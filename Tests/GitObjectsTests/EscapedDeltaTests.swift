import Foundation
import GitObjects
import Secrets
import TestSupport
import Testing

/// The search looks at what a delta changes and no further: an escape that it completes must not stay unseen.
@Suite struct EscapedDeltaTests {
  /// In two parts, so that no scanner stumbles over this file.
  private static let secret = "p&ss<w>\"d'-" + "Tr0ub4dor-88"

  private static func escape(_ scalar: Unicode.Scalar, _ style: Int) -> String {
    let digits = String(scalar.value, radix: 16)
    return switch style {
    case 0: "&#\(scalar.value);"
    case 1: "&#X00\(digits);"
    case 2: "\\u00\(digits)"
    case 3: "\\x\(digits)"
    case 4: "%\(digits)"
    case 5: "%25\(digits)"
    default: "&#x\(digits);"
    }
  }

  @Test(arguments: 1..<8 as Range<UInt64>)
  func `what a delta completes is found as in the whole file`(seed: UInt64) throws {
    var numbers = HostilePackTests.Numbers(state: seed)
    let sandbox = try GitSandbox()
    var lines = (0..<200).map { line in
      // Every third one leaves open what it may be a part of.
      line % 3 == 0
        ? "<p>&quot;\(line)&quot;,&quot;&quot;,&#39;\\\\&#39; \\\\\\\\\\\\\\\\ %22%2C&amp;&apos;"
        : "  line(\(line * 7919 % 1009), value_\(line * 31 % 97), \"%02x\\n\\033 a & b\"); // \(line)"
    }
    let style = Int(seed - 1)
    // Signs of the escapes themselves are always escaped; the others by chance, as often as not at all.
    var isEscaped = Self.secret.unicodeScalars.map { "&%\\<>\"'".unicodeScalars.contains($0) }
    var scalars = Array(Self.secret.unicodeScalars)
    var whole: Set<ObjectID> = []
    var count = 0
    for _ in 0..<80 {
      // One small change each time: a wrong character, its correction, another way to write one.
      let place = Int.random(in: 0..<scalars.count, using: &numbers)
      let right = Array(Self.secret.unicodeScalars)
      if scalars != right {
        scalars = right
      } else if Bool.random(using: &numbers) {
        scalars[place] = "Z"
      } else if !"&%\\<>\"'".unicodeScalars.contains(scalars[place]) {
        isEscaped[place].toggle()
      }
      lines[Int.random(in: 0..<90, using: &numbers)] += " x"
      lines[100] =
        "pw = "
        + zip(scalars, isEscaped).map { $1 ? Self.escape($0, style) : String($0) }.joined()
      let text = lines.joined(separator: "\n")
      // The last one in UTF-16.
      let bytes = style == 6 ? Array(text.data(using: .utf16LittleEndian) ?? Data()) : Array(text.utf8)
      try sandbox.put("f", bytes)
      try sandbox.commit("change")
      let blob = try sandbox.id("HEAD:f")
      count += 1
      if scalars == right { whole.insert(blob) }
    }
    try sandbox.git("repack", "-adfq", "--window=20", "--depth=50")
    let found = Set(try sandbox.scan(patterns(Self.secret)).filter { $0.kind == .blob }.map(\.object))
    #expect(found == whole)
    #expect(whole.count > 20 && whole.count < count)
  }
}
