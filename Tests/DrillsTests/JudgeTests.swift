import Drills
import Foundation
import Incidents
import JSON
import TestSupport
import Testing

@Suite struct JudgeTests {
  private static let start = Date(timeIntervalSince1970: 1_800_000_000)

  private static let scenario: Scenario? = try? ScenarioReader.read(
    """
    drill: 1
    id: x
    title: t
    trigger: r
    complication: c
    objectives:
      - {reach: detect, within: 5s}
      - {reach: contain, within: 30s}
      - {reach: complete}
      - {reach: eradicate}
      - {reach: communicate}
      - {reach: secrecy}
      - {reach: resume}
      - {reach: postmortem}
    """, file: "x.yaml")

  private static func event(
    _ kind: EventKind, _ seconds: Double, incident: String = "inc-1", _ body: JSONValue = [:]
  ) -> JournalEvent {
    JournalEvent(
      sequence: Int(seconds * 10), at: start.addingTimeInterval(seconds), run: "run-1",
      incident: IncidentID(incident), kind: kind, body: body, hash: "")
  }

  private static func probe(_ seconds: Double, _ incident: String, _ state: String) -> JournalEvent {
    event(
      .credentialProbed, seconds, incident: incident,
      [
        "subject": "leaked", "state": .string(state), "credential": "c", "ref": .string("\(incident)/leaked"),
        "code": "401",
      ])
  }

  /// A proof of death that ends at `seconds`.
  private static func proof(_ seconds: Double, _ incident: String) -> JournalEvent {
    let moment = JSONValue.string(Timestamp.text(start.addingTimeInterval(seconds)))
    return event(
      .stepVerified, seconds, incident: incident,
      [
        "step": "prove_dead", "action": "credential.verify", "expect": "dead", "result": "held",
        "proof": [
          "values": [.string("\(incident)/leaked")], "credential": "c",
          "of": [["credential": "c", "ref": "r"]], "began": moment, "ended": moment, "refusals": 3,
          "control_logins": 3, "propagation_seconds": 1,
        ],
      ])
  }

  private static let good: [JournalEvent] = [
    event(.incidentOpened, 1, ["kind": "a"]), event(.incidentOpened, 2, incident: "inc-2", ["kind": "b"]),
    probe(3, "inc-1", "alive"), proof(10, "inc-1"), probe(19, "inc-2", "dead"), proof(20, "inc-2"),
    event(.stepDone, 25, ["step": "push"]),
  ]
  private static let closed = ["incident.opened", "incident.contained", "incident.closed"]

  private static func observation(
    accepted: [String] = [], consumer: Bool = true, unrelated: Bool = true, keys: Int = 1,
    copies: [String: Int] = [:], tickets: [String: [String]] = ["inc-1": closed, "inc-2": closed],
    stragglers: [String] = []
  ) -> SandboxObservation {
    SandboxObservation(
      acceptedLeaks: accepted, brokenReplacements: [], isConsumerHealthy: consumer, isOldSessionOpen: false,
      isUnrelatedKeyAccepted: unrelated, replacementKeys: keys, copies: copies, tickets: tickets,
      stragglers: stragglers)
  }

