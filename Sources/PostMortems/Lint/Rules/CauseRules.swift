/// Rules about how causes are sought and told.
extension LintRule {
  /// BL06: one root cause.
  static var rootCause: LintRule {
    .phrase(
      "BL06", .warning, why: "looks for a single cause",
      suggestion: "write contributing factors, in the plural",
      [/(?i)\broot\s+cause\b/])
  }

  /// BL07: "why did they" asks for a justification.
  static var whyThey: LintRule {
    .phrase(
      "BL07", .warning, why: "asks a person to justify",
      suggestion: "ask how it was done and what made it sensible then",
      [
        /(?i)\bwhy\s+(?:did|does|do|was|were|had|has|have|would|could)(?:n['’]t)?\s+(?:not\s+)?(?:he|she|they|you|we)\b/
      ])
  }

  /// BL08: the hunt for who.
  static var blameHunt: LintRule {
    .phrase(
      "BL08", .warning, why: "looks for someone to blame", suggestion: "ask how it was possible",
      [
        /(?i)\bwho\s+(?:did|caused|broke|pushed|approved|committed|leaked|made|wrote|(?:is|was)\s+responsible)\b/,
        /(?i)\b(?:at|my|your|his|her|their|our|whose|nobody['’]s|\w+['’]s)\s+fault\b/,
        /(?i)\b(?:to\s+blame|blamed|blames?|blaming|guilty|culprits?)\b/,
      ])
  }

  /// BL11: work as imagined.
  static var workAsImagined: LintRule {
    .phrase(
      "BL11", .warning, why: "measures work by how it was imagined",
      suggestion: "\"procedure X assumes …; in practice …\"",
      [
        /(?i)\b(?:violat(?:ed|es|ing)|broke|breached)\s+(?:the\s+|our\s+|a\s+)?(?:[\w\-]+\s+)?(?:polic(?:y|ies)|procedures?|process|rules?|runbooks?|guidelines?)\b/,
        /(?i)\b(?:did\s+not|didn['’]t|not)\s+follow(?:ed|ing)?\b/,
      ])
  }

  /// BL18: dramatic words where nothing shows them.
  static var overstated: LintRule {
    LintRule(
      id: "BL18", level: .suggestion, why: "may overstate",
      suggestion: "write exposure, and what was observed or not observed, or link the evidence"
    ) { document in
      document.matches(of: /(?i)\b(?:outages?|breach(?:es|ed)?|hacked|hackers?)\b/)
        // A link or a code span in the same passage is the evidence.
        .filter { !document.passage(around: $0.lowerBound).contains(/\]\(|`/) }
        .map { LintHit($0) }
    }
  }

  /// BL19: absence of evidence told as evidence of absence.
  static var absenceOfEvidence: LintRule {
    LintRule(
      id: "BL19", level: .warning, why: "is no proof of absence",
      suggestion: "add which share of the exposure window the logs cover, and the period"
    ) { document in
      document.matches(of: /(?i)\bno\s+(?:evidence|indications?|signs?|proof|trace)\b/)
        .filter { !document.passage(around: $0.lowerBound).contains(/[0-9]\s*%/) }
        .map { LintHit($0) }
    }
  }

  /// BL17: an empty assurance.
  static var takeSeriously: LintRule {
    .phrase(
      "BL17", .warning, why: "says nothing", suggestion: "write the facts and the action",
      [
        /(?i)\btakes?\s+(?:[\w\-]+\s+){0,6}?(?:security|privacy|this|safety)\s+(?:[\w\-]+\s+){0,6}?seriously\b/
      ])
  }
}
