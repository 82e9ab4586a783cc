import Chronicle
import Foundation
import Incidents
import JSON
import Secrets
import TestSupport
import Testing

/// What may say "contained": a playbook's proof over every leaked value, and nothing else.
@Suite struct ContainmentTests {
  private static let id: IncidentID = "inc-7f3a91c2"
  private static let first = SecretRef.leaked(of: id)
  private static let second = SecretRef.leaked(of: id, further: Fingerprint(rawValue: "s1:00:2222"))

  /// An incident with its first value sealed, and a run.
  private static func story() -> JournalStory {
    var story = JournalStory()
    story.about(id)
    story.at(0, .secretSealed, ["key": .string(first.rawValue), "purpose": "leaked"])
    story.at(
      0, .incidentOpened,
      [
        "kind": "postgres_uri", "severity": "sev1", "codename": "quiet-heron",
        "detected": "2026-11-24T03:00:00.000Z",
        "values": [["ref": .string(first.rawValue), "fingerprint": "s1:00:1111"]],
      ])
    story.at(1, .planSaved, plan([first]))
    story.about(id, run: "run-1")
    story.at(2, .runStarted, ["mode": "live", "plan": "plan-1"])
    return story
  }

  private static func plan(_ values: [SecretRef]) -> JSONValue {
    [
      "plan": "plan-1", "digest": "d1", "playbook": "database-password",
      "secrets": .array(values.map { .string($0.rawValue) }),
    ]
  }