  private static func score(
    _ events: [JournalEvent] = good, after: SandboxObservation = observation(), exposed: [String] = [],
    watch: WatchRecord = WatchRecord(), injections: [Injection] = []
  ) throws -> Score {
    let evidence = DrillEvidence(
      started: start, ended: start.addingTimeInterval(40), events: events,
      before: observation(accepted: ["a", "b"]), after: after, leaks: 2,
      postMortems: [.init(path: "a", errors: 0), .init(path: "b", errors: 0)], exposedIn: exposed,
      undelivered: 0, watch: watch, injections: injections)
    return Judge(try #require(scenario), evidence).score(digest: "d")
  }

  private static func rating(_ objective: String, in score: Score) -> Rating? {
    score.segments.first { $0.objective == objective }?.rating
  }

  @Test func `a response within its times is performed`() throws {
    let score = try Self.score()
    #expect(score.isPassed)
    #expect(score.overall == .performed)
    #expect(score.segments.first { $0.objective == "contain" }?.reached == 20_000)
  }

  @Test(arguments: [(25.0, Rating.performed), (45, .someChallenges), (90, .majorChallenges)])
  func `a late containment is rated by how late it was`(seconds: Double, rating: Rating) throws {
    let events =
      Self.good.filter { $0.kind != .stepVerified } + [
        Self.proof(5, "inc-1"), Self.proof(seconds, "inc-2"),
      ]
    #expect(Self.rating("contain", in: try Self.score(events)) == rating)
  }

  @Test func `a credential seen alive after its proof is proven only by the next proof`() throws {
    let events = Self.good + [Self.probe(21, "inc-2", "alive"), Self.proof(29, "inc-2")]
    #expect(try Self.score(events).segments.first { $0.objective == "contain" }?.reached == 29_000)
  }

  @Test func `dead in the journal and alive in the world fails hard`() throws {
    let score = try Self.score(after: Self.observation(accepted: ["a"]))
    #expect(score.hardFails == [.deadClaimedWhileAlive])
    #expect(Self.rating("contain", in: score) == .unable)
    #expect(!score.isPassed)
  }

  @Test func `a part that held the old value must have been named`() throws {
    let after = Self.observation(stragglers: ["api-1"])
    #expect(Self.rating("complete", in: try Self.score(after: after)) == .majorChallenges)
    let named = Self.event(
      .stepVerified, 12, ["step": "rollout", "before": ["deployment prod/api: old: api-1 (environment)"]])
    #expect(Self.rating("complete", in: try Self.score(Self.good + [named], after: after)) == .performed)
  }

  @Test func `a leak that nobody called dead is not a false claim`() throws {
    let events = Self.good.filter { $0.incident != "inc-2" || $0.kind != .stepVerified }
    let score = try Self.score(events, after: Self.observation(accepted: ["b"]))
    #expect(score.hardFails.isEmpty)
    #expect(!score.isPassed)
  }

  @Test(arguments: [
    (["inc-1": closed + ["incident.opened"], "inc-2": closed], Score.HardFail.duplicateTicket),
    (["inc-1": closed], .lostTicket),
  ])
  func `a ticket twice or not at all fails hard`(tickets: [String: [String]], fail: Score.HardFail) throws {
    #expect(try Self.score(after: Self.observation(tickets: tickets)).hardFails == [fail])
  }

  @Test func `a secret in an output fails hard and is named by place`() throws {
    let score = try Self.score(exposed: ["leaked key in standard output"])
    #expect(score.hardFails == [.secretInOutput])
    #expect(score.segments.first { $0.objective == "secrecy" }?.evidence.contains("standard output") == true)
  }

  @Test(arguments: [observation(consumer: false), observation(unrelated: false)])
  func `a steady state that is not the same afterwards fails hard`(after: SandboxObservation) throws {
    #expect(try Self.score(after: after).hardFails == [.bystanderHarmed])
  }

  @Test func `a second replacement key means that resuming failed`() throws {
    #expect(Self.rating("resume", in: try Self.score(after: Self.observation(keys: 2))) == .unable)
  }

  @Test func `a copy in a fresh clone is worse than one that only the local clone has`() throws {
    let local = try Self.score(after: Self.observation(copies: ["local": 1]))
    #expect(Self.rating("eradicate", in: local) == .majorChallenges)
    let fresh = try Self.score(after: Self.observation(copies: ["fresh clone": 1]))
    #expect(Self.rating("eradicate", in: fresh) == .unable)
  }

  @Test func `only drills of the same scenario and playbooks are compared`() throws {
    let directory = try TemporaryDirectory()
    let history = DrillHistory(path: directory.path("state/drills.jsonl"))
    let score = try Self.score()
    func earlier(_ scenario: String, _ digest: String, _ total: Int) -> Score {
      Score(
        scenario: scenario, digest: digest, at: Self.start.addingTimeInterval(-60), segments: score.segments,
        hardFails: [], total: total, waited: 0)
    }
    try history.append(earlier("x", "d", 30_000))
    try history.append(earlier("x", "other", 1))
    try history.append(earlier("y", "d", 1))
    try history.append(score)
    let comparable = try history.comparable(with: score)
    #expect(comparable.map(\.total) == [30_000])
    let board = Scoreboard(score, earlier: comparable)
    #expect(board.text.contains("2 comparable drills: min 30.0s, median 35.0s, max 40.0s"))
    #expect(board.json["history"]?["median_ms"] == 35_000)
    #expect(board.json["passed"] == true)
  }

  @Test func `a file of scores that cannot be read is not "no drill yet"`() throws {
    let directory = try TemporaryDirectory()
    #expect(try DrillHistory(path: directory.path("none.jsonl")).read().scores.isEmpty)
    try FileManager.default.createDirectory(
      atPath: directory.path("scores.jsonl"), withIntermediateDirectories: false)
    #expect(throws: DrillError.self) { try DrillHistory(path: directory.path("scores.jsonl")).read() }
    let history = DrillHistory(path: directory.path("other.jsonl"))
    try history.append(try Self.score())
    let handle = try #require(FileHandle(forWritingAtPath: directory.path("other.jsonl")))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("{\"version\":9}\n".utf8))
    try handle.close()
    #expect(try history.read().scores.count == 1)
    #expect(try history.read().unread == 1)
  }

  /// One probe each 0.2 seconds from 0 to 40, with an answer of yes in `yes`.
  private static func watch(_ subject: WatchRecord.Subject, yes: ClosedRange<Double>...) -> WatchRecord {
    var record = WatchRecord()
    for number in 0...200 {
      let second = Double(number) / 5
      record.add(subject, yes.contains { $0.contains(second) }, at: start.addingTimeInterval(second))
    }
    return record
  }

  @Test func `a credential that worked again for half a second after it was called dead fails hard`() throws {
    #expect(try Self.score(watch: Self.watch(.leak("a"), yes: 0...9.9)).isPassed)
    let score = try Self.score(watch: Self.watch(.leak("a"), yes: 0...9.9, 15...15.5))
    #expect(score.hardFails == [.deadClaimedWhileAlive])
    #expect(Self.rating("contain", in: score) == .unable)
    let said = score.segments.first { $0.objective == "contain" }?.evidence
    #expect(said == "a was accepted again 5.0 s after the proof of its death began, for at least 0.4 s")
  }

  @Test func `what the journal saw alive as well is no false claim before its next refusal`() throws {
    let events = Self.good + [Self.probe(15.4, "inc-1", "alive"), Self.proof(17, "inc-1")]
    #expect(try Self.score(events, watch: Self.watch(.leak("a"), yes: 0...9.9, 15...15.5)).hardFails == [])
  }

  @Test func `claims are compared by identity: one that is dead does not stand for one that lives`() throws {
    // Only the credential of kind a was called dead; it lives. The one of kind b is dead, and nobody said so.
    let events = Self.good.filter { $0.incident != "inc-2" || $0.kind != .stepVerified }
    let score = try Self.score(events, after: Self.observation(accepted: ["a"]))
    #expect(score.hardFails == [.deadClaimedWhileAlive])
  }

  @Test func `a session that answers after the recount fails hard`() throws {
    let events =
      Self.good + [
        Self.event(
          .stepOutcome, 12, incident: "inc-2",
          [
            "step": "end", "action": "credential.end-sessions",
            "outputs": ["found": 1, "ended": 1, "left": 0],
          ])
      ]
    #expect(try Self.score(events, watch: Self.watch(.session("b"), yes: 0...11.8)).isPassed)
    let score = try Self.score(events, watch: Self.watch(.session("b"), yes: 0...13))
    #expect(score.hardFails == [.sessionClaimedEnded])
    #expect(
      try Self.score(events, watch: Self.watch(.session("a"), yes: 0...13)).hardFails == [], "another one's")
  }

