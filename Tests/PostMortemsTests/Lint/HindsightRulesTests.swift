import PostMortems
import Testing

@Suite("Hindsight rules")
struct HindsightRulesTests {
  @Test(
    "BL01: wishes about the past",
    arguments: [
      LintCase.found("The key should have been rotated."), .found("It could have been seen."),
      .found("It would not have happened."), .found("We ought to have known."),
      .found("It shouldn’t have passed."),
      .found("If only the hook ran."), .found("Had we looked, it was there."),
      .found("It should\nhave been rotated."),
      .fine("The key should expire after a day."), .fine("What had they seen?"), .fine("Had a look at it."),
      .fine("It should\n\nhave is a verb."),
    ])
  func hindsight(test: LintCase) { Lint.expect("BL01", .error, test) }

  @Test(
    "BL09: words that say everyone could see it",
    arguments: [
      LintCase.found("Obviously the key was old."), .found("It was clearly public."),
      .found("Simply rotate it."),
      .found("It was just a test."), .found("Of course it leaked."), .found("Everyone knows the rule."),
      .fine("An adjusted justification in clear text."),
    ])
  func obvious(test: LintCase) { Lint.expect("BL09", .warning, test) }

  @Test(
    "BL10: a missing fix told as an event of the timeline",
    arguments: [
      LintCase.found("## 8. Timeline\n\nThere was no alert."), .found("## Timeline\n\nInsufficient logging."),
      .found("## Timeline\n\nThe host lacked a hook."),
      .fine("## Contributing factors\n\nThere was no alert."),
      .fine("## Timeline\n\nThe alert came."),
      .fine("## Timeline\n\nOk.\n\n## Factors\n\nThere was no alert."),
    ])
  func hypotheticalFix(test: LintCase) { Lint.expect("BL10", .warning, test) }

  @Test(
    "BL15: knowledge read into minds",
    arguments: [
      LintCase.found("The team knew or should have known."), .found("They knew better."),
      .found("The owner was aware of it but went on."), .fine("The owner was aware. But later"),
      .fine("The page showed the key."),
    ])
  func imputedIntent(test: LintCase) { Lint.expect("BL15", .warning, test) }

  @Test(
    "BL20: time without a number, in the timeline",
    arguments: [
      LintCase.found("## Timeline\n\nIt was quickly rotated."), .found("## Timeline\n\nSoon it was public."),
      .fine("## Timeline\n\nRotated after 4 min."), .fine("## Summary\n\nIt was quickly rotated."),
    ])
  func unquantified(test: LintCase) { Lint.expect("BL20", .suggestion, test) }
}
