import PostMortems
import Testing

@Suite("Cause rules")
struct CauseRulesTests {
  @Test(
    "BL06: one root cause",
    arguments: [
      LintCase.found("The root cause was a key."), .found("Root cause: a key"), .fine("root causes"),
      .fine("The contributing factors were"),
    ])
  func rootCause(test: LintCase) { Lint.expect("BL06", .warning, test) }

  @Test(
    "BL07: why did they",
    arguments: [
      LintCase.found("Why did she push?"), .found("why didn't they look"), .found("Why were you there"),
      .fine("Why did the probe fail?"), .fine("How did they see it?"),
    ])
  func whyThey(test: LintCase) { Lint.expect("BL07", .warning, test) }

  @Test(
    "BL08: the hunt for who",
    arguments: [
      LintCase.found("Who pushed it?"), .found("who was responsible"), .found("It was their fault."),
      .found("The vendor's fault"), .found("is to blame"), .found("guilty"), .found("the culprit"),
      .fine("blameless"), .fine("a default"), .fine("an injected fault"), .fine("the people who saw it"),
    ])
  func blameHunt(test: LintCase) { Lint.expect("BL08", .warning, test) }

  @Test(
    "BL11: work as imagined",
    arguments: [
      LintCase.found("This violated the secrets policy."), .found("broke the process"),
      .found("The runbook was not followed."), .found("did not follow the procedure"),
      .fine("The procedure assumes a key."),
      .fine("The build broke."),
    ])
  func workAsImagined(test: LintCase) { Lint.expect("BL11", .warning, test) }

  @Test(
    "BL17: an empty assurance",
    arguments: [
      LintCase.found("We take security very seriously."),
      .found("Example takes the privacy of its users seriously."),
      .fine("We take a backup."),
    ])
  func takeSeriously(test: LintCase) { Lint.expect("BL17", .warning, test) }

  @Test(
    "BL18: dramatic words without evidence",
    arguments: [
      LintCase.found("It caused an outage."), .found("a data breach"), .found("We were hacked."),
      .fine("An outage of 3 min ([journal #4](#e4))."), .fine("The key was exposed."),
    ])
  func overstated(test: LintCase) { Lint.expect("BL18", .suggestion, test) }

  @Test(
    "BL19: absence of evidence",
    arguments: [
      LintCase.found("There is no evidence of abuse."), .found("No indication that it was used."),
      .fine("No evidence of abuse in the 40 % of the window that logs cover."),
      .fine("The evidence is linked."),
    ])
  func absenceOfEvidence(test: LintCase) { Lint.expect("BL19", .warning, test) }
}
