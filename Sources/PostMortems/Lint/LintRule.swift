/// A place that a rule found, in scalar offsets of the document.
struct LintHit {
  let range: Range<Int>
  /// In place of the rule's own suggestion.
  var suggestion: String?
  var replacement: String?

  init(_ range: Range<Int>, suggestion: String? = nil, replacement: String? = nil) {
    self.range = range
    self.suggestion = suggestion
    self.replacement = replacement
  }
}

/// A phrase that a rule found, with the text of its paragraph on either side: the same words may be about machines.
struct LintContext {
  let before: String
  let phrase: String
  let after: String
}

/// One rule: what it looks for, why that hurts and what to write instead.
struct LintRule {
  let id: String
  let level: LintLevel
  let why: String
  let suggestion: String
  /// False for rules whose finding must not be repeated in the output.
  var mayQuote = true
  let find: (LintDocument) -> [LintHit]

  /// Every rule, in the order of the table in docs/LINT.md.
  static func all(evidenceNames: [String]) -> [LintRule] {
    [
      .hindsight, .judgement, .humanError, .character, .names(evidenceNames), .rootCause, .whyThey,
      .blameHunt,
      .obvious, .hypotheticalFix, .workAsImagined, .exhortation, .actionable, .outcomeLoaded, .imputedIntent,
      .overgeneralised, .takeSeriously, .overstated, .absenceOfEvidence, .unquantified, .unverifiableRow,
      .ridicule,
      .emptyLessons, .secretShape, .liveLeakLink,
    ]
  }

  /// The table of docs/LINT.md, in Markdown.
  static var reference: String {
    let rows = all(evidenceNames: []).map {
      "| \($0.id) | \($0.level.rawValue) | \($0.why) | \($0.suggestion) |"
    }
    return (["| rule | level | why | instead |", "| --- | --- | --- | --- |"] + rows).joined(separator: "\n")
  }

  /// Ids that a lint comment may name.
  static var ids: Set<String> { Set(all(evidenceNames: []).map(\.id)) }

  /// A rule about words: every match in the prose (of `sections`, when given).
  static func phrase(
    _ id: String, _ level: LintLevel, why: String, suggestion: String, in section: LintSection.Kind? = nil,
    _ patterns: [Regex<Substring>], unless: (@Sendable (LintContext) -> Bool)? = nil
  ) -> LintRule {
    LintRule(id: id, level: level, why: why, suggestion: suggestion) { document in
      patterns.flatMap { document.matches(of: $0) }
        .filter { section == nil || document.isIn(section, at: $0.lowerBound) }
        .filter { range in unless.map { !$0(document.context(of: range)) } ?? true }
        .map { LintHit($0) }
    }
  }
}