  @Test func `a bystander that was refused for a moment was harmed`() throws {
    #expect(
      try Self.score(watch: Self.watch(.bystanderRefused, yes: 7...7.4)).hardFails == [.bystanderHarmed])
  }

  @Test func `a drill in which a fault did not strike as often as it should is void`() throws {
    let struck = Injection("rate_limit", wanted: 3, struck: 3)
    #expect(try Self.score(injections: [struck]).isPassed)
    let score = try Self.score(injections: [struck, Injection("lost_reply", wanted: 1, struck: 0)])
    #expect(score.isVoid)
    #expect(!score.isPassed)
    let board = Scoreboard(score, earlier: [])
    #expect(board.text.hasPrefix("DRILL x: VOID"))
    #expect(board.text.contains("VOID: lost_reply struck 0 of 1 time"))
    #expect(board.json["void"] == ["lost_reply struck 0 of 1 time"])
    #expect(board.json["passed"] == false)
  }

  @Test func `one refusal is no proof of death`() throws {
    let events =
      Self.good.filter { $0.incident != "inc-2" || $0.kind != .stepVerified } + [
        Self.probe(20, "inc-2", "dead")
      ]
    let score = try Self.score(events)
    #expect(
      score.segments.first { $0.objective == "contain" }?.evidence == "1 of 2 leaked credentials proven dead")
  }
}
