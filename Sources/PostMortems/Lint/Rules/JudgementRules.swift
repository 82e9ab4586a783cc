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
      ], unless: isAboutErrorsOfSoftware)
  }

  /// Software is called operator, its users' requests fail with user errors, and pages show admin errors.
  @Sendable private static func isAboutErrorsOfSoftware(_ context: LintContext) -> Bool {
    guard !context.phrase.contains(/(?i)\b(?:human|pilot|fat)/) else { return false }
    // What follows counts, shows or carries errors.
    let measure =
      /(?i)^\s*[\-\s]\s*(?:rates?|logs?|pages?|messages?|codes?|counts?|counters?|budgets?|handl(?:er|ers|ing)|reports?|reporting|responses?|screens?|dialogs?|metrics?|events?|boundar(?:y|ies)|strings?|texts?|types?|class(?:es)?|lines?|output|queues?|channels?|streams?|traces?|tracking|numbers?|percentages?|ratios?|thresholds?|alerts?|alarms?|volumes?|spikes?|dashboards?|panels?|templates?|paths?|schema|field|constant|notifications?|e-?mails?|banner|toast|went|jumped|reached|exceeded|rose|fell|dropped|increased|decreased|spiked|climbed|peaked|grew|doubled|appeared|stopped|ceased|per\s+(?:second|minute|hour|day)|(?:was|were|is|are)\s+(?:returned|logged|shown|served|counted|raised|thrown|emitted|displayed|rendered|rising|falling))\b/
    if context.after.contains(measure) { return true }
    // `Postgres operator errors`, `cert-manager operator error`: software with a name.
    return context.phrase.contains(/(?i)^operator/)
      && context.before.contains(
        /(?:^|\s)(?!(?:The|An?|This|That|Our|Their|One|Another|By|Due|Was|It|Is|No|To)\s)(?:[A-Z][\w.]*|[a-z0-9]+(?:-[a-z0-9]+)+|\x{FFFC}+|Kubernetes|k8s|database|cluster)\s+$/
      )
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
      ],
      // The account `nobody`, the grantee "Everyone".
      unless: { context in
        context.before.contains(
          /(?i)\b(?:users?|uid|account|group|owner|as|principals?|grants?|grantee|role)\s*[:=]?\s*["“'‘]?$/)
          || context.after.contains(/^\s*(?::\s*no\w+|\s*\(?uid\b)/)
          || (context.before.contains(/["“'‘]$/) && context.after.contains(/^["”'’]/))
      })
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
