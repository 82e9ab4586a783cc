import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import Synchronization
import TestSupport
import Testing

/// The head that a message carried into a ticket tells what a copy of the whole state directory has lost.
@Suite struct TicketHeadsTests {
  private static func message(_ id: String) -> TicketMessage {
    TicketMessage(
      id: id, incident: "inc-1", event: .updated, sequence: 1, title: "t", body: "b", severity: .sev2,
      isDrill: false, at: Date(timeIntervalSince1970: 1_800_000_000))
  }

  /// A head as it stands in a ticket, of the journal as it is now.
  private static func post(_ journal: Journal, _ id: String) throws -> PostedHead {
    _ = try journal.enqueue(message(id), to: "gh")
    _ = try journal.claimMessage(.message(id))
    let sent = try journal.settle(id, as: .sent, remote: TicketRef(id: "12", url: nil))
    return PostedHead(try #require(sent.message.head), in: "acme/incidents#12")
  }

  private final class Clock: Sendable {
    private let seconds = Mutex(1_800_000_000.0)
    /// A second later each time.
    var now: Date {
      seconds.withLock {
        $0 += 1
        return Date(timeIntervalSince1970: $0)
      }
    }
  }

  private static func open(_ rig: JournalRig, _ clock: Clock, accepting reason: String? = nil) throws
    -> Journal
  {
    try Journal.open(
      path: rig.path, keys: try rig.state.keys(), settings: JournalSettings(now: { clock.now }),
      acceptingBecause: reason)
  }

  /// With modes and times, as a backup does.
  private static func copy(_ rig: JournalRig) async throws -> String {
    let copy = "copy-\(UUID().uuidString)"
    try await Program.run(["cp", "-a", rig.state.path, copy], in: rig.directory.path)
    return copy
  }

  private static func replace(_ rig: JournalRig, by copy: String) async throws {
    try await Program.run(["rm", "-r", rig.state.path], in: rig.directory.path)
    try await Program.run(["cp", "-a", copy, rig.state.path], in: rig.directory.path)
  }

  @Test func `An older copy of the whole state directory is not the state that was left`() async throws {
    let (rig, clock) = (try JournalRig(), Clock())
    var journal = try Self.open(rig, clock)
    try journal.append(.incidentOpened, incident: "inc-1", ["kind": "x"])
    var posted = [try Self.post(journal, "m1")]
    try journal.close()
    let copy = try await Self.copy(rig)
    journal = try Self.open(rig, clock)
    try journal.append(.noted, ["text": "a rotation happened"])
    posted.append(try Self.post(journal, "m2"))
    #expect(try journal.compare(posted, isDisputed: true) == TicketHeads(held: 2))
    try journal.close()
    try await Self.replace(rig, by: copy)

    // The copy agrees with itself, key, signed head and journal.head included.
    journal = try Self.open(rig, clock)
    #expect(try journal.difference() == nil)
    let found = try journal.compare(posted, isDisputed: true)
    #expect(
      found.missing == .ticket(place: "acme/incidents#12", sequence: try #require(posted.last).head.sequence))
    #expect(found.held == 1)
    // What goes on in the same process does not cover it up.
    for number in 1...10 { try journal.append(.noted, ["text": .string("\(number)")]) }
    try journal.close()
    let error = #expect(throws: JournalError.self) { try Self.open(rig, clock) }
    #expect(error?.code == .altered)
    #expect(error?.because.contains("acme/incidents#12") == true)
    #expect(error?.fix?.contains("staunch journal accept") == true)
  }

  @Test func `The right state directory put back is the one that was left`() async throws {
    let (rig, clock) = (try JournalRig(), Clock())
    var journal = try Self.open(rig, clock)
    try journal.append(.incidentOpened, incident: "inc-1", ["kind": "x"])
    try journal.close()
    let copy = try await Self.copy(rig)
    journal = try Self.open(rig, clock)
    let posted = try Self.post(journal, "m1")
    try journal.append(.noted, ["text": "later"])
    let after = try Self.post(journal, "m2")
    try journal.close()
    let right = try await Self.copy(rig)
    try await Self.replace(rig, by: copy)
    journal = try Self.open(rig, clock)
    #expect(try journal.compare([posted, after], isDisputed: true).missing != nil)
    try journal.close()
    let noted = try Data(contentsOf: URL(fileURLWithPath: rig.state.path + "/journal.head"))
    try await Self.replace(rig, by: right)
    // Somebody put the database alone back.
    try noted.write(to: URL(fileURLWithPath: rig.state.path + "/journal.head"))
    #expect(try Self.open(rig, clock).difference() == nil)
  }

  @Test func `A person's word covers what was posted before it, and nothing that is lost later`() async throws
  {
    let (rig, clock) = (try JournalRig(), Clock())
    var journal = try Self.open(rig, clock)
    try journal.append(.incidentOpened, incident: "inc-1", ["kind": "x"])
    try journal.close()
    let first = try await Self.copy(rig)
    journal = try Self.open(rig, clock)
    try journal.append(.noted, ["text": "lost"])
    var posted = [try Self.post(journal, "m1")]
    try journal.close()
    try await Self.replace(rig, by: first)
    journal = try Self.open(rig, clock)
    #expect(try journal.compare(posted, isDisputed: true).missing != nil)
    try journal.close()

    journal = try Self.open(rig, clock, accepting: "the disk died")
    #expect(try journal.compare(posted, isDisputed: true) == TicketHeads(older: 1))
    try journal.close()
    let second = try await Self.copy(rig)
    journal = try Self.open(rig, clock)
    posted.append(try Self.post(journal, "m2"))
    try journal.append(.noted, ["text": "lost too"])
    posted.append(try Self.post(journal, "m3"))
    try journal.close()
    try await Self.replace(rig, by: second)
    journal = try Self.open(rig, clock)
    #expect(
      try journal.compare(posted, isDisputed: true).missing
        == .ticket(place: "acme/incidents#12", sequence: posted[2].head.sequence))
  }

  @Test func `A head that somebody else wrote into the ticket stops nothing`() throws {
    let (rig, clock) = (try JournalRig(), Clock())
    let journal = try Self.open(rig, clock)
    try journal.append(.incidentOpened, incident: "inc-1", ["kind": "x"])
    let own = try Self.post(journal, "m1").head
    let stranger = try JournalHead(
      journal: own.journal, sequence: 999, hash: own.hash, at: clock.now, by: LocalIdentity())
    let changed = try #require(
      JournalHead(text: own.text.replacingOccurrences(of: " \(own.sequence) ", with: " 998 ")))
    let found = try journal.compare(
      [stranger, changed].map { PostedHead($0, in: "acme/incidents#12") }, isDisputed: true)
    #expect(found == TicketHeads(held: 0, foreign: 2))
    try journal.close()
    _ = try Self.open(rig, clock)
  }

  @Test func `What retention has removed is not missing`() throws {
    let (rig, clock) = (try JournalRig(), Clock())
    let journal = try Self.open(rig, clock)
    try journal.append(.incidentOpened, incident: "inc-1", ["kind": "x"])
    let posted = try Self.post(journal, "m1")
    try journal.append(.incidentState, incident: "inc-1", ["state": "closed", "reason": "x"])
    #expect(try journal.prune(before: clock.now) > 0)
    try journal.append(.noted, ["text": "goes on"])
    let found = try journal.compare([posted], isDisputed: true)
    #expect(found.missing == nil)
    #expect(found.held + found.older == 1 && found.foreign == 0)
  }

  @Test func `A message of an earlier version carries no head and is read all the same`() throws {
    let text = """
      {"at":"2026-11-30T00:00:00Z","body":"b","event":"incident.updated","id":"m","incident":"inc-1","isDrill":false,
      "sequence":1,"severity":"sev2","title":"t"}
      """
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    let message = try decoder.decode(TicketMessage.self, from: Data(text.utf8))
    #expect(message.head == nil && message.ticket == nil)
  }
}
