import Foundation

/// A Markdown document prepared for rules about wording: its prose with everything else blanked out, offsets kept.
///
/// This is a filter for prose, not a Markdown parser: it recognises fences, code spans, block quotes, links, addresses,
/// HTML comments, tags and `<q>` quotations, and blanks more rather than less where a construct is ambiguous.
struct LintDocument {
  /// Stands for blanked text: joins no words and is no white space.
  static let blank: Unicode.Scalar = "\u{FFFC}"
  /// Ends a paragraph, a row, a heading or a list item: no phrase reaches across it.
  static let barrier: Unicode.Scalar = "\u{1F}"

  /// A comment that turns a rule off or on.
  struct Comment {
    let isOff: Bool
    let rule: String
    let reason: String
    let offset: Int
    let length: Int
  }

  let scalars: [Unicode.Scalar]
  /// Offsets at which lines begin.
  let lineStarts: [Int]
  /// As long as ``scalars``.
  let prose: String
  /// Like ``prose``, with block quotes and quotations left in.
  let proseAndQuotes: String
  private let proseScalars: [Unicode.Scalar]
  let sections: [LintSection]
  let comments: [Comment]
  /// What the first comment says: `public`, or nil.
  let audience: String?
  /// `live`, `dead`, `removed`, or nil when the document does not tell.
  let leak: String?

  init(_ text: String) {
    // One kind of line break, so that every scalar has one line and column.
    let clean = text.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
    let scalars = Array(clean.unicodeScalars)
    self.scalars = scalars
    var starts = [0]
    for (index, scalar) in scalars.enumerated() where scalar == "\n" { starts.append(index + 1) }
    lineStarts = starts
    let filter = ProseFilter(scalars, lineStarts: starts)
    prose = filter.prose
    proseAndQuotes = filter.proseAndQuotes
    proseScalars = Array(filter.prose.unicodeScalars)
    sections = LintSection.all(in: scalars, lineStarts: starts, isCode: filter.isCodeLine)
    // What stands in code only looks like a comment.
    let marks = filter.comments.map { range in
      var text = String.UnicodeScalarView()
      text.append(contentsOf: scalars[range])
      return (offset: range.lowerBound, text: String(text))
    }
    comments = marks.compactMap { LintDocument.comment($0.text, at: $0.offset) }
    let mark =
      marks.lazy.compactMap { $0.text.wholeMatch(of: /<!-- staunch:\s([^>]*)-->/)?.output.1 }.first ?? ""
    audience = mark.firstMatch(of: /\baudience=([a-z]+)/).map { String($0.output.1) }
    leak = mark.firstMatch(of: /\bleak=([a-z]+)/).map { String($0.output.1) }
  }

  /// Line and column of an offset, both from 1.
  func position(of offset: Int) -> (line: Int, column: Int) {
    var low = 0
    var high = lineStarts.count
    while low + 1 < high {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    return (low + 1, offset - lineStarts[low] + 1)
  }

  /// The text at `range` on one line, cut at 60 scalars.
  func excerpt(_ range: Range<Int>) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars[range].prefix(60).map { $0 == "\n" ? " " : $0 })
    return DocumentText(String(text)).description
  }

  /// Offsets of every match in the prose.
  func matches(of pattern: Regex<Substring>, withQuotes: Bool = false) -> [Range<Int>] {
    let text = withQuotes ? proseAndQuotes : prose
    return text.matches(of: pattern.wordBoundaryKind(.simple)).map { offsets(of: $0.range, in: text) }
  }

  func offsets(of range: Range<String.Index>, in text: String) -> Range<Int> {
    let scalars = text.unicodeScalars
    let start = scalars.distance(from: scalars.startIndex, to: range.lowerBound)
    return start..<(start + scalars.distance(from: range.lowerBound, to: range.upperBound))
  }

  /// The text of one line, without its line break.
  func line(_ index: Int) -> String {
    let end = index + 1 < lineStarts.count ? lineStarts[index + 1] - 1 : scalars.count
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars[lineStarts[index]..<end])
    return String(text)
  }

  /// A match with at most 80 scalars of its paragraph on either side.
  func context(of range: Range<Int>) -> LintContext {
    func text(_ part: ArraySlice<Unicode.Scalar>) -> String {
      var view = String.UnicodeScalarView()
      view.append(contentsOf: part)
      return String(view)
    }
    let head = proseScalars[max(0, range.lowerBound - 80)..<range.lowerBound]
    let tail = proseScalars[range.upperBound..<min(proseScalars.count, range.upperBound + 80)]
    let start = head.lastIndex(of: LintDocument.barrier).map { $0 + 1 } ?? head.startIndex
    let end = tail.firstIndex(of: LintDocument.barrier) ?? tail.endIndex
    return LintContext(
      before: text(head[start...]), phrase: text(proseScalars[range]), after: text(tail[..<end]))
  }

  /// The prose around `offset` up to the barriers on either side.
  func passage(around offset: Int) -> String {
    let text = proseScalars
    let start = text[..<offset].lastIndex(of: LintDocument.barrier).map { $0 + 1 } ?? 0
    let end = text[offset...].firstIndex(of: LintDocument.barrier) ?? text.count
    var passage = String.UnicodeScalarView()
    passage.append(contentsOf: scalars[start..<end])
    return String(passage)
  }

  func isIn(_ kind: LintSection.Kind?, at offset: Int) -> Bool {
    let line = position(of: offset).line - 1
    return sections.contains { $0.kind == kind && $0.lines.contains(line) }
  }

  /// From the comment that turned the rule off to the one that turns it on, or to the end of the comment's section.
  func isSuppressed(_ rule: LintRule, at offset: Int) -> Bool {
    guard rule.id != "BL90", rule.id != "BL91" else { return false }
    guard let last = comments.last(where: { $0.rule == rule.id && $0.offset < offset }), last.isOff,
      !last.reason.isEmpty
    else { return false }
    let from = position(of: last.offset).line - 1
    let to = position(of: offset).line - 1
    return !sections.contains { $0.lines.lowerBound > from && $0.lines.lowerBound <= to }
  }

  private static func comment(_ text: String, at offset: Int) -> Comment? {
    let pattern = /<!--\s*lint\s+(off|on)\s+([A-Z]{2}[0-9]{2})\s*(?::\s*(.*?))?\s*-->/
    guard let match = text.wholeMatch(of: pattern.dotMatchesNewlines()) else { return nil }
    return Comment(
      isOff: match.output.1 == "off", rule: String(match.output.2), reason: String(match.output.3 ?? ""),
      offset: offset, length: text.unicodeScalars.count)
  }
}
