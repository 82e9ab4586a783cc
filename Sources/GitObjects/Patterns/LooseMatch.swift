import Foundation
import Secrets
import Synchronization

/// Follows a secret from a part that is known to both sides, character by character, each in any escape: people and programs
/// mix them (`Qx7\u0026Mint<Draft`), keys stand with other line ends and indentation, notebooks cut values into strings.
///
/// It runs only where a probe was met and the whole form did not follow.
struct LooseMatch {
  private let text: UnsafeBufferPointer<UInt8>
  private let scalars: [Unicode.Scalar]
  private let charset: Charset
  private let hasLines: Bool

  /// At how many positions one character may end: more than one only where escapes are ambiguous.
  private static let widest = 8
  /// Indentation and what stands around a line end.
  private static let longestGap = 256

  /// Nil for what is no text.
  init?(_ form: SearchForm, in text: UnsafeBufferPointer<UInt8>) {
    guard !form.entry.scalars.isEmpty, form.spelling.wrapping == .none, !form.isExact else { return nil }
    self.text = text
    scalars = form.entry.scalars
    charset = form.spelling.charset
    hasLines = scalars.contains { $0 == "\n" || $0 == "\r" }
  }

  /// One way to a position: where the character stands and the step before it.
  private struct Step {
    let range: Range<Int>
    let previous: Int
  }

  /// The pieces of the secret, given that `form.bytes` has `known` at `position`; nil when the rest does not follow.
  func pieces(of form: SearchForm, known: Range<Int>, at position: Int) -> [Range<Int>]? {
    // The first character that starts within the probe.
    var offset = 0
    var first = 0
    while first < scalars.count, offset < known.lowerBound {
      offset += form.spelling.inside(scalars[first])?.count ?? 0
      first += 1
    }
    guard first < scalars.count, offset < known.upperBound else { return nil }
    let start = position + offset - known.lowerBound
    guard let tail = forward(from: first, at: start), let head = backward(from: first, at: start) else {
      return nil
    }
    var pieces: [Range<Int>] = []
    for range in head + tail where !range.isEmpty {
      if let last = pieces.last, last.upperBound == range.lowerBound {
        pieces[pieces.count - 1] = last.lowerBound..<range.upperBound
      } else {
        pieces.append(range)
      }
    }
    return pieces.isEmpty ? nil : pieces
  }

  private func forward(from first: Int, at start: Int) -> [Range<Int>]? {
    var layers: [[Step]] = [[Step(range: start..<start, previous: 0)]]
    for scalar in scalars[first...] {
      var next: [Step] = []
      for (number, step) in layers[layers.count - 1].enumerated() {
        let position = step.range.upperBound
        for place in [position] + gaps(after: position) {
          for end in ends(of: scalar, from: place) where next.count < Self.widest {
            if !next.contains(where: { $0.range.upperBound == end }) {
              next.append(Step(range: place..<end, previous: number))
            }
          }
          if !next.isEmpty, place == position { break }
        }
      }
      guard !next.isEmpty else { return nil }
      layers.append(next)
    }
    return Self.path(layers) { $0.range.upperBound }
  }

  private func backward(from first: Int, at start: Int) -> [Range<Int>]? {
    var layers: [[Step]] = [[Step(range: start..<start, previous: 0)]]
    for scalar in scalars[..<first].reversed() {
      var next: [Step] = []
      for (number, step) in layers[layers.count - 1].enumerated() {
        let position = step.range.lowerBound
        for place in [position] + gaps(before: position) {
          for begin in starts(of: scalar, endingAt: place) where next.count < Self.widest {
            if !next.contains(where: { $0.range.lowerBound == begin }) {
              next.append(Step(range: begin..<place, previous: number))
            }
          }
          if !next.isEmpty, place == position { break }
        }
      }
      guard !next.isEmpty else { return nil }
      layers.append(next)
    }
    return Self.path(layers) { -$0.range.lowerBound }?.reversed()
  }

  /// The ranges of the way that reaches furthest.
  private static func path(_ layers: [[Step]], _ reach: (Step) -> Int) -> [Range<Int>]? {
    guard let last = layers.last, var index = last.indices.max(by: { reach(last[$0]) < reach(last[$1]) })
    else {
      return nil
    }
    var ranges: [Range<Int>] = []
    for layer in layers.dropFirst().reversed() {
      ranges.append(layer[index].range)
      index = layer[index].previous
    }
    return ranges.reversed()
  }

  // MARK: One character

  private func ends(of scalar: Unicode.Scalar, from place: Int) -> [Int] {
    var result: [Int] = []
    for spelled in spellings(of: scalar)
    where place + spelled.count <= text.count && text[place..<place + spelled.count].elementsEqual(spelled) {
      result.append(place + spelled.count)
    }
    if scalar == "\n" || scalar == "\r" { result += lineEnds(from: place) }
    return result
  }

  private func starts(of scalar: Unicode.Scalar, endingAt place: Int) -> [Int] {
    var result: [Int] = []
    for spelled in spellings(of: scalar)
    where place >= spelled.count && text[place - spelled.count..<place].elementsEqual(spelled) {
      result.append(place - spelled.count)
    }
    if scalar == "\n" || scalar == "\r" { result += lineStarts(endingAt: place) }
    return result
  }

  private func spellings(of scalar: Unicode.Scalar) -> [[UInt8]] {
    LooseSpellings.shared.all(of: scalar, in: charset)
  }

