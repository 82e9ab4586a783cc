/// The core schema of YAML 1.2.2, §10.3.2: which plain scalars are not text.
///
/// Unlike YAML 1.1, `yes`, `no`, `on`, `off`, `0b1`, `1_000` and `12:30` are text, so a country code NO stays one.
enum CoreSchema {
  static func resolve(plain text: String) -> YAMLNode.Content {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .boolean(true)
    case "false", "False", "FALSE": return .boolean(false)
    default: break
    }
    guard let first = text.utf8.first, first < 0x3A, first != 0x2F else { return .string(text) }
    if let number = integer(text) { return .integer(number) }
    return isFloat(text) ? .number(text) : .string(text)
  }

  /// `[-+]?[0-9]+`, `0o[0-7]+`, `0x[0-9a-fA-F]+`; nil also when it does not fit 64 bits (it is text then).
  private static func integer(_ text: String) -> Int? {
    if text.hasPrefix("0o") { return unsigned(text.dropFirst(2), radix: 8) }
    if text.hasPrefix("0x") { return unsigned(text.dropFirst(2), radix: 16) }
    let digits = text.first == "-" || text.first == "+" ? text.dropFirst() : text[...]
    guard !digits.isEmpty, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
    return Int(text)
  }

  private static func unsigned(_ digits: Substring, radix: Int) -> Int? {
    guard let first = digits.first, first.isHexDigit else { return nil }
    return Int(digits, radix: radix)
  }

  /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, `[-+]?\.inf`, `\.nan`.
  private static func isFloat(_ text: String) -> Bool {
    let unsigned = text.first == "-" || text.first == "+" ? text.dropFirst() : text[...]
    if [".inf", ".Inf", ".INF"].contains(unsigned) { return true }
    if [".nan", ".NaN", ".NAN"].contains(text) { return true }
    let halves = unsigned.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
    if halves.count == 2 {
      let exponent = halves[1].first == "-" || halves[1].first == "+" ? halves[1].dropFirst() : halves[1]
      guard !exponent.isEmpty, exponent.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return false }
    }
    let parts = halves[0].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.allSatisfy({ $0.utf8.allSatisfy { 0x30...0x39 ~= $0 } }) else { return false }
    return parts.contains { !$0.isEmpty }
  }
}
