import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import Synchronization
import Testing

@Suite struct OutboxTests {
  private func message(_ id: String, _ event: TicketMessage.Event, incident: IncidentID = "inc-1")
    -> TicketMessage
  {
    TicketMessage(
      id: id, incident: incident, event: event, sequence: 0, title: "Task", body: "b", severity: .sev2,
      isDrill: false, at: Date(timeIntervalSince1970: 1_795_489_200))
  }

  @Test func messagesOfOneIncidentGoOutInOrderAndNeverPastAnUndeliveredOne() throws {
    let rig = try JournalRig()
    defer { withExtendedLifetime(rig) {} }
    let journal = try rig.open()
    _ = try journal.enqueue(message("m1", .opened), to: "security")
    _ = try journal.enqueue(message("m2", .contained), to: "security")
    _ = try journal.enqueue(message("x1", .opened, incident: "inc-2"), to: "security")
    #expect(try journal.claimMessage()?.message.id == "m1")
    #expect(try journal.claimMessage()?.message.id == "x1")
    #expect(try journal.claimMessage() == nil, "m2 waits for m1")
    _ = try journal.settle("m1", as: .sent, remote: TicketRef(id: "T-1", url: nil))
    #expect(try journal.claimMessage()?.message.id == "m2")
    #expect(try journal.ticket(of: "inc-1", at: "security")?.id == "T-1")
  }

  @Test func aNewerStatusUpdateReplacesOneThatNobodySentButNothingElseIsReplaced() throws {
    let rig = try JournalRig()
    defer { withExtendedLifetime(rig) {} }
    let journal = try rig.open()
    for (id, event) in [
      ("o", TicketMessage.Event.opened), ("u1", .updated), ("u2", .updated), ("c", .closed), ("u3", .updated),
    ] { _ = try journal.enqueue(message(id, event), to: "security") }
    #expect(try journal.outbox().map(\.message.id) == ["o", "u2", "c", "u3"])
    #expect(try journal.outbox().map(\.message.sequence) == [1, 2, 3, 4])
  }

  @Test func theSameMessageIsQueuedOnce() throws {
    let rig = try JournalRig()
    defer { withExtendedLifetime(rig) {} }
    let journal = try rig.open()
    _ = try journal.enqueue(message("m1", .opened), to: "security")
    _ = try journal.enqueue(message("m1", .opened), to: "security")
    #expect(try journal.outbox().count == 1)
    #expect(try journal.events(kinds: [.message]).count == 1)
  }

