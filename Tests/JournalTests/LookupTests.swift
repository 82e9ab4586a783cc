import Capabilities
import Chronicle
import Foundation
import GRDB
import Incidents
import JSON
import Journal
import Testing

/// What is asked for every plan and every message is answered from what it names, however much else the journal holds.
@Suite struct LookupTests {
  private func opened(_ id: IncidentID) -> NewEvent {
    NewEvent(.incidentOpened, incident: id, ["kind": "postgres-uri", "codename": .string("c \(id)")])
  }

  private func plan(_ id: PlanID, _ digest: String, run: RunID, incident: IncidentID? = nil, at: Int = 0)
    -> SavedPlan
  {
    SavedPlan(
      id: id, digest: PlanDigest(digest), incident: incident,
      created: Date(timeIntervalSince1970: 1_795_000_000 + Double(at)),
      document: ["run": .string(run.rawValue)])
  }

  /// Every other event is no JSON: whoever reads one of them fails.
  @Test func `An incident's record is read without the events of any other`() throws {
    let rig = try JournalRig()
    do {
      let journal = try rig.open()
      try journal.append((0..<2_000).map { opened(IncidentID("inc-\($0)")) })
      try journal.append([
        opened("early"), opened("late"),
        NewEvent(.incidentUpdated, incident: "early", ["merged": ["late"]]),
        NewEvent(.noted, incident: "late", ["text": "about a part of it"]),
      ])
      try journal.close()
    }
    try rig.tamper("UPDATE events SET body = 'not read' WHERE incident NOT IN ('early', 'late')")
    let journal = try Journal.openReading(path: rig.path)
    for name in ["early", "late"] as [IncidentID] {
      let record = try journal.record(of: name)
      #expect(record.id == "early")
      #expect(record.events.map(\.kind) == [.incidentOpened, .incidentOpened, .incidentUpdated, .noted])
    }
    #expect(try journal.record(of: "nobody").events.isEmpty)
    #expect(throws: JournalError.self) { try journal.events() }
  }

  /// Whoever can write the file can write the list of incidents, too.
  @Test(arguments: [
    "UPDATE incidents SET owner = 'inc-1' WHERE id = 'inc-2'",
    "UPDATE incidents SET owner = id WHERE id = 'inc-3'",
    "DELETE FROM incidents WHERE id = 'inc-3'",
  ])
  func `A list that says something else about an incident than its events is not believed`(_ change: String)
    throws
  {
    let rig = try JournalRig()
    try rig.open().append([
      opened("inc-1"), opened("inc-2"), opened("inc-3"),
      NewEvent(.incidentUpdated, incident: "inc-1", ["merged": ["inc-3"]]),
    ])
    try rig.tamper(change)
    let record = try Journal.openReading(path: rig.path).record(of: "inc-1")
    #expect(record.id == "inc-1")
    #expect(record.events.map(\.incident) == ["inc-1", "inc-3", "inc-1"])
  }

