/// The canonical text of RFC 8785 (JCS): what digests and the journal's hash chain are computed over.
///
/// Members are sorted by their UTF-16 code units, white space is absent, strings use the shortest escapes.
extension JSONValue {
  /// This value as canonical text.
  ///
  /// Non-finite numbers cannot be written in JSON; they become `null`, as in ECMAScript's `JSON.stringify`.
  public var canonicalText: String {
    var text = ""
    appendCanonical(to: &text)
    return text
  }

  /// The UTF-8 bytes of ``canonicalText``.
  public var canonicalBytes: [UInt8] { Array(canonicalText.utf8) }

  private func appendCanonical(to text: inout String) {
    switch self {
    case .null: text += "null"
    case .boolean(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .number(let value): text += JSONValue.ecmaScriptText(of: value)
    case .string(let value): JSONValue.appendQuoted(value, to: &text)
    case .array(let elements):
      text += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { text += "," }
        element.appendCanonical(to: &text)
      }
      text += "]"
    case .object(let members):
      text += "{"
      let keys = members.keys.sorted { $0.utf16.lexicographicallyPrecedes($1.utf16) }
      for (index, key) in keys.enumerated() {
        if index > 0 { text += "," }
        JSONValue.appendQuoted(key, to: &text)
        text += ":"
        (members[key] ?? .null).appendCanonical(to: &text)
      }
      text += "}"
    }
  }

  /// A JSON string literal of `value` with the escapes of RFC 8785 §3.2.2.2.
  public static func quoted(_ value: String) -> String {
    var text = ""
    appendQuoted(value, to: &text)
    return text
  }

  private static func appendQuoted(_ value: String, to text: inout String) {
    text += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\u{08}": text += "\\b"
      case "\t": text += "\\t"
      case "\n": text += "\\n"
      case "\u{0C}": text += "\\f"
      case "\r": text += "\\r"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }

  /// The shortest text that reads back as `value`, laid out as ECMAScript's Number::toString does.
  static func ecmaScriptText(of value: Double) -> String {
    guard value.isFinite else { return "null" }
    if value == 0 { return "0" }
    if value < 0 { return "-" + ecmaScriptText(of: -value) }
    // Swift prints the shortest round-trip digits too; only the layout differs.
    let parts = "\(value)".lowercased().split(separator: "e")
    var exponent = parts.count == 2 ? (Int(parts[1]) ?? 0) : 0
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    var digits = String(mantissa[0])
    if mantissa.count == 2, mantissa[1] != "0" {
      digits += mantissa[1]
      exponent -= mantissa[1].count
    }
    while digits.hasPrefix("0"), digits.count > 1 { digits.removeFirst() }
    while digits.hasSuffix("0"), digits.count > 1 {
      digits.removeLast()
      exponent += 1
    }
    let point = digits.count + exponent  // value = 0.digits × 10^point
    if exponent >= 0, point <= 21 { return digits + String(repeating: "0", count: exponent) }
    if point > 0, point <= 21 { return digits.prefix(point) + "." + digits.dropFirst(point) }
    if point > -6, point <= 0 { return "0." + String(repeating: "0", count: -point) + digits }
    let sign = point - 1 < 0 ? "-" : "+"
    let head = digits.count == 1 ? digits : digits.prefix(1) + "." + digits.dropFirst()
    return head + "e" + sign + String(abs(point - 1))
  }
}
