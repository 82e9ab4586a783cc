/// What the values of a search consist of: which escapes may belong to one of them. Escapes stand everywhere in source code,
/// so a text is decoded only around those that fit.
public struct EscapeAlphabet: Sendable {
  private var characters = [Bool](repeating: false, count: 256)
  /// Bits for four bytes that follow each other in a value, by a hash of them.
  private var quads = [UInt64](repeating: 0, count: 4096)
  /// Some piece has fewer: then neighbours do not count.
  private var hasShort = false
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
    if hasSpaces, bytes.contains(0x20) {
      let plus = bytes.map { $0 == 0x20 ? UInt8(ascii: "+") : $0 }
      for place in plus.indices { enter(plus, place) }
    }
    reach = max(reach, bytes.count * Self.longestEscape + 64)
  }

  private mutating func enter(_ bytes: [UInt8], _ place: Int) {
    characters[Int(bytes[place])] = true
    if bytes[place] >= 0x80 { hasUmlauts = true }
    if bytes[place] == 0x20 { hasSpaces = true }
    if bytes.count < 4 { hasShort = true }
    for start in max(0, place - 3)...place where start + 3 < bytes.count {
      let bit = Self.bit(bytes[start..<(start + 4)].reduce(0) { $0 << 8 | UInt32($1) })
      quads[bit >> 6] |= 1 << UInt64(bit & 63)
    }
  }

  /// - Parameter quad: four bytes, the first in the highest bits.
  private static func bit(_ quad: UInt32) -> Int { Int((quad &* 0x9E37_79B1) >> 14) }

  private func holds(_ quad: UInt32) -> Bool {
    let bit = Self.bit(quad)
    return quads[bit >> 6] & 1 << UInt64(bit & 63) != 0
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
  ///
  /// - Parameter isWhole: false where what stands before the text and behind it is not there: it may fit.
  public func fits(_ text: Span<UInt8>, at place: Int, isWhole: Bool) -> Bool {
    fits(text, at: place, isWhole: isWhole, depth: Self.depth)
  }

  private func fits(_ text: Span<UInt8>, at place: Int, isWhole: Bool, depth: Int) -> Bool {
    let mark = text[place]
    guard place + 1 < text.count, fits(text[place + 1], behind: mark),
      let escaped = EscapeReader.read(text, mark: mark, at: place + 1), let first = escaped.first
    else { return false }
    if EscapeReader.isMark(first), depth > 1, leads(first, place, escaped.end, in: text, mark, depth) {
      return true
    }
    guard first < 0x80 else { return hasUmlauts }
    guard characters[Int(first)] else { return false }
    return hasNeighbours(first, text, place, escaped.end, isWhole: isWhole)
  }

  /// Whether `first`, which the escape of `start..<end` gave, begins another escape with what follows, one that fits.
  private func leads(
    _ first: UInt8, _ start: Int, _ end: Int, in text: Span<UInt8>, _ mark: UInt8, _ depth: Int
  ) -> Bool {
    guard end < text.count, text[end] == mark || fits(text[end], behind: first) else { return false }
    // As the layer below reads it: what is plain before, the escape, and what follows as far as a neighbour may reach.
    var inner: [UInt8] = []
    inner.reserveCapacity(2 * Self.longestEscape + 8)
    for place in max(0, start - 3)..<start { inner.append(text[place]) }
    let begin = inner.count
    inner.append(first)
    var place = end
    while place < text.count, inner.count <= 2 * Self.longestEscape {
      if text[place] == mark, let next = EscapeReader.read(text, mark: mark, at: place + 1), next.end > place
      {
        inner += next.bytes
        place = next.end
      } else {
        inner.append(text[place])
        place += 1
      }
    }
    return fits(inner.span, at: begin, isWhole: false, depth: depth - 1)
  }

  /// Whether `byte`, whose escape is `start..<end`, stands in a value with three of its neighbours. Of the escapes of one value
  /// at least one does so with what is plain before it: where nothing plain is before it, the escape there does.
  private func hasNeighbours(
    _ byte: UInt8, _ text: Span<UInt8>, _ start: Int, _ end: Int, isWhole: Bool
  ) -> Bool {
    if hasShort || !isWhole && start < 3 { return true }
    var quad = UInt32(byte)
    if goesOn(quad, 1, text, end, isWhole: isWhole) { return true }
    for count in 1...3 where count <= start {
      quad |= UInt32(text[start - count]) << UInt32(8 * count)
      if count == 3 ? holds(quad) : goesOn(quad, count + 1, text, end, isWhole: isWhole) { return true }
    }
    return false
  }

  /// Whether `count` bytes, the last ones of `quad`, and what stands at `place`, plain or escaped, are four of a value.
  private func goesOn(_ quad: UInt32, _ count: Int, _ text: Span<UInt8>, _ place: Int, isWhole: Bool) -> Bool
  {
    guard place < text.count else { return !isWhole }
    let next = text[place]
    let plain = quad << 8 | UInt32(next)
    if count == 3 ? holds(plain) : goesOn(plain, count + 1, text, place + 1, isWhole: isWhole) { return true }
    guard EscapeReader.isMark(next) else { return false }
    guard let escaped = EscapeReader.read(text, mark: next, at: place + 1) else {
      return !isWhole && text.count - place < Self.longestEscape
    }
    // What it gives may begin another escape, or be a part of a character.
    guard let first = escaped.first else { return true }
    if first >= 0x80 { return hasUmlauts }
    if EscapeReader.isMark(first), leads(first, place, escaped.end, in: text, next, Self.depth) {
      return true
    }
    let other = quad << 8 | UInt32(first)
    return count == 3 ? holds(other) : goesOn(other, count + 1, text, escaped.end, isWhole: isWhole)
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