  @Test func `A plan is found by its id, by the first digits of its digest, and by its run`() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    try journal.save(plan("plan-1", "abcdef0123", run: "run-1"), with: [])
    try journal.save(plan("plan-2", "abcdef9876", run: "run-2"), with: [])
    try journal.save(plan("plan-3", "fedcba0000", run: "run-3"), with: [])
    #expect(try journal.plan("plan-2").id == "plan-2")
    #expect(try journal.plan("fedcba").id == "plan-3")
    #expect(try journal.plan("abcdef01").id == "plan-1")
    #expect(try journal.plan("abcdef9876").id == "plan-2")
    for (name, code) in [
      ("abcdef", JournalError.Code.invalid), ("fedcb", .notFound), ("fedcbaff", .notFound),
    ] {
      let found = #expect(throws: JournalError.self) { try journal.plan(name) }
      #expect(found?.code == code)
    }
    #expect(try journal.plan(of: "run-1") == nil, "nobody has said yes to it")
    try journal.append(.planApproved, run: "run-1", ["plan": "plan-1", "digest": "abcdef0123"])
    try journal.append(.runStarted, run: "run-2", ["plan": "plan-2", "mode": "live"])
    // Another run's word about the plan does not make it that run's.
    try journal.append(.runStarted, run: "run-4", ["plan": "plan-3", "mode": "live"])
    #expect(try journal.plan(of: "run-1")?.id == "plan-1")
    #expect(try journal.plan(of: "run-2")?.id == "plan-2")
    #expect(try journal.plan(of: "run-4") == nil)
  }

  @Test func `An incident's plans come newest first, and no other's`() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    try journal.save(plan("plan-1", "aaaaaa1", run: "run-1", incident: "inc-1", at: 1), with: [])
    try journal.save(plan("plan-2", "aaaaaa2", run: "run-2", incident: "inc-2", at: 2), with: [])
    try journal.save(plan("plan-3", "aaaaaa3", run: "run-3", incident: "inc-1", at: 3), with: [])
    try journal.save(plan("plan-4", "aaaaaa4", run: "run-4"), with: [])
    #expect(try journal.plans(incident: "inc-1").map(\.id) == ["plan-3", "plan-1"])
    #expect(try journal.plans().count == 4)
  }

  @Test func `The outbox says what is due and how much stands where without being read whole`() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    #expect(try journal.nextDelivery() == nil)
    let at = Date(timeIntervalSince1970: 1_796_000_000)
    for number in 1...4 {
      _ = try journal.enqueue(
        TicketMessage(
          id: "m\(number)", incident: IncidentID("inc-\(number)"), event: .opened, sequence: 0, title: "t",
          body: "b", severity: .sev2, isDrill: false, at: at), to: "security")
    }
    for (id, state) in [("m1", OutboxEntry.State.pending), ("m2", .unknown), ("m3", .dead), ("m4", .sent)] {
      _ = try journal.claimMessage(.message(id))
      _ = try journal.settle(
        id, as: state, remote: nil, reason: nil, next: state == .pending ? at + 60 : at + 30)
    }
    #expect(try journal.nextDelivery() == at + 30)
    _ = try journal.settle("m3", as: .dropped, remote: nil, reason: "not needed", next: nil)
    #expect(try journal.outboxCounts() == [.pending: 1, .unknown: 1, .dropped: 1, .sent: 1])
    #expect(try journal.outboxEntry("m4")?.state == .sent)
    #expect(try journal.outboxEntry("m5") == nil)
    #expect(try journal.outbox(last: 2).map(\.message.id) == ["m3", "m4"])
    #expect(try journal.outbox(incident: "inc-1", undelivered: true).map(\.message.id) == ["m1"])
    #expect(try journal.outbox(undelivered: true).map(\.message.id) == ["m1", "m2"])
  }

  @Test func `What the worker says of a run is never replaced by a later update`() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    for id in ["places-1", "places-2", OutboxEntry.lasting + "run-1", "places-3", "places-4"] {
      _ = try journal.enqueue(
        TicketMessage(
          id: id, incident: "inc-1", event: .updated, sequence: 0, title: "t", body: "b", severity: .sev2,
          isDrill: false, at: Date(timeIntervalSince1970: 1_796_000_000)), to: "security")
    }
    #expect(
      try journal.outbox().map(\.message.id) == ["places-2", OutboxEntry.lasting + "run-1", "places-4"])
  }

  @Test func `Trackers with something to send are those from which a message can be taken`() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    let at = Date(timeIntervalSince1970: 1_796_000_000)
    func enqueue(_ id: String, _ tracker: TrackerName) throws {
      _ = try journal.enqueue(
        TicketMessage(
          id: id, incident: "inc-1", event: .opened, sequence: 0, title: "t", body: "b", severity: .sev2,
          isDrill: false, at: at), to: tracker)
    }
    try enqueue("a1", "a")
    try enqueue("a2", "a")
    try enqueue("b1", "b")
    #expect(try journal.trackersWithDueMessages() == ["a", "b"])
    _ = try journal.claimMessage(.message("a1"))
    #expect(try journal.trackersWithDueMessages() == ["b"], "a2 waits behind a1, which is being sent")
    _ = try journal.settle("a1", as: .pending, reason: "503", next: Date(timeIntervalSinceNow: 86_400))
    #expect(try journal.trackersWithDueMessages() == ["b"])
    _ = try journal.settle("a1", as: .sent)
    #expect(try journal.trackersWithDueMessages() == ["a", "b"])
  }
}
