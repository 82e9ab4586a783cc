import Capabilities
import Chronicle
import Foundation
import GRDB
import Incidents
import JSON
import Journal
import Testing

@Suite struct IncidentListTests {
  /// The same numbers for the same seed everywhere.
  private struct Numbers: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state ^= state >> 12
      state ^= state << 25
      state ^= state >> 27
      return state &* 0x2545_F491_4F6C_DD1D
    }
  }

  private func opened(_ id: IncidentID, severity: String?, detected: Int) -> NewEvent {
    var body: [String: JSONValue] = [
      "kind": "postgres-uri", "codename": .string("c \(id)"),
      "detected": .string(Timestamp.text(Date(timeIntervalSince1970: 1_795_000_000 + Double(detected)))),
    ]
    body["severity"] = severity.map { .string($0) }
    return NewEvent(.incidentOpened, incident: id, .object(body))
  }

  /// Openings, severities that change, closings, reopenings, merges of what is open, gone, closed or was never opened.
  private func random(_ numbers: inout Numbers) -> NewEvent {
    let ids = (0..<12).map { IncidentID("inc-\($0)") }
    let id = ids.randomElement(using: &numbers) ?? ids[0]
    let severities: [String?] = [nil, "sev1", "sev2", "sev3", "sev4", "unheard of"]
    let severity = severities.randomElement(using: &numbers) ?? nil
    switch Int.random(in: 0..<10, using: &numbers) {
    case 0...3: return opened(id, severity: severity, detected: .random(in: 0..<4, using: &numbers))
    case 4, 5:
      return NewEvent(
        .incidentUpdated, incident: id, severity.map { ["severity": .string($0)] } ?? ["occurrences": 2])
    case 6:
      let others = (0..<2).compactMap { _ in ids.randomElement(using: &numbers) }
      return NewEvent(
        .incidentUpdated, incident: id, ["merged": .array(others.map { .string($0.rawValue) })])
    case 7: return NewEvent(.incidentState, incident: id, ["state": "open"])
    default: return NewEvent(.incidentState, incident: id, ["state": "closed"])
    }
  }

  @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
  func `The list says after every append what all events say`(seed: UInt64) throws {
    var numbers = Numbers(state: seed &* 0x9E37_79B9_7F4A_7C15)
    let rig = try JournalRig()
    let journal = try rig.open()
    for _ in 0..<40 {
      try journal.append((0..<Int.random(in: 1...3, using: &numbers)).map { _ in random(&numbers) })
      let now = Date(timeIntervalSince1970: 1_796_000_000)
      let all = IncidentStatus.derive(events: try journal.events(), now: now)
      let open = all.filter { $0.state != .closed }
      let overview = try #require(try journal.overview(first: 100))
      #expect(overview.urgent.map(\.id) == open.map(\.id))
      #expect(overview.urgent.map { IncidentStatus(of: $0, now: now) } == open)
      #expect(overview.open == open.count && overview.closed == all.count - open.count)
      #expect(try journal.listProblem() == nil)
    }
  }

  /// Every other event is no JSON: whoever reads one of them fails.
  @Test func `Of 20,000 open incidents only the events of those that are shown are read`() throws {
    let rig = try JournalRig()
    do {
      let journal = try rig.open()
      for part in 0..<20 {
        try journal.append(
          groups: [
            (
              (0..<1_000).map { number in
                opened(IncidentID("inc-\(part)-\(number)"), severity: "sev3", detected: part * 1_000 + number)
              }, nil
            )
          ])
      }
      try journal.append([opened("late", severity: "sev1", detected: 99_999)])
      try journal.close()
    }
    try rig.tamper(
      "UPDATE events SET body = 'not read' WHERE incident NOT IN ('late', 'inc-0-0', 'inc-0-1', 'inc-0-2')")
    let journal = try Journal.openReading(path: rig.path)
    let overview = try #require(try journal.overview(first: 4))
    #expect(overview.urgent.map(\.id) == ["late", "inc-0-0", "inc-0-1", "inc-0-2"])
    #expect(overview.urgent.map(\.events.count) == [1, 1, 1, 1])
    #expect(overview.open == 20_001 && overview.closed == 0)
    #expect(throws: JournalError.self) { try journal.events() }
  }

  @Test func `Events of a run that name no incident belong to the one that the run is for`() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    try journal.append([
      opened("inc-1", severity: "sev2", detected: 0), opened("inc-2", severity: "sev2", detected: 1),
      NewEvent(.runStarted, run: "run-1", incident: "inc-1", ["mode": "live"]),
      NewEvent(.stepDone, run: "run-1", ["step": "one"]),
      NewEvent(.noted, run: "run-1", incident: "inc-2", ["text": "about the other"]),
    ])
    let overview = try #require(try journal.overview(first: 2))
    #expect(
      overview.urgent
        == IncidentRecord.all(in: try journal.events()).map { record in
          IncidentRecord(of: record.id, in: record.events)
        })
    #expect(overview.urgent.map(\.events.count) == [3, 2])
  }

  @Test func `A list that another program did not follow is not believed, and is made anew`() throws {
    let rig = try JournalRig()
    try rig.open().append([opened("inc-1", severity: "sev2", detected: 0)])
    // As a program that knows of no list signs the head.
    try rig.tamper("UPDATE head SET listed = NULL")
    #expect(try Journal.openReading(path: rig.path).overview(first: 5) == nil)
    try rig.open().close()
    #expect(try Journal.openReading(path: rig.path).overview(first: 5)?.open == 1)
    try rig.tamper("UPDATE head SET listed = 0")
    #expect(try Journal.openReading(path: rig.path).overview(first: 5) == nil)
    let journal = try rig.open()
    try journal.append([opened("inc-2", severity: "sev2", detected: 0)])
    #expect(try journal.overview(first: 5)?.open == 2)
  }

  @Test func `An incident taken out of the list is still shown, and verify names a list that was changed`()
    throws
  {
    let rig = try JournalRig()
    try rig.open().append([
      opened("inc-1", severity: "sev2", detected: 0), opened("inc-2", severity: "sev2", detected: 0),
    ])
    try rig.tamper("UPDATE incidents SET is_closed = 1 WHERE id = 'inc-1'")
    #expect(try rig.open().verify().problem == .otherList)
    do {
      let accepted = try Journal.open(
        path: rig.path, keys: rig.state.keys(), acceptingBecause: "looked at it")
      #expect(try accepted.verify().problem == nil)
      #expect(try accepted.overview(first: 5)?.open == 2)
      #expect(try accepted.events().last?.body["found"]?.string?.contains("list of incidents") == true)
    }
    try rig.tamper("DELETE FROM incidents WHERE id = 'inc-1'")
    #expect(try Journal.openReading(path: rig.path).overview(first: 5) == nil)
  }

  @Test func `What retention removed is gone from the list`() throws {
    let rig = try JournalRig()
    let old = Date(timeIntervalSince1970: 1_700_000_000)
    let journal = try rig.open()
    var gone = opened("inc-1", severity: "sev2", detected: 0)
    gone.at = old
    try journal.append([gone, NewEvent(.incidentState, incident: "inc-1", ["state": "closed"], at: old)])
    try journal.append([opened("inc-2", severity: "sev2", detected: 0)])
    #expect(try journal.prune(before: old.addingTimeInterval(1)) == 2)
    let overview = try #require(try journal.overview(first: 5))
    #expect(overview.urgent.map(\.id) == ["inc-2"] && overview.closed == 0)
    #expect(try journal.verify().problem == nil)
  }
}
