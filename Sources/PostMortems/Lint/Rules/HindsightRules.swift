/// Rules against judging the past by what was known only later.
extension LintRule {
  /// BL01: wishes about the past.
  static var hindsight: LintRule {
    .phrase(
      "BL01", .error, why: "judges with hindsight",
      suggestion: "say what happened and under which condition; the wish becomes an action item",
      [
        /(?i)\b(?:should|could|would|ought\s+to)\s+(?:not\s+|never\s+|also\s+|at\s+least\s+)?have\b/,
        /(?i)\b(?:should|could|would)n['’]t\s+have\b/,
        /(?i)\bif\s+only\b/,
        /\bHad\s+(?:we|they|he|she|you|I|someone|anyone|the\s+\w+)\s+(?:not\s+|only\s+)?\w+/,
      ])
  }

  /// BL09: words that say "everyone could see it".
  static var obvious: LintRule {
    .phrase(
      "BL09", .warning, why: "was not evident to those who were there",
      suggestion: "delete it, or show the record",
      [
        /(?i)\b(?:obvious(?:ly)?|clearly|simply|just|of\s+course)\b/,
        /(?i)\beveryone\s+knows\b/,
      ],
      // "just in time", "just after 03:00": a way of working, an instant.
      unless: { context in
        context.phrase.lowercased() == "just"
          && context.after.contains(
            /(?i)^(?:[\s\-]+in[\s\-]+time\b|\s+(?:after|before|past|under|over|above|below|short\s+of)\s+(?:the\s+)?[0-9])/
          )
      })
  }

  /// BL10: a missing fix, told as if it were an event.
  static var hypotheticalFix: LintRule {
    .phrase(
      "BL10", .warning, why: "describes what did not exist",
      suggestion: "say what existed, and move the missing part to the contributing factors", in: .timeline,
      [/(?i)\b(?:there\s+(?:was|were)\s+no|insufficient|inadequate|lack(?:ed|ing)?\s+of|lacked)\b/])
  }

  /// BL15: knowledge read into people's minds.
  static var imputedIntent: LintRule {
    .phrase(
      "BL15", .warning, why: "imputes knowledge", suggestion: "quote what was visible at that time",
      [
        /(?i)\bknew\s+(?:better|or\s+should\s+have\s+known)\b/,
        /(?i)\bshould\s+have\s+known\b/,
        /(?i)\b(?:was|were)\s+(?:well\s+|fully\s+)?aware\b[^.\x{1F}]{0,100}\bbut\b/,
      ])
  }

  /// BL20: time without a number.
  static var unquantified: LintRule {
    .phrase(
      "BL20", .suggestion, why: "gives no time", suggestion: "write the instant or the interval",
      in: .timeline,
      [/(?i)\b(?:briefly|quickly|immediately|soon|recently|shortly|promptly)\b/])
  }
}
