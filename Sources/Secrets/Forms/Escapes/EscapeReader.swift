/// Reads one escape of any language. What two languages read differently is read as most do; docs/FORMS.md.
enum EscapeReader {
  enum Value: Equatable {
    case byte(UInt8)
    case scalar(Unicode.Scalar)
    /// A backslash at the end of a line takes the line end away.
    case nothing
  }
  struct Escaped {
    let value: Value
    /// Behind its last byte.
    let end: Int

    /// The first byte in the decoded text; of characters beyond ASCII, some byte beyond ASCII. Asked for nearly every
    /// escape of a text, so nothing is allocated.
    var first: UInt8? {
      switch value {
      case .byte(let byte): byte
      case .scalar(let scalar): scalar.isASCII ? UInt8(scalar.value) : 0xC2
      case .nothing: nil
      }
    }

    /// What stands in the decoded text.
    var bytes: [UInt8] {
      switch value {
      case .byte(let byte): [byte]
      case .scalar(let scalar): Array(String(scalar).utf8)
      case .nothing: []
      }
    }
  }

  static func isMark(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "%") || byte == UInt8(ascii: "&")
  }

  static let markCount = 3

  /// The escape whose `mark` stands before `next`; nil when none does.
  static func read(_ text: Span<UInt8>, mark: UInt8, at next: Int) -> Escaped? {
    guard next < text.count else { return nil }
    switch mark {
    case UInt8(ascii: "\\"): return backslash(text, next)
    case UInt8(ascii: "%"): return percent(text, next)
    case UInt8(ascii: "&"): return reference(text, next)
    default: return nil
    }
  }

  // MARK: Backslash

  private static func backslash(_ text: Span<UInt8>, _ next: Int) -> Escaped? {
    let code = text[next]
    switch code {
    case UInt8(ascii: "u"): return braced(text, next + 1, radix: 16) ?? unit(text, next + 1)
    case UInt8(ascii: "x"):
      return braced(text, next + 1, radix: 16) ?? digits(text, next + 1, count: 2).map { byte($0, next + 3) }
    case UInt8(ascii: "U"):
      return digits(text, next + 1, count: 8).flatMap { scalar($0, end: next + 9) }
    case UInt8(ascii: "o"): return braced(text, next + 1, radix: 8)
    case UInt8(ascii: "0")...UInt8(ascii: "7"): return octal(text, next)
    case UInt8(ascii: "n"): return byte(0x0A, next + 1)
    case UInt8(ascii: "r"): return byte(0x0D, next + 1)
    case UInt8(ascii: "t"): return byte(0x09, next + 1)
    case UInt8(ascii: "b"): return byte(0x08, next + 1)
    case UInt8(ascii: "f"): return byte(0x0C, next + 1)
    case 0x0A: return Escaped(value: .nothing, end: next + 1)
    case 0x0D:
      guard next + 1 < text.count, text[next + 1] == 0x0A else { return nil }
      return Escaped(value: .nothing, end: next + 2)
    case 0x20...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: return byte(UInt32(code), next + 1)
    default: return nil
    }
  }

  /// `{26}`: Swift, Rust, PHP, Ruby, Perl, JavaScript.
  private static func braced(_ text: Span<UInt8>, _ start: Int, radix: UInt32) -> Escaped? {
    guard start < text.count, text[start] == UInt8(ascii: "{") else { return nil }
    guard let (value, end) = number(text, start + 1, radix: radix, most: 8), end < text.count,
      text[end] == UInt8(ascii: "}")
    else { return nil }
    return scalar(value, end: end + 1)
  }

  /// Four digits, or two times four for a character beyond U+FFFF.
  private static func unit(_ text: Span<UInt8>, _ start: Int) -> Escaped? {
    guard let high = digits(text, start, count: 4) else { return nil }
    guard (0xD800..<0xDC00).contains(high) else { return scalar(high, end: start + 4) }
    guard start + 10 <= text.count, text[start + 4] == UInt8(ascii: "\\"),
      text[start + 5] == UInt8(ascii: "u"),
      let low = digits(text, start + 6, count: 4), (0xDC00..<0xE000).contains(low)
    else { return nil }
    return scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00), end: start + 10)
  }

  private static func octal(_ text: Span<UInt8>, _ start: Int) -> Escaped? {
    guard let (value, end) = number(text, start, radix: 8, most: 3) else { return nil }
    return value <= 0xFF ? byte(value, end) : nil
  }

  // MARK: Percent

  private static func percent(_ text: Span<UInt8>, _ next: Int) -> Escaped? {
    if let value = digits(text, next, count: 2) { return byte(value, next + 2) }
    // JavaScript's escape().
    guard text[next] == UInt8(ascii: "u"), let value = digits(text, next + 1, count: 4) else { return nil }
    return scalar(value, end: next + 5)
  }

  // MARK: Reference

  /// As HTML reads it, a number needs no semicolon.
  private static func reference(_ text: Span<UInt8>, _ next: Int) -> Escaped? {
    guard text[next] == UInt8(ascii: "#") else { return ReferenceNames.read(text, next) }
    let isHex = next + 1 < text.count && text[next + 1] | 0x20 == UInt8(ascii: "x")
    guard let (value, end) = number(text, next + (isHex ? 2 : 1), radix: isHex ? 16 : 10, most: 8) else {
      return nil
    }
    let isClosed = end < text.count && text[end] == UInt8(ascii: ";")
    return scalar(value, end: isClosed ? end + 1 : end)
  }

  // MARK: Numbers

  private static func byte(_ value: UInt32, _ end: Int) -> Escaped {
    Escaped(value: .byte(UInt8(truncatingIfNeeded: value)), end: end)
  }

  private static func scalar(_ value: UInt32, end: Int) -> Escaped? {
    guard value > 0, let scalar = Unicode.Scalar(value) else { return nil }
    return Escaped(value: .scalar(scalar), end: end)
  }

  /// Exactly `count` hexadecimal digits.
  private static func digits(_ text: Span<UInt8>, _ start: Int, count: Int) -> UInt32? {
    guard let (value, end) = number(text, start, radix: 16, most: count), end == start + count else {
      return nil
    }
    return value
  }

  /// One to `most` digits, as many as there are.
  private static func number(_ text: Span<UInt8>, _ start: Int, radix: UInt32, most: Int) -> (UInt32, Int)? {
    var value: UInt32 = 0
    var place = start
    while place < text.count, place < start + most, let digit = digit(text[place]), digit < radix {
      value = value &* radix &+ digit
      place += 1
    }
    return place > start ? (value, place) : nil
  }

  private static func digit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case 0x30...0x39: UInt32(byte - 0x30)
    case 0x41...0x46: UInt32(byte - 0x41 + 10)
    case 0x61...0x66: UInt32(byte - 0x61 + 10)
    default: nil
    }
  }
}
