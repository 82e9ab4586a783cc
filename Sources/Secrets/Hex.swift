/// Lower-case hexadecimal text.
public enum Hex {
  private static let digits = Array("0123456789abcdef".unicodeScalars)

  /// Two digits.
  public static func byte(_ value: UInt8) -> String {
    var text = ""
    text.unicodeScalars.append(digits[Int(value >> 4)])
    text.unicodeScalars.append(digits[Int(value & 15)])
    return text
  }

  /// Two digits for each byte.
  public static func text(_ bytes: some Sequence<UInt8>) -> String {
    var text = ""
    for value in bytes { text += byte(value) }
    return text
  }

  /// The bytes of `text`, or nil when it is not an even number of hexadecimal digits.
  public static func bytes(_ text: some StringProtocol) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(digits.count / 2)
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = nibble(digits[index]), let low = nibble(digits[index + 1]) else { return nil }
      result.append(high << 4 | low)
    }
    return result
  }

  private static func nibble(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x41...0x46: digit - 0x41 + 10
    case 0x61...0x66: digit - 0x61 + 10
    default: nil
    }
  }
}
