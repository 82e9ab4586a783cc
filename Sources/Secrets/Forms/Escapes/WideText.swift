/// A part of a text that is UTF-16: what Windows' programs save. Everything is searched in it as in UTF-8.
public struct WideText: Sendable {
  /// Whole code units.
  public let range: Range<Int>
  private let bigEndian: Bool

  /// Units of other scripts between characters that say that this is text at all.
  private static let mostForeign = 16
  /// Decoded at once.
  private static let piece = 1 << 19

  /// Characters of ASCII in a row that say that a text is UTF-16.
  public static let fewest = 4
  /// As many as are ever asked for.
  public static let most = 8

  /// Whether the zero at `place` is the half of a code unit, by its neighbours: characters of ASCII with zeros between them.
  ///
  /// - Parameter characters: how many; it looks at twice as many bytes but one.
  public static func isWide(_ text: Span<UInt8>, at place: Int, characters: Int = fewest) -> Bool {
    guard place > 0, place + 2 * characters - 3 < text.count, isText(text[place - 1]) else { return false }
    for zero in stride(from: place, to: place + 2 * characters - 2, by: 2) {
      guard text[zero] == 0, isText(text[zero + 1]) else { return false }
    }
    return true
  }

  public static func isText(_ byte: UInt8) -> Bool {
    (0x20...0x7E).contains(byte) || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }

  private static func isText(_ unit: UInt32) -> Bool {
    unit < 0x80 ? isText(UInt8(unit)) : unit < 0xFFFE
  }

  private static func unit(_ text: Span<UInt8>, _ place: Int, _ bigEndian: Bool) -> UInt32 {
    let (first, second) = (UInt32(text[place]), UInt32(text[place + 1]))
    return bigEndian ? first << 8 | second : second << 8 | first
  }

  /// The text around a zero of which ``isWide(_:at:)`` is true. Code units start at even places, as in files; of ASCII it
  /// makes no difference.
  ///
  /// - Parameter first: it begins there at the earliest, so that no part is read again and again.
  public init(around place: Int, from first: Int, in text: Span<UInt8>) {
    let bigEndian = place % 2 == 0
    let start = bigEndian ? place : place - 1
    var (low, foreign) = (start, 0)
    while low >= first + 2, foreign <= Self.mostForeign, Self.isText(Self.unit(text, low - 2, bigEndian)) {
      low -= 2
      foreign = Self.unit(text, low, bigEndian) < 0x100 ? 0 : foreign + 1
    }
    var high = start
    foreign = 0
    while high + 2 <= text.count, foreign <= Self.mostForeign, Self.isText(Self.unit(text, high, bigEndian)) {
      foreign = Self.unit(text, high, bigEndian) < 0x100 ? 0 : foreign + 1
      high += 2
    }
    range = low..<max(high, start + 2)
    self.bigEndian = bigEndian
  }

  /// Calls `body` with what it means, and with every text that stands in that behind escapes. Places are those of the text.
  public func forEachMeaning(
    in text: Span<UInt8>, fitting alphabet: EscapeAlphabet, _ body: (_ start: Int, DecodedText) -> Void
  ) {
    var start = range.lowerBound
    while start < range.upperBound {
      let end = min(range.upperBound, start + max(Self.piece, 8 * alphabet.reach) / 2 * 2)
      let decoded = decoded(text, start..<end)
      body(start, decoded)
      decoded.forEachInside(fitting: alphabet) { body(start, $0) }
      guard end < range.upperBound else { return }
      start = end - 4 * alphabet.reach
    }
  }

  private func decoded(_ text: Span<UInt8>, _ part: Range<Int>) -> DecodedText {
    var bytes: [UInt8] = []
    var places: [Int32] = []
    bytes.reserveCapacity(part.count / 2)
    places.reserveCapacity(part.count / 2 + 1)
    var position = part.lowerBound
    while position + 2 <= part.upperBound {
      let place = Int32(position - part.lowerBound)
      var value = Self.unit(text, position, bigEndian)
      position += 2
      if value < 0x80 {
        bytes.append(UInt8(value))
        places.append(place)
        continue
      }
      if (0xD800..<0xDC00).contains(value), position + 2 <= part.upperBound,
        (0xDC00..<0xE000).contains(Self.unit(text, position, bigEndian))
      {
        value = 0x10000 + (value - 0xD800) << 10 + (Self.unit(text, position, bigEndian) - 0xDC00)
        position += 2
      }
      for byte in String(Unicode.Scalar(value) ?? "\u{FFFD}").utf8 {
        bytes.append(byte)
        places.append(place)
      }
    }
    places.append(Int32(position - part.lowerBound))
    return DecodedText(bytes: bytes, places: places, layers: [bigEndian ? .utf16be : .utf16le])
  }

  /// The parts of a text that are UTF-16.
  static func all(in text: [UInt8]) -> [WideText] {
    guard text.contains(0) else { return [] }
    var result: [WideText] = []
    var (place, first) = (0, 0)
    while place < text.count {
      if isWide(text.span, at: place) {
        let found = WideText(around: place, from: first, in: text.span)
        result.append(found)
        first = found.range.upperBound
        place = max(place, first)
      }
      place += 1
    }
    return result
  }
}
