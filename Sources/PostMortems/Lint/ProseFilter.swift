/// Blanks everything that is not prose, line by line and then within lines.
struct ProseFilter {
  let prose: String
  let proseAndQuotes: String
  private let codeLines: Set<Int>

  /// True for the lines of fenced code, fences included.
  func isCodeLine(_ line: Int) -> Bool { codeLines.contains(line) }

  /// HTML comments outside of code, in order; they may span lines.
  let comments: [Range<Int>]

  init(_ scalars: [Unicode.Scalar], lineStarts: [Int]) {
    var text = scalars
    var quoted: [Range<Int>] = []
    let lines = lineStarts.indices.map { index in
      lineStarts[index]..<(index + 1 < lineStarts.count ? lineStarts[index + 1] - 1 : scalars.count)
    }
    var blocks = CodeBlocks(frontMatter: CodeBlocks.frontMatter(of: scalars, lines))
    var comments: [Range<Int>] = []
    let lastEnd = ProseFilter.lastCommentEnd(scalars)
    for (index, line) in lines.enumerated() {
      // A comment that began earlier goes on: its lines are no code, whatever they look like.
      let isInComment = comments.last.map { $0.upperBound > line.lowerBound } ?? false
      if !isInComment, blocks.take(text[line], number: index) {
        text.blank(line)
        continue
      }
      ProseFilter.blankInline(&text, line, &comments, lastEnd: lastEnd)
      if text[line].first(where: { $0 != " " }) == ">" {
        quoted.append(line)
      } else {
        quoted += ProseFilter.quotations(in: text, line)
      }
    }
    for (index, line) in lines.enumerated() where index + 1 < lines.count {
      let next = text[lines[index + 1]]
      if text[line].allSatisfy({ $0 == " " }) || ProseFilter.begins(next)
        || ProseFilter.stands(alone: text[line])
      {
        text[line.upperBound] = LintDocument.barrier
      }
    }
    proseAndQuotes = ProseFilter.string(text)
    for range in quoted { text.blank(range) }
    prose = ProseFilter.string(text)
    codeLines = blocks.lines
    self.comments = comments
  }

  /// Comments, code spans, links, addresses and tags of one line; a comment may end on a later one.
  ///
  /// A comment that never ends is none: one stray mark must not switch the rules off.
  private static func blankInline(
    _ text: inout [Unicode.Scalar], _ line: Range<Int>, _ comments: inout [Range<Int>], lastEnd: Int
  ) {
    var index = max(line.lowerBound, comments.last?.upperBound ?? 0)
    while index < line.upperBound {
      switch text[index] {
      case "\\": index += 2
      case "<" where text[index...].starts(with: "<!--".unicodeScalars):
        guard index + 4 < lastEnd,
          let end = text[(index + 4)...].firstRange(of: Array("-->".unicodeScalars))?.upperBound
        else {
          index += 4
          continue
        }
        text.blank(index..<end)
        comments.append(index..<end)
        index = end
      case "`": index = blankCode(&text, from: index, to: line.upperBound)
      case "[": index = blankLink(&text, from: index, to: line.upperBound)
      case "<": index = blankTag(&text, from: index, to: line.upperBound)
      case ":" where text[index..<line.upperBound].starts(with: "://".unicodeScalars):
        index = blankAddress(&text, around: index, in: line)
      default: index += 1
      }
    }
  }

  /// Behind the last `-->`; 0 when there is none.
  private static func lastCommentEnd(_ text: [Unicode.Scalar]) -> Int {
    for index in text.indices.reversed() where text[index] == ">" {
      if index >= 2, text[index - 1] == "-", text[index - 2] == "-" { return index + 1 }
    }
    return 0
  }

  private static func blankCode(_ text: inout [Unicode.Scalar], from start: Int, to end: Int) -> Int {
    let fence = text[start..<end].prefix { $0 == "`" }.count
    var index = start + fence
    while index < end {
      let run = text[index..<end].prefix { $0 == "`" }.count
      if run == fence {
        text.blank(start..<(index + run))
        return index + run
      }
      index += max(run, 1)
    }
    return start + fence
  }

  /// `[text](target)` and `[text][label]`; brackets alone are prose.
  private static func blankLink(_ text: inout [Unicode.Scalar], from start: Int, to end: Int) -> Int {
    guard let close = text[start..<end].firstIndex(where: { $0 == "]" }), close + 1 < end else {
      return start + 1
    }
    let open = text[close + 1]
    guard open == "(" || open == "[" else { return start + 1 }
    let last: Unicode.Scalar = open == "(" ? ")" : "]"
    guard let stop = text[(close + 1)..<end].firstIndex(of: last) else { return start + 1 }
    text.blank(start..<(stop + 1))
    return stop + 1
  }

  /// A tag or an address in angle brackets; `<q>` and `</q>` stay, they mark a quotation.
  private static func blankTag(_ text: inout [Unicode.Scalar], from start: Int, to end: Int) -> Int {
    guard let stop = text[start..<end].firstIndex(of: ">"), let first = text[start..<stop].dropFirst().first,
      first == "/" || first.properties.isAlphabetic
    else { return start + 1 }
    if text[start...stop].starts(with: "<q>".unicodeScalars)
      || text[start...stop].starts(with: "</q>".unicodeScalars)
    {
      return stop + 1
    }
    text.blank(start..<(stop + 1))
    return stop + 1
  }

  private static func blankAddress(_ text: inout [Unicode.Scalar], around index: Int, in line: Range<Int>)
    -> Int
  {
    let start =
      text[line.lowerBound..<index].lastIndex { !$0.properties.isAlphabetic }.map { $0 + 1 }
      ?? line.lowerBound
    let end = text[index..<line.upperBound].firstIndex { $0 == " " || $0 == "|" } ?? line.upperBound
    text.blank(start..<end)
    return end
  }

  private static func quotations(in text: [Unicode.Scalar], _ line: Range<Int>) -> [Range<Int>] {
    var found: [Range<Int>] = []
    var index = line.lowerBound
    while let start = text[index..<line.upperBound].firstRange(of: Array("<q>".unicodeScalars))?.lowerBound {
      let end =
        text[start..<line.upperBound].firstRange(of: Array("</q>".unicodeScalars))?.upperBound
        ?? line.upperBound
      found.append(start..<end)
      index = end
    }
    return found
  }

  /// True when `line` begins a new block: a heading, a row, a list item, a quote.
  private static func begins(_ line: ArraySlice<Unicode.Scalar>) -> Bool {
    let content = line.drop { $0 == " " }
    guard let first = content.first else { return true }
    let second = content.dropFirst().first
    if ["-", "*", "+"].contains(first) { return second == " " }
    if ("0"..."9").contains(first) {
      let rest = content.drop { ("0"..."9").contains($0) }
      return (rest.first == "." || rest.first == ")") && rest.dropFirst().first == " "
    }
    return ["#", "|", ">", LintDocument.blank].contains(first)
  }

  /// True when nothing that follows `line` can go on with it: a heading or a row.
  private static func stands(alone line: ArraySlice<Unicode.Scalar>) -> Bool {
    let first = line.first { $0 != " " }
    return first == "#" || first == "|"
  }

  private static func string(_ scalars: [Unicode.Scalar]) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars)
    return String(text)
  }
}

extension [Unicode.Scalar] {
  /// Blanks `range`, line breaks excepted.
  fileprivate mutating func blank(_ range: Range<Int>) {
    for index in range where self[index] != "\n" { self[index] = LintDocument.blank }
  }
}