  private static func status(_ story: JournalStory) throws -> IncidentStatus {
    try #require(
      IncidentStatus.derive(events: story.events, now: JournalStory.minute(60)).first { $0.id == id })
  }

  @Test func `one refusal is not death: a probe of triage or by hand leaves the incident open`() throws {
    var story = Self.story()
    story.refuse(3, Self.first)
    story.about(Self.id)
    story.refuse(4, Self.first)
    let status = try Self.status(story)
    #expect(status.leaked?.state == .dead)
    #expect(status.state == .open && !status.isContained && status.unproven == 1)
  }

  @Test func `what the verification of an effect saw refused, however often, proves nothing`() throws {
    var story = Self.story()
    for minute in 3..<8 { story.refuse(Double(minute), Self.first) }
    story.at(
      8, .stepVerified,
      ["step": "disable_old", "action": "credential.verify", "expect": "dead", "result": "dead"])
    #expect(try Self.status(story).state == .open)
  }

  @Test func `a second run that proves the same again does not make the containment later`() throws {
    var story = Self.story()
    story.prove(5, [Self.first])
    story.prove(50, [Self.first])
    let record = IncidentRecord(of: Self.id, in: story.events)
    #expect(record.containment.completed?.at == JournalStory.minute(5))
    story.accept(51, Self.first)
    story.prove(55, [Self.first])
    let later = IncidentRecord(of: Self.id, in: story.events)
    #expect(later.containment.completed?.at == JournalStory.minute(55))
  }

  @Test func `the proof contains, and an acceptance after it takes that back`() throws {
    var story = Self.story()
    story.prove(5, [Self.first])
    #expect(try Self.status(story).state == .contained)
    story.accept(6, Self.first)
    #expect(try Self.status(story).state == .open)
    story.prove(7, [Self.first])
    #expect(try Self.status(story).state == .contained)
  }

  @Test func `contained, although a scanner has reported the value as accepted since`() throws {
    var story = Self.story()
    story.prove(5, [Self.first])
    story.about(Self.id)
    let seen: JSONValue = [
      "seen": ["source": ["trufflehog"], "validity": "active", "places": 1, "repositories": []],
      "reported_active": [.string(Self.first.rawValue)],
    ]
    story.at(6, .incidentUpdated, seen)
    #expect(try Self.status(story).state == .open)
    var alive = story
    alive.accept(7, Self.first)
    alive.refuse(8, Self.first)
    #expect(try Self.status(alive).state == .open, "one refusal after an acceptance is no proof")
    // We asked ourselves: the proof of before stands.
    story.refuse(7, Self.first)
    #expect(try Self.status(story).state == .contained)
  }

  @Test func `two values of one account are contained only when both are proven dead`() throws {
    var story = Self.story()
    story.at(3, .secretSealed, ["key": .string(Self.second.rawValue), "purpose": "leaked"])
    story.prove(5, [Self.first])
    #expect(try Self.status(story).state == .open)
    #expect(try Self.status(story).unproven == 1)
    story.prove(6, [Self.second])
    #expect(try Self.status(story).state == .contained)
  }

  @Test func `another value was reported after the plan, of a playbook that takes none`() throws {
    var story = Self.story()
    story.about(Self.id)
    story.at(3, .planSaved, Self.plan([]))
    var own = JournalStory()
    own.about(Self.id)
    own.at(0, .secretSealed, ["key": .string(Self.first.rawValue), "purpose": "leaked"])
    own.at(0, .incidentOpened, ["kind": "postgres_uri", "severity": "sev1"])
    own.at(1, .planSaved, Self.plan([]))
    #expect(try Self.status(own).next.text.contains("Another value") == false)
    own.at(2, .secretSealed, ["key": .string(Self.second.rawValue), "purpose": "leaked"])
    #expect(try Self.status(own).next.text.contains("Another value"))
    #expect(try Self.status(story).next.text.contains("Another value") == false)
  }

  @Test func `a value that joins a contained incident opens it again and wants a plan that covers it`() throws
  {
    var story = Self.story()
    story.refuse(4, Self.first)
    story.prove(5, [Self.first])
    story.at(5, .incidentState, ["state": "contained", "reason": "proof"])
    story.at(6, .runEnded, ["state": "done"])
    #expect(try Self.status(story).next.command == "staunch postmortem draft \(Self.id)")
    story.about(Self.id)
    story.at(9, .secretSealed, ["key": .string(Self.second.rawValue), "purpose": "leaked"])
    let status = try Self.status(story)
    #expect(status.state == .open && status.unproven == 1)
    #expect(status.next.text.contains("Another value of this credential"))
    #expect(status.next.command == "staunch plan \(Self.id)")
    story.at(10, .planSaved, Self.plan([Self.first, Self.second]))
    #expect(try Self.status(story).next.command?.hasPrefix("staunch run plan-1") == true)
  }

  @Test func `a run of before proofs named their values still counts, with at least two refusals in a row`()
    throws
  {
    var story = Self.story()
    story.refuse(3, Self.first)
    story.at(
      4, .stepVerified,
      ["step": "prove_dead", "action": "credential.verify", "expect": "dead", "result": "held"])
    #expect(try Self.status(story).state == .open)
    story.refuse(5, Self.first)
    story.at(
      6, .stepVerified,
      ["step": "prove_dead", "action": "credential.verify", "expect": "dead", "result": "held"])
    #expect(try Self.status(story).state == .contained)
  }

  @Test func `a question that was put once proves nothing, however often it was refused before`() throws {
    var story = Self.story()
    for minute in 3..<8 { story.refuse(Double(minute), Self.first) }
    story.at(
      8, .stepVerified,
      [
        "step": "look", "action": "credential.verify", "expect": "dead", "result": "held", "proof": .null,
      ])
    #expect(try Self.status(story).state == .open)
  }

  @Test func `the first rejection and the proof are two instants, and containing takes until the proof`() {
    var story = Self.story()
    for minute in [3.0, 4, 5] { story.refuse(minute, Self.first) }
    story.prove(5.5, [Self.first])
    let metrics = Metrics(
      of: IncidentRecord(of: Self.id, in: story.events), repositories: [], now: JournalStory.minute(60))
    #expect(metrics.instants.dead.date == JournalStory.minute(3))
    #expect(metrics.instants.proven.date == JournalStory.minute(5.5))
    #expect(metrics.metric("time_to_reject")?.value == .duration(.seconds(180)))
    #expect(metrics.metric("time_to_contain")?.value == .duration(.seconds(330)))
    #expect(metrics.metric("completeness")?.value == .count(1, of: 1))
  }

  @Test func `refused and not proven, it was contained at no instant and the window has no end`() {
    var story = Self.story()
    story.refuse(3, Self.first)
    let push = RepositoryEvidence(
      repository: "models", visibility: "public",
      firstPush: .init(at: JournalStory.minute(-60), source: "forge"))
    let metrics = Metrics(
      of: IncidentRecord(of: Self.id, in: story.events), repositories: [push], now: JournalStory.minute(60))
    #expect(metrics.metric("time_to_contain")?.value.isUnknown == true)
    #expect(metrics.metric("exposure_window")?.value.isUnknown == true)
    #expect(metrics.metric("completeness")?.value == .count(0, of: 1))
  }

  @Test func `two passwords of one account are two values of one incident`() throws {
    let key = FingerprintKey(SecretBytes(copying: Array(repeating: 7, count: 32)))
    let findings = ["one", "two", "one"].map { password -> Finding in
      var finding = Finding(
        source: .manual, kind: "postgres_uri", detector: Detector(rule: "uri"), observedAt: JournalStory.start
      )
      finding.handle = "svc@db1/app"
      finding.secret = Secret(password)
      return finding
    }
    let incidents = IncidentGrouping.group(findings, key: key, now: JournalStory.start)
    let only = try #require(incidents.first)
    #expect(incidents.count == 1)
    #expect(only.values.map { $0.secret.exposeAsText() } == ["one", "two"])
    #expect(Set(only.values.map(\.fingerprint)).count == 2)
  }

  @Test func `one value out of a vendor's documentation does not hold the real one back`() throws {
    let key = FingerprintKey(SecretBytes(copying: Array(repeating: 7, count: 32)))
    let findings = ["passwordEXAMPLE", "a real one"].map { password -> Finding in
      var finding = Finding(
        source: .manual, kind: "postgres_uri", detector: Detector(rule: "uri"), observedAt: JournalStory.start
      )
      finding.handle = "svc@db1/app"
      finding.secret = Secret(password)
      return finding
    }
    #expect(IncidentGrouping.group(findings, key: key, now: JournalStory.start).first?.restraint == nil)
    #expect(
      IncidentGrouping.group([findings[0]], key: key, now: JournalStory.start).first?.restraint == .example)
  }
}

extension JournalStory {
  fileprivate mutating func refuse(_ minute: Double, _ ref: SecretRef) { answer(minute, "dead", ref) }
  fileprivate mutating func accept(_ minute: Double, _ ref: SecretRef) { answer(minute, "alive", ref) }

  private mutating func answer(_ minute: Double, _ state: String, _ ref: SecretRef) {
    at(
      minute, .credentialProbed,
      [
        "credential": "db", "ref": .string(ref.rawValue), "subject": "leaked", "state": .string(state),
        "code": "28P01",
      ])
  }

  /// As the engine writes it.
  fileprivate mutating func prove(_ minute: Double, _ refs: [SecretRef]) {
    at(
      minute, .stepVerified,
      [
        "step": "prove_dead", "action": "credential.verify", "expect": "dead", "result": "held",
        "proof": [
          "credential": "db", "values": .array(refs.map { .string($0.rawValue) }), "refusals": 3,
        ],
      ])
  }
}
