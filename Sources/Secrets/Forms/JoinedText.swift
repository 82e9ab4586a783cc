/// A text without the gaps at which a value is cut: line ends with indentation, written or quoted, and the joints of strings
/// that stand one after another. Wrapped base64, keys of several lines and notebooks are whole in it.
struct JoinedText {
  private(set) var bytes: [UInt8] = []
  /// Where each byte stands in the text.
  private var places: [Int] = []
  /// How many marks of comments, diffs or quoted mail are a part of a gap (``LineGaps``).
  private let marks: Int
  /// `=` at the end of a line is a part of the gap: quoted-printable goes on in the next line (RFC 2045 §6.7).
  private let takesSoftBreaks: Bool
  /// A line began with more marks.
  private var hasMoreMarks = false
  private var hasSoftBreaks = false

  /// `text` without its gaps, and where lines begin with marks also without one and without two of them. Empty without gaps.
  static func all(of text: [UInt8]) -> [JoinedText] {
    guard let plain = JoinedText(text) else { return [] }
    var result = [plain]
    for marks in 1...2 where result[result.count - 1].hasMoreMarks {
      if let joined = JoinedText(text, marks: marks) { result.append(joined) }
    }
    // Not in all of them: the padding of base64 stands at the end of a line, too.
    if plain.hasSoftBreaks, let joined = JoinedText(text, takesSoftBreaks: true) { result.append(joined) }
    return result
  }

  /// Nil when the text has no gap.
  private init?(_ text: [UInt8], marks: Int = 0, takesSoftBreaks: Bool = false) {
    self.marks = marks
    self.takesSoftBreaks = takesSoftBreaks
    var position = 0
    var kept = 0
    while position < text.count {
      switch text[position] {
      case 0x0A, 0x0D, 0x5C, 0x22, 0x27, 0x3C, 0x3D:
        guard let end = gap(text, from: position), end > position else { break }
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
  private mutating func gap(_ text: [UInt8], from start: Int) -> Int? {
    var position = start
    while let next = lineEnd(text, position) ?? Self.joint(text, position) { position = next }
    return position > start ? position : nil
  }

  /// A line end as it is, or `\n` with one or more backslashes, or a backslash at the end of a line, or `<br>`; then
  /// indentation and marks.
  private mutating func lineEnd(_ text: [UInt8], _ start: Int) -> Int? {
    if let end = LineGaps.breakEnd(text.span, from: start) { return end }
    var position = start
    if start < text.count, text[start] == 0x3D {
      position += start + 1 < text.count && text[start + 1] == 0x0D ? 2 : 1
      guard position < text.count, text[position] == 0x0A else { return nil }
      hasSoftBreaks = true
      return takesSoftBreaks ? position + 1 : nil
    }
    while position < text.count, text[position] == 0x5C { position += 1 }
    guard position < text.count else { return nil }
    if position > start, text[position] == 0x6E || text[position] == 0x72 { return position + 1 }
    guard text[position] == 0x0A || text[position] == 0x0D else { return nil }
    while position < text.count, Self.isSpace(text[position]) { position += 1 }
    for _ in 0..<marks { position = LineGaps.markEnd(text.span, from: position) ?? position }
    if LineGaps.markEnd(text.span, from: position) != nil { hasMoreMarks = true }
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