  @Test func afterACrashWhatWasBeingSentIsUnknownAndComesBackAsSuch() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    _ = try journal.enqueue(message("m1", .opened), to: "security")
    _ = try journal.claimMessage()
    try journal.close()
    let later = try rig.open()
    try later.recoverOutbox()
    #expect(try later.claimMessage()?.state == .unknown)
  }

  @Test func aFailedMessageWaitsForItsTimeAndADeadOneLetsTheNextPass() throws {
    let now = Mutex(Date(timeIntervalSince1970: 1_795_489_200))
    let rig = try JournalRig()
    defer { withExtendedLifetime(rig) {} }
    let journal = try rig.open(JournalSettings(now: { now.withLock { $0 } }))
    _ = try journal.enqueue(message("m1", .opened), to: "security")
    _ = try journal.enqueue(message("m2", .closed), to: "security")
    _ = try journal.claimMessage()
    _ = try journal.settle("m1", as: .pending, reason: "503", next: now.withLock { $0 + 30 })
    #expect(try journal.claimMessage() == nil)
    now.withLock { $0 += 31 }
    #expect(try journal.claimMessage()?.attempts == 1)
    _ = try journal.settle("m1", as: .dead, reason: "refused")
    #expect(try journal.claimMessage()?.message.id == "m2")
    #expect(try journal.outbox(undelivered: true).count == 2)
  }

  @Test func `what was dropped is no longer undelivered, and lets the next pass`() throws {
    let rig = try JournalRig()
    defer { withExtendedLifetime(rig) {} }
    let journal = try rig.open()
    _ = try journal.enqueue(message("m1", .opened), to: "security")
    _ = try journal.enqueue(message("m2", .closed), to: "security")
    #expect(try journal.settle("m1", as: .dropped, reason: "told by phone").state == .dropped)
    #expect(try journal.outbox(undelivered: true).map(\.message.id) == ["m2"])
    try journal.makeDue()
    #expect(try journal.claimMessage()?.message.id == "m2")
    #expect(try journal.outbox().map(\.state) == [.dropped, .inflight])
    #expect(try journal.events(kinds: [.message]).contains { $0.body["state"] == "dropped" })
  }

  @Test func `a round takes only what its scope and its trackers let it`() throws {
    let rig = try JournalRig()
    defer { withExtendedLifetime(rig) {} }
    let journal = try rig.open()
    _ = try journal.enqueue(message("m1", .opened), to: "security")
    _ = try journal.enqueue(message("m2", .contained), to: "security")
    _ = try journal.enqueue(message("x1", .opened, incident: "inc-2"), to: "security")
    _ = try journal.enqueue(message("x2", .opened, incident: "inc-2"), to: "chat")
    #expect(try journal.claimMessage(.message("m2")) == nil, "m1 comes first")
    #expect(try journal.claimMessage(.incident("inc-2"), passingOver: ["security"])?.message.id == "x2")
    #expect(try journal.claimMessage(.message("m1"))?.message.id == "m1")
    #expect(try journal.claimMessage(passingOver: ["security"]) == nil)
    #expect(try journal.claimMessage()?.message.id == "x1")
  }

  @Test func `a message whose sender is gone is looked up after five minutes, without a worker`() throws {
    let now = Mutex(Date(timeIntervalSince1970: 1_795_489_200))
    let rig = try JournalRig()
    defer { withExtendedLifetime(rig) {} }
    let journal = try rig.open(JournalSettings(now: { now.withLock { $0 } }))
    _ = try journal.enqueue(message("m1", .opened), to: "security")
    #expect(try journal.claimMessage()?.state == .pending)
    now.withLock { $0 += 299 }
    #expect(try journal.claimMessage() == nil, "its sender may still be at work")
    now.withLock { $0 += 2 }
    #expect(try journal.claimMessage()?.state == .inflight)
  }

  @Test func `a person's word makes due what waits and what was given up`() throws {
    let now = Mutex(Date(timeIntervalSince1970: 1_795_489_200))
    let rig = try JournalRig()
    defer { withExtendedLifetime(rig) {} }
    let journal = try rig.open(JournalSettings(now: { now.withLock { $0 } }))
    for (id, incident) in [("a", "inc-1"), ("b", "inc-2"), ("c", "inc-3")] {
      _ = try journal.enqueue(message(id, .opened, incident: IncidentID(incident)), to: "security")
      _ = try journal.claimMessage()
    }
    _ = try journal.settle("a", as: .pending, reason: "503", next: now.withLock { $0 + 3600 })
    _ = try journal.settle("b", as: .dead, reason: "410")
    _ = try journal.settle("c", as: .sent)
    #expect(try journal.claimMessage() == nil)
    try journal.makeDue(["b"])
    #expect(try journal.claimMessage()?.message.id == "b")
    try journal.makeDue()
    #expect(try journal.claimMessage()?.message.id == "a")
    #expect(try journal.claimMessage() == nil)
  }

  @Test func `an update that is replaced says so in the journal`() throws {
    let rig = try JournalRig()
    defer { withExtendedLifetime(rig) {} }
    let journal = try rig.open()
    _ = try journal.enqueue(message("u1", .updated), to: "security")
    _ = try journal.enqueue(message("u2", .updated), to: "security")
    let states = try journal.events(kinds: [.message]).map {
      "\($0.body["message_id"]?.string ?? "") \($0.body["state"]?.string ?? "")"
    }
    #expect(states == ["u1 queued", "u1 replaced", "u2 queued"])
  }
}
