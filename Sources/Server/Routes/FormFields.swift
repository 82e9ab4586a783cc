/// `application/x-www-form-urlencoded`, strictly: a name that stands twice, bytes that are no UTF-8 and U+0000 are refused.
struct FormFields: Sendable {
  private let values: [String: String]

  init(_ body: [UInt8]) throws(Refusal) {
    var values: [String: String] = [:]
    for pair in body.split(separator: 0x26) {
      let parts = pair.split(separator: 0x3D, maxSplits: 1, omittingEmptySubsequences: false)
      let name = try FormFields.text(parts[0])
      guard values.updateValue(parts.count == 2 ? try FormFields.text(parts[1]) : "", forKey: name) == nil
      else { throw .malformed("a form field stands twice") }
      guard values.count <= 64 else { throw .malformed("the form has more than 64 fields") }
    }
    self.values = values
  }

  var names: some Collection<String> { values.keys }

  /// Fields whose names begin so, without that beginning.
  func all(behind prefix: String) -> [String: String] {
    Dictionary(
      values.filter { $0.key.hasPrefix(prefix) }.map { (String($0.key.dropFirst(prefix.count)), $0.value) }
    ) { first, _ in first }
  }

  subscript(_ name: String) -> String? { values[name] }

  private static func text(_ bytes: ArraySlice<UInt8>) throws(Refusal) -> String {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var index = bytes.startIndex
    while index < bytes.endIndex {
      switch bytes[index] {
      case 0x2B: decoded.append(0x20)
      case 0x25:
        guard index + 2 < bytes.endIndex, let high = nibble(bytes[index + 1]),
          let low = nibble(bytes[index + 2])
        else { throw .malformed("a percent escape of the form is none") }
        decoded.append(high << 4 | low)
        index += 2
      default: decoded.append(bytes[index])
      }
      index += 1
    }
    guard !decoded.contains(0), let text = String(validating: decoded, as: UTF8.self) else {
      throw .malformed("a form field is no UTF-8, or holds U+0000")
    }
    return text
  }

  private static func nibble(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x41...0x46: digit - 0x41 + 10
    case 0x61...0x66: digit - 0x61 + 10
    default: nil  // no hexadecimal digit
    }
  }
}
