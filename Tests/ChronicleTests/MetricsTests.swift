import Chronicle
import Foundation
import Incidents
import JSON
import TestSupport
import Testing

@Suite("Metrics")
struct MetricsTests {
  private func metrics(
    _ story: JournalStory, _ repositories: [RepositoryEvidence] = [JournalStory.evidence], now: Double = 60
  ) -> Metrics {
    Metrics(
      of: IncidentRecord(of: "inc-7f3a91c2", in: story.events), repositories: repositories,
      now: JournalStory.minute(now))
  }

  @Test(
    "every figure of a contained incident follows from its instants",
    arguments: [
      ("latent", "1 d"), ("time_to_detect", "2 d"),
      ("alert_lag", "unknown (t_alert: no source states when it first raised it)"),
      ("time_to_acknowledge", "4 min"),
      ("time_to_reject", "9 min 30 s"), ("time_to_contain", "9 min 42 s"),
      ("time_to_eradicate", "20 min 12 s"),
      ("exposure_window", "2 d, its end known to within 4 min 36 s"),
      ("log_coverage", "40 %"), ("completeness", "1 of 1"),
      ("disruption", "none (no failure in 1 health check)"),
      ("wait_share", "49 %"),
    ])
  func formulas(id: String, expected: String) {
    #expect(metrics(.contained()).metric(id)?.value.text == expected)
  }

  @Test(
    "the first refusal is one instant and the end of the proof another; time to contain counts to the proof")
  func containedAtDeath() {
    guard case .known(let dead, .observed, .journal(let sequence, _)) = metrics(.contained()).instants.dead
    else {
      Issue.record("t_dead is unknown")
      return
    }
    #expect(dead == JournalStory.minute(9.5))
    #expect(CredentialProbed(JournalStory.contained().events[sequence - 1].body).state == .dead)
    let proven = metrics(.contained()).instants.proven
    #expect(proven.date == JournalStory.minute(9.7))
  }

  @Test("a later run that has nothing to replace forgets no roll-out")
  func rolledOutBefore() {
    var story = JournalStory.contained()
    let rotated = metrics(story).instants.rotated.date
    #expect(rotated != nil)
    story.about("inc-7f3a91c2", run: "run-2")
    story.at(30, .runStarted, ["mode": "live", "plan": "plan-2"])
    story.at(31, .stepSkipped, ["step": "rollout", "reason": "replaced is yes", "by": "condition"])
    story.at(32, .runEnded, ["state": "done"])
    #expect(metrics(story).instants.rotated.date == rotated)
  }

  @Test("refusals without a proof contain nothing")
  func refusedOnly() {
    var story = JournalStory()
    story.about("inc-7f3a91c2")
    story.at(0, .incidentOpened, ["kind": "postgres_password", "detected": "2026-11-24T03:00:00.000Z"])
    story.about("inc-7f3a91c2", run: "run-1")
    story.probe(5, .alive, code: "login accepted")
    for minute in [9.0, 9.1, 9.2] { story.probe(minute, .dead, code: "28P01") }
    let figures = metrics(story)
    #expect(figures.metric("time_to_reject")?.value == .duration(.seconds(540)))
    #expect(figures.metric("time_to_contain")?.value.isUnknown == true)
  }

  @Test("an acceptance after a rejection takes the death back")
  func resurrection() {
    var story = JournalStory.contained()
    story.about("inc-7f3a91c2", run: "run-1")
    story.probe(25, .alive, code: "login accepted")
    let figures = metrics(story, now: 30)
    #expect(figures.metric("time_to_contain")?.value.isUnknown == true)
    #expect(figures.metric("completeness")?.value == .count(0, of: 1))
    #expect(figures.metric("exposure_window")?.value == .atLeast(.seconds(2 * 86_400 + 30 * 60)))
  }

  @Test("a time-out after the rejections takes nothing back")
  func timeout() {
    var story = JournalStory.contained()
    story.about("inc-7f3a91c2", run: "run-1")
    story.probe(25, .unknown, code: "timeout")
    #expect(metrics(story).metric("time_to_contain")?.value == .duration(.seconds(582)))
  }

