/// Rules that guard against the report becoming the next leak. They look at everything and cannot be suppressed.
extension LintRule {
  /// BL90: the shape of a credential.
  static var secretShape: LintRule {
    LintRule(
      id: "BL90", level: .error, why: "text with the shape of a credential stands here",
      suggestion: "remove it, and treat it as leaked: staunch respond", mayQuote: false
    ) { document in
      let text = document.source
      return SecretShapes.ranges(in: text).map { LintHit(document.offsets(of: $0, in: text)) }
    }
  }

  /// BL90 as well: a secret of this run in any encoding.
  static var leakedValue: LintRule {
    LintRule(
      id: "BL90", level: .error, why: "a secret of this run stands here",
      suggestion: "remove it before the file is shared",
      mayQuote: false
    ) { _ in [] }
  }

  /// BL91: a link that leads a reader of a public document to the leak.
  static var liveLeakLink: LintRule {
    LintRule(
      id: "BL91", level: .error, why: "a public document must not point at a leak that is still there",
      suggestion: "remove the link until the history is clean everywhere", mayQuote: false
    ) { document in
      guard document.leak != "removed" else { return [] }
      let text = document.source
      let link =
        /https?:\/\/[^\s)>|]+?(?:\/(?:blob|commit|commits|raw|tree|blame|pull|merge_requests)\/|\/-\/|refs\/pull\/)[^\s)>|]*/
      return text.matches(of: link).map { document.offsets(of: $0.range, in: text) }
        .filter { document.audience == "public" || document.isIn(.external, at: $0.lowerBound) }
        .map { LintHit($0) }
    }
  }
}

/// Finds a secret of the run with a test that only says yes or no.
enum LeakedValue {
  /// One range per line that holds it, as narrow as the test allows; the whole document when it spans lines.
  static func ranges(in document: LintDocument, findsSecret: ([UInt8]) -> Bool) -> [Range<Int>] {
    func holds(_ range: Range<Int>) -> Bool {
      var text = String.UnicodeScalarView()
      text.append(contentsOf: document.scalars[range])
      return findsSecret(Array(String(text).utf8))
    }
    let all = document.scalars.indices
    guard holds(all) else { return [] }
    let found = document.lineStarts.indices.compactMap { index -> Range<Int>? in
      let start = document.lineStarts[index]
      let line = start..<(start + document.line(index).unicodeScalars.count)
      return holds(line) ? narrowed(line, holds) : nil
    }
    return found.isEmpty ? [all] : found
  }

  private static func narrowed(_ line: Range<Int>, _ holds: (Range<Int>) -> Bool) -> Range<Int> {
    var range = line
    while range.count > 1, holds(range.lowerBound..<(range.upperBound - 1)) {
      range = range.lowerBound..<(range.upperBound - 1)
    }
    while range.count > 1, holds((range.lowerBound + 1)..<range.upperBound) {
      range = (range.lowerBound + 1)..<range.upperBound
    }
    return range
  }
}

extension LintDocument {
  /// Everything, code and links included.
  var source: String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars)
    return String(text)
  }
}
