/// YAML, read through libyaml's events: they tell where each scalar begins and ends, and name anchors and aliases without
/// following them.
///
/// One document of text keys, each once. A value that has an anchor, stands under one, or is an alias is not exchanged: it
/// would change at other places too.
enum YAMLFormat: DocumentFormat {
  static let name = "YAML"

  static func read(_ bytes: [UInt8]) throws(DocumentFault) -> DocumentText {
    var reader = YAMLReading(bytes)
    return try reader.read()
  }

  static func written(_ value: [UInt8], like leaf: DocumentText.Leaf?) -> [UInt8]? {
    guard let text = String(validating: value, as: UTF8.self) else { return nil }
    switch leaf?.style {
    case .block(let header, let indentation)?:
      if let block = block(text, header, indentation) { return block }
    case .double?: return doubleQuoted(value)
    case .bare?, nil: if isPlain(text) { return value }
    default: break
    }
    guard isPrintable(value) else { return doubleQuoted(value) }
    return Array("'\(text.replacing("'", with: "''"))'".utf8)
  }

  static func label(_ name: String) -> [UInt8]? {
    written(Array(name.utf8), like: nil).map { $0 + Array(": ".utf8) }
  }

  /// As the block that stood there, with its header: its indicator says how line ends at the end count.
  private static func block(_ text: String, _ header: [UInt8], _ indentation: Int) -> [UInt8]? {
    guard let first = text.first, first != " ", first != "\n", first != "\t", !text.hasSuffix("\n"),
      header.first == UInt8(ascii: "|") || !text.contains("\n"),
      isPrintable(Array(text.utf8.filter { $0 != 0x0A }))
    else { return nil }
    let margin = String(repeating: " ", count: indentation)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
      $0.isEmpty ? "" : margin + $0
    }
    return header + Array(lines.joined(separator: "\n").utf8)
  }

  /// Text for every version of YAML without quotes.
  private static func isPlain(_ text: String) -> Bool {
    guard let first = text.utf8.first, (0x41...0x5A).contains(first) || (0x61...0x7A).contains(first) else {
      return false
    }
    return !isOtherThanText(text)
      && text.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
          || [0x2D, 0x2E, 0x5F, 0x2F, 0x2B, 0x3D, 0x7E].contains($0)
      }
  }

  /// A word, number or date for YAML 1.1 or 1.2.
  static func isOtherThanText(_ text: String) -> Bool {
    let words = ["", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<"]
    let low = text.lowercased()
    if words.contains(low) { return true }
    let bare = low.first == "-" || low.first == "+" ? low.dropFirst() : low[...]
    if [".inf", ".nan"].contains(bare) { return true }
    if let radix = ["0x": 16, "0o": 8, "0b": 2][String(bare.prefix(2))] {
      let digits = bare.dropFirst(2)
      return !digits.isEmpty
        && digits.allSatisfy { $0 == "_" || $0.hexDigitValue.map { $0 < radix } ?? false }
    }
    guard let first = bare.utf8.first, (0x30...0x39).contains(first) || first == 0x2E else { return false }
    let digits: (Substring) -> Bool = {
      $0.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x5F || $0 == 0x2E || $0 == 0x3A }
    }
    if digits(bare) { return true }
    let halves = bare.split(separator: "e", maxSplits: 1, omittingEmptySubsequences: false)
    if halves.count == 2, digits(halves[0]) {
      let power = halves[1].first == "-" || halves[1].first == "+" ? halves[1].dropFirst() : halves[1]
      if !power.isEmpty, power.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { return true }
    }
    let parts = bare.split(separator: "-", omittingEmptySubsequences: false)
    return parts.count >= 3 && parts[0].count == 4 && parts[0].utf8.allSatisfy { (0x30...0x39).contains($0) }
      && bare.utf8.allSatisfy {
        (0x30...0x3A).contains($0) || [0x2D, 0x2B, 0x2E, 0x20, 0x74, 0x7A].contains($0)
      }
  }
}