  @Test("without repository evidence the history figures say why they are unknown")
  func withoutRepositories() {
    let figures = metrics(.contained(), [])
    #expect(
      figures.metric("latent")?.value == .unknown("t_push: no forge record of the first push"))
    #expect(
      figures.metric("exposure_window")?.value
        == .unknown("t_pub: no record of when others could first read it"))
    #expect(figures.metric("time_to_eradicate")?.value == .duration(.seconds(1212)))
  }

  @Test("a private repository has no window, but the first commit gives a bound")
  func bound() {
    let evidence = RepositoryEvidence(
      repository: "models", visibility: "private",
      introduction: .init(commit: "4f9d", authored: JournalStory.minute(-60), refs: []))
    #expect(
      metrics(.contained(), [evidence]).metric("exposure_window")?.value
        == .unknown(
          "t_pub: no record of when others could first read it; at most 1 h 9 min, "
            + "counted from the claimed date of the first commit"))
  }

  @Test("a commit dated after its push is printed as a data error")
  func negative() {
    let evidence = RepositoryEvidence(
      repository: "models",
      introduction: .init(commit: "4f9d", authored: JournalStory.minute(-10), refs: []),
      firstPush: .init(at: JournalStory.minute(-70), source: "forge event log"))
    let value = metrics(.contained(), [evidence]).metric("latent")?.value
    #expect(value == .dataError(.seconds(-3600), "t_push is before t_intro"))
    #expect(value?.text == "data error: −1 h (t_push is before t_intro)")
  }

  @Test("two leaked credentials are contained when the second one is dead")
  func severalCredentials() {
    var story = JournalStory.contained()
    story.about("inc-7f3a91c2", run: "run-1")
    story.probe(12, .alive, code: "200", credential: "openai-prod")
    #expect(metrics(story).metric("completeness")?.value == .count(1, of: 2))
    #expect(metrics(story).metric("time_to_contain")?.value.isUnknown == true)
    story.probe(15, .dead, code: "401 invalid_api_key", credential: "openai-prod")
    #expect(metrics(story).metric("completeness")?.value == .count(1, of: 2), "refused once is not proven")
    story.at(
      15, .stepVerified,
      [
        "step": "prove_dead", "action": "credential.verify", "expect": "dead", "result": "held",
        "proof": ["credential": "openai-prod", "values": ["openai-prod-leaked"], "refusals": 3],
      ])
    #expect(metrics(story).metric("completeness")?.value == .count(2, of: 2))
    #expect(metrics(story).metric("time_to_reject")?.value == .duration(.seconds(900)))
    #expect(metrics(story).metric("time_to_contain")?.value == .duration(.seconds(900)))
  }

  @Test("disruption runs from the first consumer failure to the last healthy answer")
  func disruption() {
    var story = JournalStory.contained()
    story.about("inc-7f3a91c2", run: "run-1")
    story.at(
      24, .stepOutcome,
      ["step": "check", "action": "consumer.health", "outputs": ["state": "unhealthy"]])
    #expect(metrics(story).metric("disruption")?.value.isUnknown == true)
    story.at(
      26, .stepVerified,
      ["step": "check", "action": "consumer.health", "expect": "healthy", "result": "healthy"])
    #expect(metrics(story).metric("disruption")?.value == .duration(.seconds(120)))
  }

  @Test("a dirty fresh clone means not eradicated, whatever the journal says")
  func dirtyClone() {
    let evidence = RepositoryEvidence(
      repository: "models", freshScan: .init(at: JournalStory.minute(30), isClean: false, objects: 9))
    #expect(
      metrics(.contained(), [evidence]).metric("time_to_eradicate")?.value
        == .unknown("t_clean: a fresh clone of models still holds the secret"))
  }

  @Test("an alert that a forge raised earlier gives the alert lag")
  func alertLag() {
    var story = JournalStory.contained()
    story.about("inc-7f3a91c2")
    story.at(30, .incidentUpdated, ["alerted": "2026-11-24T01:00:00.000Z", "occurrences": 2])
    #expect(metrics(story).metric("alert_lag")?.value == .duration(.seconds(7200)))
  }

  @Test("an approval by policy is no human act")
  func policy() {
    var story = JournalStory()
    story.about("inc-1")
    story.at(0, .incidentOpened, ["detected": "2026-11-24T03:00:00.000Z"])
    story.at(1, .planApproved, ["digest": "d", "role": "policy"])
    let record = IncidentRecord(of: "inc-1", in: story.events)
    #expect(
      MetricInstants(of: record, repositories: []).acknowledged == .unknown("no human act in the journal"))
  }

  @Test(
    "durations show two units",
    arguments: [
      (0, "0 ms"), (850, "850 ms"), (41_250, "41.2 s"), (60_000, "1 min"), (1_023_000, "17 min 3 s"),
      (6_120_000, "1 h 42 min"), (93_600_000, "1 d 2 h"), (-61_000, "−1 min 1 s"),
    ])
  func durations(milliseconds: Int, expected: String) {
    #expect(DurationText.text(.milliseconds(milliseconds)) == expected)
  }

  @Test(
    "coverage is read as a share or a percentage, never guessed",
    arguments: [("0.4", 0.4), ("40 %", 0.4), ("1", 1.0), ("7", nil), ("most", nil)] as [(String, Double?)])
  func shares(text: String, expected: Double?) {
    var story = JournalStory()
    story.about("inc-1")
    story.at(0, .incidentOpened, [:])
    story.at(
      1, .stepOutcome, ["step": "a", "action": "abuse.search", "outputs": ["coverage": .string(text)]])
    let value = Metrics(
      of: IncidentRecord(of: "inc-1", in: story.events), repositories: [], now: JournalStory.start
    ).metric("log_coverage")?.value
    if let expected { #expect(value == .share(expected)) } else { #expect(value?.isUnknown == true) }
  }

  /// A search whose logs cover minutes 10 to 30, and a credential that was exposed from `committed` on and died at 50.
  private func coverage(committed minute: Double?, covered: Bool = true) -> MetricValue? {
    let date = { (minute: Double) in Timestamp.text(JournalStory.start.addingTimeInterval(minute * 60)) }
    var story = JournalStory()
    story.about("inc-1", run: "run-1")
    let place: JSONValue = minute.map { ["path": "a", "committed": .string(date($0))] } ?? ["path": "a"]
    story.at(35, .incidentOpened, ["detected": .string(date(35)), "locations": [place]])
    story.at(
      36, .stepOutcome,
      [
        "step": "a", "action": "abuse.search",
        "outputs": [
          "coverage_percent": 100, "covered_from": covered ? ["$timestamp": .string(date(10))] : nil,
          "covered_until": covered ? ["$timestamp": .string(date(30))] : nil,
        ],
      ])
    story.probe(50, .dead, code: "401")
    return Metrics(
      of: IncidentRecord(of: "inc-1", in: story.events), repositories: [],
      now: JournalStory.start.addingTimeInterval(3600)
    ).metric("log_coverage")?.value
  }

  @Test(
    "coverage is measured against the exposure from the first commit to the death, whatever the search stated"
  )
  func coverageIsMeasured() {
    #expect(coverage(committed: 10) == .share(0.5))
    #expect(coverage(committed: 25) == .share(0.2))
    #expect(coverage(committed: 30) == .share(0))
    #expect(coverage(committed: nil)?.isUnknown == true)
    #expect(coverage(committed: 10, covered: false)?.isUnknown == true)
  }

  @Test("the 100 % that earlier versions wrote down without measuring is unknown")
  func writtenDown() {
    var story = JournalStory()
    story.about("inc-1")
    story.at(0, .incidentOpened, [:])
    story.at(1, .stepOutcome, ["step": "a", "action": "abuse.search", "outputs": ["coverage_percent": 100]])
    let metrics = Metrics(
      of: IncidentRecord(of: "inc-1", in: story.events), repositories: [], now: JournalStory.start)
    #expect(metrics.metric("log_coverage")?.value.isUnknown == true)
  }

  @Test(
    "no share but the whole is shown as 100 %", arguments: [(0.996, "99 %"), (0.5, "50 %"), (1.0, "100 %")])
  func wholeShare(share: Double, text: String) { #expect(MetricValue.share(share).text == text) }
}

extension MetricValue {
  var isUnknown: Bool { if case .unknown = self { true } else { false } }
}
