import Capabilities
import Foundation
import GRDB
import Incidents
import JSON
import Journal
import Secrets
import Testing
import TestSupport

/// A journal of its own.
struct JournalRig {
  let directory: TemporaryDirectory
  let state: StateDirectory
  var path: String { state.journalPath }

  init() throws {
    directory = try TemporaryDirectory()
    state = try StateDirectory(directory.path("state"))
  }

  func open(_ settings: JournalSettings = JournalSettings()) throws -> Journal {
    try Journal.open(path: path, keys: try state.keys(), settings: settings)
  }

  /// The database as a backup would take it: with its write-ahead log.
  func copy() -> [String: Data] {
    var files: [String: Data] = [:]
    for suffix in ["", "-wal"] { files[suffix] = FileManager.default.contents(atPath: path + suffix) }
    return files
  }

  func put(_ copy: [String: Data]) throws {
    for (suffix, bytes) in copy { try bytes.write(to: URL(fileURLWithPath: path + suffix)) }
  }

  /// Changes the file behind the journal's back, as an attacker with the database could.
  func tamper(_ sql: String) throws {
    let queue = try DatabaseQueue(path: path)
    try queue.writeWithoutTransaction { db in
      try db.execute(sql: "DROP TRIGGER IF EXISTS events_are_never_changed")
      try db.execute(sql: "DROP TRIGGER IF EXISTS events_are_never_removed")
      try db.execute(sql: sql)
    }
    try queue.close()
  }
}

@Suite struct JournalTests {
  @Test func appendedEventsComeBackInOrderWithTheirBodies() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    try journal.append(.noted, run: "run-1", incident: "inc-1", ["text": "å \"quoted\" 1.5", "n": 3])
    try journal.append(.todo, incident: "inc-2", ["text": "later"])
    let events = try journal.events()
    #expect(events.map(\.sequence) == [1, 2])
    #expect(events[0].body == ["text": "å \"quoted\" 1.5", "n": 3])
    #expect(try journal.events(run: "run-1").map(\.kind) == [.noted])
    #expect(try journal.events(incident: "inc-2").map(\.kind) == [.todo])
    #expect(try journal.events(after: 1).map(\.sequence) == [2])
    #expect(try journal.verify().problem == nil)
  }

  @Test func theFilesCanBeReadByTheirOwnerOnly() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    try journal.append(.noted, ["text": "x"])
    for name in try FileManager.default.contentsOfDirectory(atPath: rig.state.path) {
      let attributes = try FileManager.default.attributesOfItem(atPath: rig.state.path + "/" + name)
      #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
    }
    let directory = try FileManager.default.attributesOfItem(atPath: rig.state.path)
    #expect(directory[.posixPermissions] as? Int == 0o700)
  }

  @Test func aKeyThatOthersCanReadIsRefused() throws {
    let rig = try JournalRig()
    _ = try rig.state.keys()
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o644], ofItemAtPath: rig.state.path + "/operator.key")
    #expect(throws: JournalError.self) { try rig.state.operatorKey() }
  }

  @Test func eventsCannotBeChangedThroughTheDatabase() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    try journal.append(.noted, ["text": "x"])
    let queue = try DatabaseQueue(path: rig.path)
    #expect(throws: DatabaseError.self) {
      try queue.write { try $0.execute(sql: "UPDATE events SET body = '{}'") }
    }
    #expect(throws: DatabaseError.self) { try queue.write { try $0.execute(sql: "DELETE FROM events") } }
  }

  @Test(arguments: [
    ("UPDATE events SET body = '{\"text\":\"9\"}' WHERE seq = 3", "event 3 was changed"),
    ("UPDATE events SET at = '2020-01-01T00:00:00.000Z' WHERE seq = 1", "event 1 was changed"),
    ("UPDATE events SET kind = 'todo' WHERE seq = 5", "event 5 was changed"),
    ("UPDATE events SET run = 'run-2' WHERE seq = 2", "event 2 was changed"),
    ("DELETE FROM events WHERE seq = 2", "event 2 was removed"),
    ("DELETE FROM events WHERE seq = 1", "event 1 was removed"),
    ("DELETE FROM events WHERE seq >= 4", "the journal was cut off: event 4 and what followed are missing"),
    (
      "UPDATE events SET seq = 100 WHERE seq = 2; UPDATE events SET seq = 2 WHERE seq = 3; UPDATE events SET seq = 3 WHERE seq = 100",
      "event 2 was changed"
    ),
    (
      "INSERT INTO events SELECT 6, at, run, incident, kind, body, hash, hash FROM events WHERE seq = 5",
      "event 6 was changed"
    ),
    ("UPDATE head SET signature = zeroblob(64)", "the head is not signed by a trusted key"),
    ("DELETE FROM head", "event 1 and what follows were added without a signature"),
  ]) func verificationNamesTheFirstBadEvent(_ sql: String, _ expected: String) throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    for number in 1...5 { try journal.append(.noted, run: "run-1", ["text": .string("\(number)")]) }
    #expect(try journal.verify().problem == nil)
    try journal.close()
    try rig.tamper(sql)
    let found = try Journal.openReading(path: rig.path, keys: try rig.state.keys()).verify()
    #expect(try #require(found.problem).description.hasPrefix(expected))
  }

  @Test func aForgedTailNeedsTheSigningKey() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    try journal.append(.noted, ["text": "1"])
    try journal.close()
    let other = try StateDirectory(rig.directory.path("other")).keys()
    #expect(throws: JournalError.self) { try Journal.open(path: rig.path, keys: other) }
    let forged = try Journal.open(path: rig.path, keys: other, acceptingBecause: "forged")
    try forged.append(.noted, ["text": "2"])
    try forged.close()
    let found = try Journal.openReading(path: rig.path, keys: try rig.state.keys()).verify()
    #expect(found.problem == .badSignature(identity: other.identity.fingerprint))
  }

  @Test func anOldCopyIsFoundByTheHeadThatWasPosted() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    try journal.append(.noted, ["text": "1"])
    try journal.close()
    let copy = rig.copy()
    let later = try rig.open()
    try later.append(.noted, ["text": "2"])
    let posted = try later.head().hash
    #expect(try later.verify(expecting: posted).problem == nil)
    try later.close()
    for companion in ["-wal", "-shm"] where FileManager.default.fileExists(atPath: rig.path + companion) {
      try FileManager.default.removeItem(atPath: rig.path + companion)
    }
    try rig.put(copy)
    let old = try Journal.openReading(path: rig.path, keys: try rig.state.keys())
    #expect(try old.events().count == 1)
    #expect(try old.verify().problem == nil)
    #expect(try old.verify(expecting: posted).problem == .otherHead(expected: posted))
  }
}
