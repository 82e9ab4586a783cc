/// Rules against judging people: by outcome, by character, by name.
extension LintRule {
  /// BL02: an omission of a person. "The probe failed" is fine: a probe is no person.
  static var judgement: LintRule {
    .phrase(
      "BL02", .error, why: "judges a person by the outcome",
      suggestion: "\"X was not done; the check that would show it was …\"",
      [
        /(?i)\b(?:he|she|they|we|you|someone|nobody|(?:the|an?|our|their)\s+(?:[\w\-]+\s+)?(?:engineers?|developers?|operators?|responders?|admins?|administrators?|reviewers?|authors?|committers?|contributors?|users?|on-?calls?|managers?|teams?|owners?|contractors?|interns?|analysts?|maintainers?|SREs?|staff|employees?|persons?|colleagues?))\s+(?:had\s+|has\s+|have\s+|also\s+|again\s+|then\s+)?(?:failed\s+to|neglected|forgot|missed|ignored|overlooked)\b/
      ])
  }

  /// BL03: "human error" ends the analysis where it begins.
  static var humanError: LintRule {
    .phrase(
      "BL03", .error, why: "stops the analysis",
      suggestion: "name the interface, the default or the missing guard",
      [
        /(?i)\b(?:human|user|operator|developer|engineer|pilot|admin|administrator)\s+errors?\b/,
        /(?i)\bfat[\s\-]?finger(?:s|ed|ing)?\b/,
      ])
  }

  /// BL04: character.
  static var character: LintRule {
    .phrase(
      "BL04", .error, why: "judges character",
      suggestion: "name the workload, the tooling or the time pressure",
      [
        /(?i)\b(?:careless(?:ly|ness)?|negligen(?:t|tly|ce)|slopp(?:y|ily|iness)|laz(?:y|ily|iness)|reckless(?:ly|ness)?|incompeten(?:t|tly|ce)|stupid(?:ly|ity)?|complacen(?:t|tly|cy))\b/
      ])
  }

  /// BL05: people are named by role, also inside quotations.
  static func names(_ evidenceNames: [String]) -> LintRule {
    let people = PeopleNames(evidenceNames)
    return LintRule(
      id: "BL05", level: .error, why: "names a person", suggestion: "write the role"
    ) { document in
      people.ranges(in: document.proseAndQuotes).map {
        LintHit(document.offsets(of: $0, in: document.proseAndQuotes), replacement: PeopleNames.role)
      }
    }
  }

  /// BL14: adverbs that carry the outcome.
  static var outcomeLoaded: LintRule {
    .phrase(
      "BL14", .suggestion, why: "tells the outcome, not the act",
      suggestion: "say the act and what made it possible",
      [/(?i)\b(?:mistakenly|accidentally|inadvertently|wrongly|by\s+mistake)\b/])
  }

  /// BL16: absolutes about people.
  static var overgeneralised: LintRule {
    .phrase(
      "BL16", .warning, why: "overgeneralises", suggestion: "count it",
      [
        /(?i)\b(?:we|they|he|she|you|people|teams?|developers|engineers|operators|users|staff)\s+(?:always|never)\b/,
        /(?i)\b(?:nobody|no\s+one|everyone|everybody)\b/,
      ])
  }

  /// BL22: ridicule.
  static var ridicule: LintRule {
    .phrase(
      "BL22", .suggestion, why: "ridicules", suggestion: "remove it",
      [
        /(?i)\bbad\s+apples?\b/, /(?i)\basleep\s+at\s+the\s+(?:wheel|switch)\b/,
        /(?i)\bdrop(?:ped|s)?\s+the\s+ball\b/, /(?i)\brookie\b/,
      ])
  }
}
