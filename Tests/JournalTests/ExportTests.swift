import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import Secrets
import Testing

@Suite struct ExportTests {
  private func filled() throws -> (JournalRig, Journal, [String]) {
    let rig = try JournalRig()
    let journal = try rig.open()
    try journal.append(
      .noted, run: "run-1", ["text": "ä\"\\\u{1}", "number": .number(1.5), "list": [1, .null, true]])
    try journal.append(.todo, ["text": "two"])
    try journal.append(.noted, incident: "inc-1", ["text": "three"])
    var lines: [String] = []
    try journal.export { lines.append($0) }
    return (rig, journal, lines)
  }

  @Test func anExportVerifiesElsewhereWithThePublicKeyAlone() throws {
    let (rig, journal, lines) = try filled()
    #expect(lines.count == 5)
    let found = JournalExport.verify(lines, publicKeys: [try rig.state.identity().publicKey])
    #expect(found.problem == nil)
    #expect(found.count == 3)
    #expect(try found.head == journal.head().hash)
  }

  @Test(arguments: [
    ("removed", ChainVerification.Problem.removed(sequence: 2)), ("changed", .changed(sequence: 2)),
    ("swapped", .removed(sequence: 2)), ("cut", .truncated(sequence: 3)),
    ("headless", .unsigned(sequence: 1)),
  ]) func aChangedExportIsFound(_ how: String, _ problem: ChainVerification.Problem) throws {
    var (rig, _, lines) = try filled()
    switch how {
    case "removed": lines.remove(at: 2)
    case "changed": lines[2] = lines[2].replacingOccurrences(of: "two", with: "2")
    case "swapped": lines.swapAt(2, 3)
    case "cut": lines.remove(at: 3)
    default: lines.removeLast()
    }
    let found = JournalExport.verify(lines, publicKeys: [try rig.state.identity().publicKey])
    #expect(found.problem == problem)
  }

  @Test func anotherKeyDoesNotVerify() throws {
    let (_, _, lines) = try filled()
    let found = JournalExport.verify(lines, publicKeys: [LocalIdentity().publicKey])
    guard case .badSignature = found.problem else {
      Issue.record("\(String(describing: found.problem))")
      return
    }
  }

  @Test func retentionKeepsOpenIncidentsAndTheChainProvable() throws {
    let rig = try JournalRig()
    let days = Date(timeIntervalSince1970: 1_795_489_200)
    let journal = try rig.open(JournalSettings(now: { days }))
    func at(_ day: Double) -> Date { days.addingTimeInterval(day * 86_400) }
    try journal.append([
      NewEvent(.incidentOpened, incident: "inc-1", ["kind": "x"], at: at(0)),
      NewEvent(.incidentState, incident: "inc-1", ["state": "closed"], at: at(1)),
      NewEvent(.incidentOpened, incident: "inc-2", ["kind": "x"], at: at(2)),
      NewEvent(.noted, ["text": "late"], at: at(300)),
    ])
    #expect(try journal.prune(before: at(200)) == 2)
    #expect(try journal.events().map(\.sequence) == [3, 4])
    #expect(try journal.verify().problem == nil)
    #expect(try journal.prune(before: at(200)) == 0)
    try journal.append(.noted, ["text": "goes on"])
    #expect(try journal.verify().problem == nil)
    var lines: [String] = []
    try journal.export { lines.append($0) }
    #expect(JournalExport.verify(lines, publicKeys: [try rig.state.identity().publicKey]).problem == nil)
    try journal.close()
    try rig.tamper("DELETE FROM events WHERE seq = 3")
    #expect(try rig.open().verify().problem == .removed(sequence: 3))
  }

  @Test(arguments: [
    ("waiting", 0), ("failed and locked", 0), ("failed, then resumed", 0), ("failed", 4), ("done", 4),
  ])
  func `Retention keeps a run that may go on`(_ story: String, _ removed: Int) throws {
    let rig = try JournalRig()
    let start = Date(timeIntervalSince1970: 1_795_489_200)
    let journal = try rig.open(JournalSettings(now: { start }))
    let tenure = Tenure(run: "run-1", owner: LockOwner.current)
    func event(_ kind: EventKind, _ body: JSONValue) -> NewEvent {
      NewEvent(kind, run: "run-1", body, at: start)
    }
    _ = try journal.takeLocks(
      ["shop"], for: tenure, incident: nil, with: [event(.runStarted, ["mode": "live"])])
    let state = story == "done" ? "done" : story == "waiting" ? "waiting" : "failed"
    _ = try journal.leave(
      tenure, incident: nil, releasing: story != "failed and locked",
      with: [event(.runEnded, ["state": .string(state)])])
    if story == "failed, then resumed" { try journal.append([event(.runResumed, ["reason": "again"])]) }
    try journal.append([NewEvent(.noted, ["text": "late"], at: start.addingTimeInterval(300 * 86_400))])
    #expect(try journal.prune(before: start.addingTimeInterval(200 * 86_400)) == removed, "\(story)")
    #expect(try journal.verify().problem == nil)
  }
}
