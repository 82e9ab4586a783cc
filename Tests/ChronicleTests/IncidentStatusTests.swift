import Chronicle
import Foundation
import Incidents
import JSON
import TestSupport
import Testing

@Suite("Incident status")
struct IncidentStatusTests {
  private func status(_ story: JournalStory, now: Double = 60) throws -> IncidentStatus {
    try #require(IncidentStatus.derive(events: story.events, now: JournalStory.minute(now)).first)
  }

  /// The contained story, cut after the event that satisfies `last`.
  private func story(until last: (JournalEvent) -> Bool) throws -> JournalStory {
    let events = JournalStory.contained().events
    let index = events.firstIndex(where: last)
    let end = try #require(index)
    var story = JournalStory()
    for event in events[...end] {
      story.about(event.incident, run: event.run)
      story.at(event.at.timeIntervalSince(JournalStory.start) / 60, event.kind, event.body)
    }
    return story
  }

  @Test("an empty journal has no incidents")
  func empty() {
    #expect(IncidentStatus.derive(events: [], now: JournalStory.start).isEmpty)
  }

  @Test("an incident without a plan asks for one")
  func opened() throws {
    let status = try status(story { $0.kind == .incidentOpened }, now: 2)
    #expect(status.severity == .sev2)
    #expect(status.codename == "quiet-heron")
    #expect(status.sinceDetection == .seconds(120))
    #expect(status.credentials.isEmpty)
    #expect(status.next.command == "staunch plan inc-7f3a91c2")
  }

  @Test("a saved plan asks for its digest to be approved, an approved one to be run")
  func planned() throws {
    let saved = try status(story { $0.kind == .planSaved })
    #expect(saved.plan?.digest == "d1gest")
    #expect(saved.next.command == "staunch run plan-1 --live")
    let approved = try status(story { $0.kind == .planApproved })
    #expect(approved.next.command == "staunch run plan-1 --live")
  }

  @Test("a yes to one gate is no yes to the plan")
  func gateAlone() throws {
    var story = try story { $0.kind == .planSaved }
    story.about("inc-7f3a91c2")
    story.at(4, .planApproved, ["digest": "d1gest", "plan": "plan-1", "step": "go", "role": "responder"])
    let status = try status(story)
    #expect(status.plan?.isApproved == false)
    #expect(status.next.text.hasPrefix("Read the plan"))
  }

  @Test("the leaked credential is alive until a probe says dead")
  func alive() throws {
    let early = try status(story { $0.kind == .stepDone && $0.step == "disable_old" })
    #expect(early.leaked?.state == .alive)
    #expect(early.leaked?.probed == JournalStory.minute(5.1))
    let later = try status(story { $0.kind == .credentialProbed && CredentialProbed($0.body).state == .dead })
    #expect(later.leaked?.state == .dead)
    #expect(later.leaked?.code == "28P01")
    #expect(later.credentials.first { $0.subject == .replacement }?.state == .alive)
  }

  @Test("a step that waits for approval is the next action, with the digest to approve")
  func waiting() throws {
    let status = try status(story { $0.kind == .stepWaiting })
    #expect(status.waiting.map(\.step) == ["history[0]"])
    #expect(status.currentStep?.state == .waiting)
    #expect(status.next.command == "staunch approve d1gest --step history")
    #expect(status.state == .contained)
  }

  @Test("an approval ends the wait")
  func approved() throws {
    let status = try status(story { $0.kind == .stepIntent && $0.step == "history" })
    #expect(status.waiting.isEmpty)
    #expect(status.currentStep?.label == "history[0]")
    #expect(status.next.command == "staunch resume run-1")
  }

  @Test("a finished run asks for the post-mortem")
  func finished() throws {
    let status = try status(.contained())
    #expect(status.run?.state == .done)
    #expect(status.steps.first { $0.step == "leftovers" }?.state == .skipped)
    #expect(status.next.command == "staunch postmortem draft inc-7f3a91c2")
    #expect(status.currentStep == nil)
  }