  // MARK: Gaps

  private func gaps(after position: Int) -> [Int] {
    guard charset == .utf8 else { return [] }
    return Splitting.skip(text, from: position, inBase64: hasLines).map { [$0] } ?? []
  }

  private func gaps(before position: Int) -> [Int] {
    guard charset == .utf8 else { return [] }
    return Splitting.starts(text, endingAt: position, inBase64: hasLines)
  }

  /// A line end may be CRLF, quoted as `\n`, `<br>`, a space or nothing, with indentation and marks of comments, diffs and
  /// quoted mail behind it.
  private func lineEnds(from place: Int) -> [Int] {
    guard charset == .utf8 else { return [] }
    let (position, hasLineEnd) = lineGap(from: place)
    guard hasLineEnd else { return position > place ? [position, place] : [place] }
    var result = LineGaps.textStarts(text.span, from: position)
    // A line that holds nothing but its mark.
    for start in result.dropFirst() {
      let (next, isEmpty) = lineGap(from: start)
      if isEmpty { result += LineGaps.textStarts(text.span, from: next) }
    }
    return result + [place]
  }

  /// Behind the white space and line ends at `place`, and whether there is a line end among them.
  private func lineGap(from place: Int) -> (end: Int, hasLineEnd: Bool) {
    var position = place
    var hasLineEnd = false
    let end = min(text.count, place + Self.longestGap)
    while position < end {
      switch text[position] {
      case 0x0A, 0x0D:
        hasLineEnd = true
        position += 1
      case 0x20, 0x09, 0x5C: position += 1
      case 0x6E, 0x72:
        guard position > place, text[position - 1] == 0x5C else { return (position, hasLineEnd) }
        hasLineEnd = true
        position += 1
      case 0x3C:
        guard let next = LineGaps.breakEnd(text.span, from: position) else { return (position, hasLineEnd) }
        hasLineEnd = true
        position = next
      default: return (position, hasLineEnd)
      }
    }
    return (position, hasLineEnd)
  }

  private func lineStarts(endingAt place: Int) -> [Int] {
    guard charset == .utf8 else { return [] }
    var result: [Int] = []
    // Once more behind a line that holds nothing but its mark.
    var line = place
    for _ in 0..<2 {
      guard let start = markedLineStart(endingAt: line) else { break }
      let position = lineGapStart(endingAt: start)
      result.insert(position, at: 0)
      line = position
    }
    let position = lineGapStart(endingAt: place)
    return (result + [position, place]).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// Where a line begins that has only marks and spaces before `place`; nil when it has none.
  private func markedLineStart(endingAt place: Int) -> Int? {
    var position = place
    let end = max(0, place - Self.longestMarks)
    while position > end {
      let byte = text[position - 1]
      if byte == 0x0A || byte == 0x0D { return position < place ? position : nil }
      if isQuotedLineEnd(endingAt: position) || LineGaps.breakStart(text.span, endingAt: position) != nil {
        return position < place ? position : nil
      }
      guard byte == 0x20 || byte == 0x09 || LineGaps.isMark(byte) else { return nil }
      position -= 1
    }
    return nil
  }
  private static let longestMarks = 64

  private func isQuotedLineEnd(endingAt place: Int) -> Bool {
    place > 1 && (text[place - 1] == 0x6E || text[place - 1] == 0x72) && text[place - 2] == 0x5C
  }

  /// Before the white space and line ends that end at `place`.
  private func lineGapStart(endingAt place: Int) -> Int {
    var position = place
    let end = max(0, place - Self.longestGap)
    while position > end {
      switch text[position - 1] {
      case 0x20, 0x09, 0x0A, 0x0D, 0x5C: position -= 1
      case 0x6E, 0x72:
        guard isQuotedLineEnd(endingAt: position) else { return position }
        position -= 2
      case 0x3E:
        guard let start = LineGaps.breakStart(text.span, endingAt: position) else { return position }
        position = start
      default: return position
      }
    }
    return position
  }
}

/// Every way to write a character, made once for each that a secret has.
private final class LooseSpellings: Sendable {
  static let shared = LooseSpellings()

  private struct Key: Hashable {
    let scalar: Unicode.Scalar
    let charset: Charset
  }
  private let known = Mutex<[Key: [[UInt8]]]>([:])

  /// Letters and digits have one.
  func all(of scalar: Unicode.Scalar, in charset: Charset) -> [[UInt8]] {
    let key = Key(scalar: scalar, charset: charset)
    if let list = known.withLock({ $0[key] }) { return list }
    let list = make(scalar, charset)
    known.withLock { $0[key] = list }
    return list
  }

  private func make(_ scalar: Unicode.Scalar, _ charset: Charset) -> [[UInt8]] {
    switch scalar.value {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: return charset.bytes(scalar).map { [$0] } ?? []
    default: break
    }
    var result: Set<[UInt8]> = []
    var versions = [[scalar]]
    if !scalar.isASCII {
      versions.append(Array(String(scalar).decomposedStringWithCanonicalMapping.unicodeScalars))
    }
    for version in versions {
      for escape in [Escape.none] + SecretForms.mixtures {
        let spelling = Spelling(escape: escape, charset: charset)
        let parts = version.compactMap { spelling.inside($0) }
        if parts.count == version.count { result.insert(Array(parts.joined())) }
      }
    }
    result.remove([])
    return result.sorted { $0.count > $1.count }
  }
}
