import PostMortems
import Testing

@Suite("Judgement rules")
struct JudgementRulesTests {
  @Test(
    "BL02: an omission of a person",
    arguments: [
      LintCase.found("The engineer failed to rotate it."), .found("She forgot the hook."),
      .found("We missed the alert."),
      .found("The on-call responder had overlooked it."), .found("They ignored the page."),
      .found("the data team neglected the queue"), .fine("The probe failed to connect."),
      .fine("The alert was missed."),
      .fine("The run failed."), .fine("`the engineer failed to`"),
    ])
  func judgement(test: LintCase) { Lint.expect("BL02", .error, test) }

  @Test(
    "BL03: human error",
    arguments: [
      LintCase.found("It was human error."), .found("An operator error."), .found("A user errors."),
      .found("A fat-finger mistake."), .found("He fat fingered it."),
      .fine("The server returned an error to the user."),
      .found("The cause was operator error."), .found("This was a user error by the team."),
      .found("Human error rates are a bad measure."),
      .fine("The Postgres operator errors rose to 4,000 an hour."), .fine("The user error rate went up."),
      .fine("The admin error log shows it."), .fine("The developer error page was served."),
      .fine("The cert-manager operator error was gone."), .fine("Operator errors per minute fell."),
    ])
  func humanError(test: LintCase) { Lint.expect("BL03", .error, test) }

  @Test(
    "BL04: character",
    arguments: [
      LintCase.found("A careless push."), .found("Negligence."), .found("sloppily done"),
      .found("a lazy fix"),
      .found("recklessness"), .found("incompetent"), .found("a stupid default"), .found("complacency"),
      .fine("The relay is slow."), .fine("`careless`"),
    ])
  func character(test: LintCase) { Lint.expect("BL04", .error, test) }

  @Test(
    "BL05: people by name",
    arguments: [
      LintCase.found("Ada Example pushed it."), .found("ada example pushed it."),
      .found("Write to x@example.org."),
      .found("Ask @octocat."), .found("> Ada Example wrote this"),
      .found("A note: <q>Ada Example did it</q>"),
      .found("`aexample` is code, aexample is a person"),
      .fine("`aexample` and [aexample](https://x.y/aexample)"),
      .fine("The responder pushed it."), .fine("git@example.org:a/b"), .fine("Adamant Examples"),
      .fine("the identity ci-deployer@acme-prod.iam.gserviceaccount.com"),
      .fine("It came to security@acme.example."),
      .fine("copied to no-reply@notifications.example.org"),
      .fine("trainer@db.training.example/training was replaced"),
      .fine("deploy@10.0.0.5"), .fine("uses setup@v4"), .fine("the handle is @oncall-platform"),
      .fine("published under the scope @acme on the registry"), .fine("root@db1.prod.internal"),
      .found("Write to jane.doe@acme.example."), .found("asked the team lead @jane"), .found("@abbot saw it"),
    ])
  func names(test: LintCase) { Lint.expect("BL05", .error, test, names: ["Ada Example", "aexample"]) }

  @Test("BL05 offers the role, and fixing the text leaves it clean")
  func fix() {
    let text = "# Ädä\n\nThen Ada Example (ada@example.org) pushed; @ada saw it.\n"
    let findings = Lint.findings(text, names: ["Ada Example"])
    #expect(findings.map(\.column) == [6, 19, 44])
    let fixed = BlamelessLint.fixed(text, findings)
    #expect(fixed == "# Ädä\n\nThen [contributor] ([contributor]) pushed; [contributor] saw it.\n")
    #expect(Lint.findings(fixed, names: ["Ada Example"]).isEmpty)
  }

  @Test(
    "BL14: adverbs that carry the outcome",
    arguments: [
      LintCase.found("It was mistakenly pushed."), .found("accidentally"), .found("inadvertently"),
      .found("wrongly"),
      .fine("The wrong file was pushed."),
    ])
  func outcomeLoaded(test: LintCase) { Lint.expect("BL14", .suggestion, test) }

  @Test(
    "BL16: absolutes about people",
    arguments: [
      LintCase.found("We never rotate."), .found("Developers always skip it."), .found("Nobody looked."),
      .found("Everyone had access."), .fine("The job never ran."), .fine("It always returns 401."),
      .fine("The sidecar runs as user nobody."), .fine("The grant \"Everyone\" was removed."),
    ])
  func overgeneralised(test: LintCase) { Lint.expect("BL16", .warning, test) }

  @Test(
    "BL22: ridicule",
    arguments: [
      LintCase.found("A bad apple."), .found("asleep at the wheel"), .found("They dropped the ball."),
      .found("rookie"),
      .fine("The apple fell."),
    ])
  func ridicule(test: LintCase) { Lint.expect("BL22", .suggestion, test) }
}
