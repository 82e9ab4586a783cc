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

    /// The first byte in the decoded text. Asked for nearly every escape of a text, so nothing is allocated.
    var first: UInt8? {
      switch value {
      case .byte(let byte): byte
      case .scalar(let scalar): Self.first(scalar.value)
      case .nothing: nil
      }
    }

    private static func first(_ scalar: UInt32) -> UInt8 {
      switch scalar {
      case 0..<0x80: UInt8(scalar)
      case 0x80..<0x800: 0xC0 | UInt8(scalar >> 6)
      case 0x800..<0x10000: 0xE0 | UInt8(scalar >> 12)
      default: 0xF0 | UInt8(scalar >> 18 & 7)
      }
    }

    /// Appends what stands in the decoded text.
    func append(to text: inout [UInt8]) {
      switch value {
      case .byte(let byte): text.append(byte)
      case .scalar(let scalar) where scalar.isASCII: text.append(UInt8(scalar.value))
      case .scalar(let scalar): text.append(contentsOf: String(scalar).utf8)
      case .nothing: break
      }
    }
  }

  static func isMark(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "%") || byte == UInt8(ascii: "&")
  }

  static let marks = [UInt8(ascii: "\\"), UInt8(ascii: "%"), UInt8(ascii: "&")]

  /// Whether `byte` may stand in an escape, behind its mark.
  static func isPart(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "#"), UInt8(ascii: "{"), UInt8(ascii: "}"),
      0x0D:
      true
    default: false
    }
  }

  /// Whether an escape that begins with `mark` and `byte` may give a byte that stands in another escape, or take a line end
  /// out of it.
  static func givesPart(_ byte: UInt8, behind mark: UInt8) -> Bool {
    switch mark {
    case UInt8(ascii: "\\"):
      switch byte {
      case 0x30...0x37, UInt8(ascii: "u"), UInt8(ascii: "U"), UInt8(ascii: "x"), UInt8(ascii: "o"),
        UInt8(ascii: "#"), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: ";"), 0x0A, 0x0D:
        true
      default: false
      }
    case UInt8(ascii: "%"): (0x32...0x37).contains(byte) || byte == UInt8(ascii: "u")
    // `&num; &lcub; &rcub; &semi;`
    case UInt8(ascii: "&"):
      byte == UInt8(ascii: "#") || byte == UInt8(ascii: "n") || byte == UInt8(ascii: "l")
        || byte == UInt8(ascii: "r") || byte == UInt8(ascii: "s")
    default: false
    }
  }

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

  /// Whether `text` ends within an escape that begins with the mark at `place`.
  static func isUnfinished(_ text: Span<UInt8>, at place: Int) -> Bool {
    let mark = text[place]
    let next = place + 1
    guard next < text.count else { return true }
    switch (mark, text[next]) {
    case (UInt8(ascii: "\\"), UInt8(ascii: "u")):
      return isUnfinishedUnit(text, next + 1, mark) || isUnfinishedBrace(text, next + 1)
    case (UInt8(ascii: "\\"), UInt8(ascii: "x")):
      return areDigits(text, next + 1, fewer: 2) || isUnfinishedBrace(text, next + 1)
    case (UInt8(ascii: "\\"), UInt8(ascii: "U")): return areDigits(text, next + 1, fewer: 8)
    case (UInt8(ascii: "\\"), UInt8(ascii: "o")): return isUnfinishedBrace(text, next + 1)
    case (UInt8(ascii: "\\"), 0x0D): return next + 1 == text.count
    case (UInt8(ascii: "%"), UInt8(ascii: "u")): return isUnfinishedUnit(text, next + 1, mark)
    case (UInt8(ascii: "%"), _): return areDigits(text, next, fewer: 2)
    case (UInt8(ascii: "&"), UInt8(ascii: "#")):
      let isHex = next + 1 < text.count && text[next + 1] | 0x20 == UInt8(ascii: "x")
      return areDigits(text, next + (isHex ? 2 : 1), fewer: 9)
    case (UInt8(ascii: "&"), _): return ReferenceNames.isUnfinished(text, next)
    default: return false
    }
  }

  /// Whether `text` ends behind hexadecimal digits from `start` on, of which there are fewer than `count`.
  private static func areDigits(_ text: Span<UInt8>, _ start: Int, fewer count: Int) -> Bool {
    guard text.count - start < count else { return false }
    for place in start..<max(start, text.count) where digit(text[place]) == nil { return false }
    return true
  }

  private static func isUnfinishedBrace(_ text: Span<UInt8>, _ start: Int) -> Bool {
    start >= text.count || text[start] == UInt8(ascii: "{") && areDigits(text, start + 1, fewer: 9)
  }

  private static func isUnfinishedUnit(_ text: Span<UInt8>, _ start: Int, _ mark: UInt8) -> Bool {
    if areDigits(text, start, fewer: 4) { return true }
    guard let high = digits(text, start, count: 4), (0xD800..<0xDC00).contains(high) else { return false }
    let second = start + 4
    if second < text.count, text[second] != mark { return false }
    if second + 1 < text.count, text[second + 1] != UInt8(ascii: "u") { return false }
    return areDigits(text, second + 2, fewer: 4)
  }

  // MARK: Backslash

  private static func backslash(_ text: Span<UInt8>, _ next: Int) -> Escaped? {
    let code = text[next]
    switch code {
    case UInt8(ascii: "u"):
      return braced(text, next + 1, radix: 16) ?? unit(text, next + 1, mark: UInt8(ascii: "\\"))
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
  private static func unit(_ text: Span<UInt8>, _ start: Int, mark: UInt8) -> Escaped? {
    guard let high = digits(text, start, count: 4) else { return nil }
    guard (0xD800..<0xDC00).contains(high) else { return scalar(high, end: start + 4) }
    guard start + 10 <= text.count, text[start + 4] == mark, text[start + 5] == UInt8(ascii: "u"),
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
    return text[next] == UInt8(ascii: "u") ? unit(text, next + 1, mark: UInt8(ascii: "%")) : nil
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
