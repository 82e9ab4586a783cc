import Capabilities
import Foundation
import GRDB
import Incidents
import JSON
import Journal
import Secrets
import TestSupport
import Testing

/// A state that is not the one that was left stops every write until a person decides.
@Suite struct LeftStateTests {
  /// A journal with five events of an incident, closed; then `damage`.
  private func rig(_ damage: (JournalRig) throws -> Void) throws -> JournalRig {
    let rig = try JournalRig()
    // As `respond` does: the key that names the secret, then the journal that holds the name.
    _ = try rig.state.fingerprintKey()
    let journal = try rig.open()
    try journal.append(.incidentOpened, incident: "inc-1", ["kind": "x"])
    try journal.seal(["leaked": Secret("value-of-the-leak")], under: .incident("inc-1"), purpose: "leaked")
    for number in 1...3 { try journal.append(.noted, run: "run-1", ["text": .string("\(number)")]) }
    try journal.close()
    try damage(rig)
    return rig
  }

  private func refusal(_ body: () throws -> Void) -> JournalError? {
    do {
      try body()
      return nil
    } catch { return error as? JournalError }
  }

  private static func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: path) }

  private static func removeDatabase(_ rig: JournalRig) throws {
    for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: rig.path + suffix) {
      try remove(rig.path + suffix)
    }
  }

  @Test(arguments: [
    "DELETE FROM events WHERE seq = 5",
    // Its signed head of that time came along.
    "DELETE FROM events WHERE seq > 3; UPDATE head SET seq = 3, hash = (SELECT hash FROM events WHERE seq = 3)",
    "DELETE FROM head",
    "UPDATE events SET hash = prev WHERE seq = 5",
  ]) func `A run does not go on and sign again over events that were cut off`(_ sql: String) throws {
    let rig = try rig { try $0.tamper(sql) }
    let head = try #require(try rows(rig, "SELECT count(*), max(seq) FROM events"))
    let found = refusal { try rig.open().append(.noted, ["text": "goes on"]) }
    #expect(found?.code == .altered)
    #expect(found?.fix?.contains("staunch journal accept") == true)
    #expect(try rows(rig, "SELECT count(*), max(seq) FROM events") == head)
    #expect(try rig.state.journalForReading()?.difference() != nil)
  }

  private func rows(_ rig: JournalRig, _ sql: String) throws -> Row? {
    try DatabaseQueue(path: rig.path).read { db in try Row.fetchOne(db, sql: sql) }
  }

  @Test func `An older copy is not taken for the journal that was left`() throws {
    let rig = try rig { _ in }
    let copy = rig.copy()
    try rig.open().append(.noted, ["text": "later"])
    try Self.removeDatabase(rig)
    try rig.put(copy)
    #expect(refusal { _ = try rig.open() }?.because.contains("it ends at event 5, but event 6") == true)
  }

  @Test func `A deleted write-ahead log does not start a new journal in silence`() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    try journal.append(.noted, ["text": "only in the log"])
    // As the disk is after the process died and somebody tidied up.
    let main = try Data(contentsOf: URL(fileURLWithPath: rig.path))
    try journal.close()
    try Self.removeDatabase(rig)
    try main.write(to: URL(fileURLWithPath: rig.path))
    #expect(refusal { _ = try rig.open() }?.code == .altered)
    #expect(try Data(contentsOf: URL(fileURLWithPath: rig.path)) == main)
  }

  @Test func `A journal that was deleted beside its keys is not begun anew`() throws {
    let rig = try rig(Self.removeDatabase)
    #expect(refusal { _ = try rig.open() }?.code == .altered)
    #expect(refusal { _ = try rig.state.journalForReading() }?.code == .altered)
    #expect(!FileManager.default.fileExists(atPath: rig.path))
    try Self.remove(rig.state.path + "/journal.head")
    #expect(refusal { _ = try rig.open() }?.code == .altered)
    #expect(refusal { _ = try rig.state.journalForReading() }?.code == .altered)
  }

  @Test(arguments: ["identity.key", "operator.key", "fingerprint.key"])
  func `A key that the journal was written with is not made anew`(_ name: String) throws {
    let rig = try rig { try Self.remove("\($0.state.path)/\(name)") }
    let found = refusal {
      _ = try rig.state.keys()
      _ = try rig.state.fingerprintKey()
    }
    #expect(found?.code == .altered)
    #expect(!FileManager.default.fileExists(atPath: "\(rig.state.path)/\(name)"))
    let accepting = try StateDirectory(rig.state.path, acceptsLoss: true)
    _ = try accepting.fingerprintKey()
    let journal = try Journal.open(
      path: rig.path, keys: try accepting.keys(), acceptingBecause: "the disk died")
    #expect(try journal.events(kinds: [.decision]).last?.body["reason"] == "the disk died")
    try journal.close()
    try rig.open().append(.noted, ["text": "goes on"])
  }

  @Test func `A person's word lets a shorter journal go on, and stands in it`() throws {
    let rig = try rig { try $0.tamper("DELETE FROM events WHERE seq = 5") }
    let journal = try Journal.open(
      path: rig.path, keys: try rig.state.keys(), acceptingBecause: "restored after the disk died")
    let word = try #require(try journal.events(kinds: [.decision]).last)
    #expect(word.body["found"]?.string?.contains("event 5 was written") == true)
    #expect(try journal.verify().problem == nil)
    try journal.close()
    let again = try rig.open()
    try again.append(.noted, ["text": "goes on"])
    #expect(try again.verify().problem == nil)
  }

  @Test func `What is cut off while a process runs stops its next append`() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    for number in 1...3 { try journal.append(.noted, ["text": .string("\(number)")]) }
    try rig.tamper("DELETE FROM events WHERE seq = 3")
    #expect(refusal { try journal.append(.noted, ["text": "4"]) }?.code == .altered)
  }

  @Test func `A directory that only holds a file of its name is not an empty state`() throws {
    let rig = try JournalRig()
    let file = rig.directory.path("a-file")
    try Data("x".utf8).write(to: URL(fileURLWithPath: file))
    #expect(refusal { _ = try StateDirectory.existing(file) }?.because == "it is no directory")
    #expect(refusal { _ = try StateDirectory.existing(file + "/below") }?.code == .inputOutput)
    #expect(try StateDirectory.existing(rig.directory.path("nothing")) == nil)
  }

  @Test func `An older journal without a head beside it opens and gets one`() throws {
    let rig = try rig { try Self.remove($0.state.path + "/journal.head") }
    try rig.open().close()
    #expect(FileManager.default.fileExists(atPath: rig.state.path + "/journal.head"))
  }
}