  @Test("contained is what the proof says, whatever the journal was told")
  func contained() throws {
    #expect(try status(story { $0.kind == .stepDone && $0.step == "disable_old" }).state == .open)
    #expect(
      try status(story { $0.kind == .credentialProbed && CredentialProbed($0.body).state == .dead }).state
        == .open)
    #expect(
      try status(story { $0.kind == .stepVerified && $0.step == "prove_dead" }).state == .contained)
    var story = JournalStory.contained()
    story.about("inc-7f3a91c2", run: "run-1")
    story.probe(24, .alive, code: "login accepted")
    #expect(try status(story).state == .open)
  }

  @Test("a run that is done while the old credential lives says so before everything else")
  func stillAlive() throws {
    var story = JournalStory.contained()
    story.about("inc-7f3a91c2", run: "run-1")
    story.probe(24, .alive, code: "login accepted")
    story.at(
      25, .message, ["tracker": "security", "message_id": "m2", "state": "dead", "event": "incident.updated"])
    let status = try status(story)
    #expect(status.next.text == "The old credential is still ALIVE. Disable it")
    #expect(status.next.command == "staunch credential disable postgres-training --incident inc-7f3a91c2")
    #expect(status.undelivered.map(\.id) == ["m2"])
  }

  @Test("an undelivered message comes before the report")
  func undelivered() throws {
    var story = JournalStory.contained()
    story.about("inc-7f3a91c2")
    story.at(25, .message, ["tracker": "security", "message_id": "m2", "state": "unknown"])
    #expect(try status(story).next.command == "staunch ticket send")
    story.at(26, .message, ["tracker": "security", "message_id": "m3"])
    #expect(try status(story).undelivered.map(\.state) == ["unknown", "unknown"])
  }

  @Test(
    "what was dropped or replaced by a newer update is not undelivered", arguments: ["today's", "an older"])
  func droppedIsDropped(_ version: String) throws {
    var story = JournalStory.contained()
    story.about("inc-7f3a91c2")
    let say = { (story: inout JournalStory, id: String, number: Int, state: String) in
      story.at(
        25, .message,
        [
          "tracker": "security", "message_id": .string(id), "sequence": .integer(number),
          "state": .string(state),
          "event": "incident.updated",
        ])
    }
    say(&story, "u1", 7, "queued")
    if version == "today's" { say(&story, "u1", 7, "replaced") }
    say(&story, "u2", 7, "queued")
    say(&story, "u2", 7, "sent")
    say(&story, "d", 8, "queued")
    say(&story, "d", 8, "dead")
    #expect(try status(story).undelivered.map(\.id) == ["d"])
    if version == "today's" { say(&story, "d", 8, "dropped") }
    story.at(26, .decision, ["what": "drop message d", "reason": "told by phone", "role": "responder"])
    #expect(try status(story).undelivered.isEmpty)
  }

  @Test("a step that stopped gives its reason and its fix")
  func failed() throws {
    var story = try story { $0.kind == .stepIntent && $0.step == "disable_old" }
    story.about("inc-7f3a91c2", run: "run-1")
    story.at(
      10, .stepFailed,
      [
        "step": "disable_old",
        "error": [
          "class": "refused", "message": "permission denied", "fix": "grant CREATEROLE to the runner",
        ],
      ])
    story.at(10, .runEnded, ["state": "failed"])
    let status = try status(story)
    #expect(
      status.next.text == "Step disable_old stopped: permission denied. Fix: grant CREATEROLE to the runner")
    #expect(status.next.command == "staunch resume run-1")
    #expect(status.currentStep?.elapsed(at: status.now) == .seconds(60))
  }

  @Test("an attempt that another one follows does not make the step a failed one")
  func retried() throws {
    var story = try story { $0.kind == .stepIntent && $0.step == "disable_old" }
    story.about("inc-7f3a91c2", run: "run-1")
    story.at(10, .stepFailed, ["step": "disable_old", "final": false, "error": ["message": "429"]])
    #expect(try status(story).currentStep?.state == .running)
    story.at(11, .stepFailed, ["step": "disable_old", "final": true, "error": ["message": "refused"]])
    #expect(try status(story).currentStep?.state == .failed)
  }

  @Test(
    "what a person is waited for tells the command",
    arguments: [
      ("manual", "staunch done leftovers --item 1 --run run-1"), ("decision", "staunch resume run-1"),
      ("approval", "staunch approve d1gest --step leftovers"),
    ])
  func gates(kind: String, command: String) throws {
    var story = try story { $0.kind == .runStarted }
    story.about("inc-7f3a91c2", run: "run-1")
    story.at(
      6, .stepWaiting, ["step": "leftovers", "item": 1, "for": .string(kind), "prompt": "look at the forks"])
    story.at(6, .runEnded, ["state": "waiting"])
    let status = try status(story)
    #expect(status.run?.state == .waiting)
    #expect(status.waiting.map(\.prompt) == ["look at the forks"])
    #expect(status.next.command == command)
  }

  @Test("a gate that got its yes is not asked about again, until the run has stopped there once more")
  func answeredGate() throws {
    var story = try story { $0.kind == .runStarted }
    story.about("inc-7f3a91c2", run: "run-1")
    story.at(6, .stepWaiting, ["step": "go", "for": "approval", "prompt": "approval by responder"])
    story.at(6, .runEnded, ["state": "waiting"])
    story.at(7, .planApproved, ["digest": "d1gest", "plan": "plan-1", "step": "other", "role": "responder"])
    #expect(try status(story).next.command == "staunch approve d1gest --step go")
    story.at(8, .planApproved, ["digest": "d1gest", "plan": "plan-1", "step": "go", "role": "responder"])
    #expect(try status(story).next.command == "staunch resume run-1")
    #expect(try status(story).waiting.map(\.prompt) == ["it got a yes, and the run has not gone on yet"])
    // It takes a second person: the run stopped at the same gate.
    story.at(9, .runResumed, [:])
    story.at(9, .runEnded, ["state": "waiting"])
    #expect(try status(story).next.command == "staunch approve d1gest --step go")
    #expect(try status(story).waiting.map(\.prompt) == ["approval by responder"])
  }

  @Test("drift stops for a new plan of the same playbook")
  func drift() throws {
    var story = try story { $0.kind == .stepDone && $0.step == "replacement" }
    story.about("inc-7f3a91c2", run: "run-1")
    story.at(7, .driftFound, ["step": "rollout", "what": "number of keys", "expected": 1, "found": 2])
    story.at(7, .runEnded, ["state": "failed"])
    let status = try status(story)
    #expect(status.next.text.contains("number of keys"))
    #expect(status.next.command == "staunch plan inc-7f3a91c2")
  }

  @Test("a drift is not forgotten because the steps of finally ran behind it")
  func driftAndFinally() throws {
    var story = try story { $0.kind == .stepDone && $0.step == "replacement" }
    story.about("inc-7f3a91c2", run: "run-1")
    story.at(7, .driftFound, ["step": "rollout", "what": "number of keys", "expected": 1, "found": 2])
    story.effect(8, step: "postmortem", action: "postmortem.draft")
    story.at(9, .runEnded, ["state": "failed", "drift": true])
    #expect(try status(story).next.command == "staunch plan inc-7f3a91c2")
    // Half-way, it holds what another plan's run would need.
    story.at(6, .lockTaken, ["locks": ["postgres/db/app"]])
    let held = try status(story).next.command
    #expect(held == "staunch abort run-1 --reason \"the world changed\"")
    story.at(10, .lockReleased, ["locks": ["postgres/db/app"]])
    #expect(try status(story).next.command == "staunch plan inc-7f3a91c2")
  }

  @Test("what a later step will find changed does not end a run that waits at its gate")
  func foreseen() throws {
    var story = try story { $0.kind == .runStarted }
    story.about("inc-7f3a91c2", run: "run-1")
    story.at(6, .driftFound, ["step": "push", "what": "refs", "expected": 1, "found": 2, "foreseen": true])
    story.at(6, .stepWaiting, ["step": "go", "for": "approval", "roles": ["duty-officer"]])
    story.at(6, .runEnded, ["state": "waiting"])
    #expect(
      try status(story).next.command == "staunch approve d1gest --step go --role duty-officer")
  }

  @Test("a newer plan waits for a run that holds its targets, and a declined one is planned again")
  func newerPlan() throws {
    var story = try story { $0.kind == .stepDone && $0.step == "replacement" }
    story.about("inc-7f3a91c2", run: "run-1")
    story.at(6, .lockTaken, ["locks": ["postgres/db/app"]])
    story.at(9, .runEnded, ["state": "failed"])
    story.about("inc-7f3a91c2")
    story.at(10, .planSaved, ["plan": "plan-2", "digest": "d2gest", "run": "run-2"])
    #expect(try status(story).next.command == "staunch resume run-1")
    story.about("inc-7f3a91c2", run: "run-1")
    story.at(11, .lockReleased, ["locks": ["postgres/db/app"]])
    #expect(try status(story).next.command == "staunch run plan-2 --live")
    story.about("inc-7f3a91c2", run: "run-2")
    story.at(12, .planDeclined, ["digest": "d2gest", "reason": "not tonight", "role": "responder"])
    let declined = try status(story).next
    #expect(declined.command == "staunch plan inc-7f3a91c2" && declined.text.contains("not tonight"))
  }

  @Test("entries that still hold an old value are named until somebody looked again")
  func stillOld() throws {
    var story = JournalStory.contained()
    story.about("inc-7f3a91c2", run: "run-1")
    story.at(
      24, .stepOutcome,
      [
        "step": "prove_dead", "action": "credential.verify",
        "outputs": ["still_old": ["DATABASE_URL in trainer-env"]],
      ])
    let named = try status(story)
    #expect(named.stillOld == ["DATABASE_URL in trainer-env"])
    #expect(named.next.text.contains("DATABASE_URL in trainer-env"))
    #expect(
      named.next.command == "staunch credential verify postgres-training --incident inc-7f3a91c2")
    story.about("inc-7f3a91c2")
    story.at(
      25, .credentialProbed,
      [
        "credential": "postgres-training", "ref": "postgres-training-leaked", "subject": "leaked",
        "state": "dead", "code": "28P01", "still_old": [],
      ])
    #expect(try status(story).stillOld.isEmpty)
  }

  @Test("a lost outcome that nobody can settle comes before a waiting step")
  func unsettled() throws {
    var story = try story { $0.kind == .stepWaiting }
    story.about("inc-7f3a91c2", run: "run-1")
    story.at(11, .stepIntent, ["step": "tell", "action": "http.request"])
    story.at(12, .stepSettled, ["step": "tell", "settlement": "unknown", "evidence": "the reply was lost"])
    let status = try status(story)
    #expect(status.currentStep?.step == "tell")
    #expect(status.next.text.contains("tell"))
  }

  @Test("a closed incident leaves nothing to do and goes to the end of the list")
  func closed() throws {
    var story = JournalStory.contained()
    story.about("inc-7f3a91c2")
    story.at(30, .incidentState, ["state": "closed", "reason": "reported"])
    story.about("inc-b")
    story.at(31, .incidentOpened, ["severity": "sev4", "detected": "2026-11-24T03:31:00.000Z"])
    story.about("inc-c")
    story.at(32, .incidentOpened, ["severity": "sev1", "detected": "2026-11-24T03:32:00.000Z"])
    let all = IncidentStatus.derive(events: story.events, now: JournalStory.minute(40))
    #expect(all.map(\.id) == ["inc-c", "inc-b", "inc-7f3a91c2"])
    #expect(all.last?.next.command == nil)
  }

  @Test("steps that the plan lists and that did not begin are pending")
  func pending() throws {
    var story = JournalStory()
    story.about("inc-1")
    story.at(0, .incidentOpened, ["detected": "2026-11-24T03:00:00.000Z"])
    story.at(1, .planSaved, ["plan": "p", "digest": "d", "steps": ["replacement", ["step": "prove_dead"]]])
    story.about("inc-1", run: "run-9")
    story.at(2, .runStarted, ["mode": "live"])
    story.effect(3, step: "replacement", action: "credential.issue")
    let states = try status(story).steps.map { "\($0.step) \($0.state)" }
    #expect(states == ["replacement running", "prove_dead pending"])
  }

  @Test("a run whose id or mode says drill is marked")
  func drill() throws {
    #expect(try status(.contained(mode: "drill")).isDrill)
    #expect(try !status(.contained()).isDrill)
  }

  @Test("the JSON holds the members of the contract")
  func contract() throws {
    let document = IncidentStatus.document([try status(.contained(), now: 30)])
    let incident = try #require(document["incidents"]?[0])
    #expect(document["schema"] == 1)
    #expect(incident["id"] == "inc-7f3a91c2")
    #expect(incident["severity"] == "sev2")
    #expect(incident["detected"] == "2026-11-24T03:00:00.000Z")
    #expect(incident["since_detection_ms"] == 1_800_000)
    #expect(incident["credentials"]?[0]?["id"] == "postgres-training")
    #expect(incident["credentials"]?[0]?["state"] == "dead")
    #expect(incident["credentials"]?[0]?["probed"] == "2026-11-24T03:09:42.000Z")
    #expect(incident["step"] == .null)
    #expect(incident["next"]?["command"] == "staunch postmortem draft inc-7f3a91c2")
    #expect(incident["undelivered"] == 0)
    #expect(incident["plan"]?["digest"] == "d1gest")
  }
}
