/// A text without the gaps at which a value is cut: line ends with indentation, written or quoted, and the joints of strings
/// that stand one after another. Wrapped base64, keys of several lines and notebooks are whole in it.
struct JoinedText {
  private(set) var bytes: [UInt8] = []
  /// Where each byte stands in the text.
  private var places: [Int] = []

  /// Nil when the text has no gap.
  init?(_ text: [UInt8]) {
    var position = 0
    var kept = 0
    while position < text.count {
      switch text[position] {
      case 0x0A, 0x0D, 0x5C, 0x22, 0x27:
        guard let end = Self.gap(text, from: position), end > position else { break }
        append(text, kept..<position)
        position = end
        kept = end
        continue
      default: break
      }
      position += 1
    }
    guard kept > 0 else { return nil }
    append(text, kept..<text.count)
  }

  private mutating func append(_ text: [UInt8], _ range: Range<Int>) {
    bytes += text[range]
    places += range
  }

  /// The range of the text, gaps included, in which `range` of the joined bytes stands.
  func original(_ range: Range<Int>) -> Range<Int> {
    places[range.lowerBound]..<(places[range.upperBound - 1] + 1)
  }

  /// The end of the gap that starts at `start`.
  private static func gap(_ text: [UInt8], from start: Int) -> Int? {
    var position = start
    while let next = lineEnd(text, position) ?? joint(text, position) { position = next }
    return position > start ? position : nil
  }

  /// A line end as it is, or `\n` with one or more backslashes, or a backslash at the end of a line; then indentation.
  private static func lineEnd(_ text: [UInt8], _ start: Int) -> Int? {
    var position = start
    while position < text.count, text[position] == 0x5C { position += 1 }
    guard position < text.count else { return nil }
    if position > start, text[position] == 0x6E || text[position] == 0x72 { return position + 1 }
    guard text[position] == 0x0A || text[position] == 0x0D else { return nil }
    while position < text.count, isSpace(text[position]) { position += 1 }
    return position
  }

  /// Quote, comma or plus, quote.
  private static func joint(_ text: [UInt8], _ start: Int) -> Int? {
    guard start < text.count, text[start] == 0x22 || text[start] == 0x27 else { return nil }
    var position = start + 1
    while position < text.count, isSpace(text[position]) { position += 1 }
    if position < text.count, text[position] == 0x2C || text[position] == 0x2B { position += 1 }
    while position < text.count, isSpace(text[position]) { position += 1 }
    guard position < text.count, text[position] == text[start], position > start + 1 else { return nil }
    return position + 1
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }
}
