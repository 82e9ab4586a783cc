/// What the values of a search consist of: which escapes may belong to one of them. Escapes stand everywhere in source code,
/// so a text is decoded only around those that fit.
public struct EscapeAlphabet: Sendable {
  private var characters = [Bool](repeating: false, count: 256)
  /// One bit for two bytes that follow each other in a value.
  private var pairs = [UInt64](repeating: 0, count: 1024)
  private var hasUmlauts = false
  private(set) var hasSpaces = false
  /// How far around an escape the rest of a value may stand, escapes included.
  private(set) var reach = 0

  /// An escape within an escape is followed to this depth, and so are layers (``DecodedText``).
  static let depth = 3
  /// Bytes of the longest escape of one character, `&#x00000026;`.
  private static let longestEscape = 12

  public init() {}

  public var isEmpty: Bool { reach == 0 }

  /// From now on escapes of this secret's characters count, and those of the other characters of its base64.
  public mutating func add(_ entries: [SecretForms.Entry]) {
    for entry in entries {
      switch entry.spelling.wrapping {
      case .none:
        guard entry.spelling.escape == .none, entry.spelling.charset.isNarrow else { continue }
        add(entry.bytes)
      case .base64, .base64Twice:
        for place in entry.bytes.indices
        where entry.bytes[place] == UInt8(ascii: "+") || entry.bytes[place] == UInt8(ascii: "/") {
          enter(entry.bytes, place)
        }
        reach = max(reach, entry.bytes.count * 3 + 64)
      case .hex: continue
      }
    }
  }

  /// From now on escapes of this value's characters count.
  mutating func add(_ bytes: [UInt8]) {
    for place in bytes.indices { enter(bytes, place) }
    reach = max(reach, bytes.count * Self.longestEscape + 64)
  }

  private mutating func enter(_ bytes: [UInt8], _ place: Int) {
    characters[Int(bytes[place])] = true
    if bytes[place] >= 0x80 { hasUmlauts = true }
    if bytes[place] == 0x20 { hasSpaces = true }
    if place > 0 { enter(bytes[place - 1], bytes[place]) }
    if place + 1 < bytes.count { enter(bytes[place], bytes[place + 1]) }
  }

  private mutating func enter(_ first: UInt8, _ second: UInt8) {
    pairs[Int(first) << 2 | Int(second) >> 6] |= 1 << UInt64(second & 63)
  }

  private func holds(_ first: UInt8, _ second: UInt8) -> Bool {
    pairs[Int(first) << 2 | Int(second) >> 6] & 1 << UInt64(second & 63) != 0
  }

  // MARK: Escapes that fit

  /// Whether `byte` behind `mark` may begin an escape of a character that a value has: a quick no for nearly all of a text.
  public func fits(_ byte: UInt8, behind mark: UInt8) -> Bool {
    switch mark {
    case UInt8(ascii: "\\"):
      switch byte {
      case UInt8(ascii: "u"), UInt8(ascii: "x"), UInt8(ascii: "U"), UInt8(ascii: "o"), UInt8(ascii: "\\"),
        UInt8(ascii: "0")...UInt8(ascii: "7"):
        true
      case 0x20...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: characters[Int(byte)]
      // `\n` and the like alone are in every program; lines are followed otherwise (``JoinedText``).
      default: false
      }
    case UInt8(ascii: "%"):
      (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte & 0xDF) || byte == UInt8(ascii: "u")
    case UInt8(ascii: "&"): byte == UInt8(ascii: "#") || (0x41...0x5A).contains(byte & 0xDF)
    default: false
    }
  }

  /// Whether the escape whose mark stands at `place` may belong to a value.
  /// - Parameter isWhole: false where what stands before and behind is not all there: then its neighbours do not count.
  public func fits(_ text: Span<UInt8>, at place: Int, isWhole: Bool) -> Bool {
    fits(text, at: place, isWhole: isWhole, depth: Self.depth)
  }

  private func fits(_ text: Span<UInt8>, at place: Int, isWhole: Bool, depth: Int) -> Bool {
    let mark = text[place]
    guard place + 1 < text.count, fits(text[place + 1], behind: mark),
      let escaped = EscapeReader.read(text, mark: mark, at: place + 1), let first = escaped.first
    else { return false }
    if EscapeReader.isMark(first), depth > 1, leads(first, escaped.end, in: text, mark, depth) { return true }
    guard first < 0x80 else { return hasUmlauts }
    guard characters[Int(first)] else { return false }
    guard isWhole else { return true }
    return hasNeighbour(first, text, place, escaped.end)
  }

  /// Whether `first`, which an escape gave, begins another escape with what follows.
  private func leads(_ first: UInt8, _ end: Int, in text: Span<UInt8>, _ mark: UInt8, _ depth: Int) -> Bool {
    guard end < text.count, text[end] == mark || fits(text[end], behind: first) else { return false }
    var inner = [first]
    var place = end
    while place < text.count, inner.count <= Self.longestEscape {
      if text[place] == mark, let next = EscapeReader.read(text, mark: mark, at: place + 1), next.end > place
      {
        inner += next.bytes
        place = next.end
      } else {
        inner.append(text[place])
        place += 1
      }
    }
    return fits(inner.span, at: 0, isWhole: false, depth: depth - 1)
  }

  /// Whether the character before or behind goes with it in a value. Of the escapes of one value at least the last does so:
  /// behind it stands a plain character, or it ends the value, and what is before it is plain or an escape that it follows.
  private func hasNeighbour(_ byte: UInt8, _ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    if start > 0, holds(text[start - 1], byte) { return true }
    guard end < text.count else { return false }
    let mark = text[end]
    if holds(byte, mark) { return true }
    guard EscapeReader.isMark(mark), let next = EscapeReader.read(text, mark: mark, at: end + 1),
      let first = next.first
    else { return false }
    // A mark may begin an escape of a layer below.
    return first >= 0x80 ? hasUmlauts : holds(byte, first) || EscapeReader.isMark(first)
  }

  /// The places of escapes that fit in a whole text.
  func places(in text: Span<UInt8>) -> [Int] {
    guard !isEmpty else { return [] }
    var result: [Int] = []
    for place in 0..<text.count
    where EscapeReader.isMark(text[place]) && fits(text, at: place, isWhole: true) { result.append(place) }
    return result
  }

  /// The marks of escapes that fit in a whole text.
  func marks(in text: Span<UInt8>) -> Set<UInt8> {
    var result: Set<UInt8> = []
    for place in 0..<text.count where EscapeReader.isMark(text[place]) && !result.contains(text[place]) {
      guard fits(text, at: place, isWhole: true) else { continue }
      result.insert(text[place])
      if result.count == EscapeReader.markCount { break }
    }
    return result
  }

  // MARK: What is decoded

  /// The parts of a text of `count` bytes that may hold a value with one of the escapes at `places` (ascending), in pieces
  /// that overlap by more than a value takes.
  public func parts(around places: [Int], of count: Int) -> [Range<Int>] {
    let most = max(1 << 18, 4 * reach)
    var result: [Range<Int>] = []
    for place in places {
      let start = max(0, place - reach)
      let end = min(count, place + reach)
      if let last = result.last, start <= last.upperBound, end - last.lowerBound <= most {
        result[result.count - 1] = last.lowerBound..<max(last.upperBound, end)
      } else {
        result.append(start..<end)
      }
    }
    return result
  }
}

extension Charset {
  /// One byte for each character of ASCII.
  fileprivate var isNarrow: Bool {
    switch self {
    case .utf8, .other: true
    case .utf16: false
    }
  }
}
