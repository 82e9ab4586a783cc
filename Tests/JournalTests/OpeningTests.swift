import Capabilities
import Foundation
import GRDB
import Incidents
import JSON
import Journal
import Secrets
import Testing
import TestSupport

@Suite struct OpeningTests {
  private func code(_ body: () throws -> Void) -> JournalError.Code? {
    do {
      try body()
      return nil
    } catch { return (error as? JournalError)?.code }
  }

  @Test func aFileThatIsNoDatabaseIsRefusedAndLeftAsItIs() throws {
    let rig = try JournalRig()
    let text = Data("this is not a database, but somebody's notes; they must survive\n".utf8)
    try text.write(to: URL(fileURLWithPath: rig.path))
    #expect(code { _ = try rig.open() } == .notAJournal)
    #expect(try Data(contentsOf: URL(fileURLWithPath: rig.path)) == text)
  }

  @Test func anotherProgramsDatabaseIsRefusedAndLeftAsItIs() throws {
    let rig = try JournalRig()
    let queue = try DatabaseQueue(path: rig.path)
    try queue.write { try $0.execute(sql: "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)") }
    try queue.close()
    let before = try Data(contentsOf: URL(fileURLWithPath: rig.path))
    #expect(code { _ = try rig.open() } == .notAJournal)
    #expect(try Data(contentsOf: URL(fileURLWithPath: rig.path)) == before)
  }

  @Test func aJournalOfANewerVersionIsRefusedWithItsReason() throws {
    let rig = try JournalRig()
    try rig.open().append(.noted, ["text": "x"])
    try rig.tamper("INSERT INTO grdb_migrations VALUES ('2 something of tomorrow')")
    #expect(code { _ = try rig.open() } == .newer)
    #expect(code { _ = try Journal.openReading(path: rig.path) } == .newer)
  }

  @Test func aDamagedDatabaseIsFoundAndNeverOverwritten() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    for number in 1...500 { try journal.append(.noted, ["text": .string("note number \(number)")]) }
    try journal.close()
    var bytes = try Data(contentsOf: URL(fileURLWithPath: rig.path))
    for page in 3..<(bytes.count / 4096) {
      bytes.replaceSubrange((page * 4096)..<(page * 4096 + 512), with: Data(repeating: 0xA5, count: 512))
    }
    try bytes.write(to: URL(fileURLWithPath: rig.path))
    let found = #expect(throws: JournalError.self) {
      _ = try Journal.openReading(path: rig.path, keys: try rig.state.keys()).verify()
    }
    #expect(found?.code == .corrupt)
    #expect(found?.fix?.contains(".recover") == true)
    #expect(try Data(contentsOf: URL(fileURLWithPath: rig.path)) == bytes)
  }

  @Test func aJournalThatCannotBeWrittenSaysSo() throws {
    guard getuid() != 0 else { return try readOnlyThroughTheDatabase() }
    let rig = try JournalRig()
    try rig.open().close()
    try FileManager.default.setAttributes([.posixPermissions: 0o400], ofItemAtPath: rig.path)
    #expect(code { try rig.open().append(.noted, ["text": "x"]) } == .readOnly)
  }

  /// Permissions do not bind root; a journal opened for reading refuses all the same.
  private func readOnlyThroughTheDatabase() throws {
    let rig = try JournalRig()
    try rig.open().append(.noted, ["text": "x"])
    let reader = try Journal.openReading(path: rig.path, keys: try rig.state.keys())
    #expect(code { try reader.append(.noted, ["text": "y"]) } == .readOnly)
    #expect(try reader.events().count == 1)
  }

  @Test func drillsAndLiveRunsDoNotShareAJournalAndTheMarkCannotBeTakenOff() throws {
    let rig = try JournalRig()
    let keys = try rig.state.keys()
    let drill = try Journal.open(path: rig.path, keys: keys, isDrill: true)
    try drill.append(.noted, ["text": "x"])
    try drill.close()
    #expect(code { _ = try Journal.open(path: rig.path, keys: keys) } == .invalid)
    try rig.tamper("UPDATE header SET document = replace(document, '\"drill\":true', '\"drill\":false')")
    #expect(try Journal.open(path: rig.path, keys: keys).verify().problem == .outOfOrder(sequence: 1))
  }

  @Test func readingAMissingJournalCreatesNothing() throws {
    let rig = try JournalRig()
    #expect(code { _ = try Journal.openReading(path: rig.path) } == .missing)
    #expect(!FileManager.default.fileExists(atPath: rig.path))
  }

  /// Of many that open and close one file at the same moment none is turned away: the last to close holds it for a moment.
  @Test func `Many may open and close the journal at once`() async throws {
    let rig = try JournalRig()
    try rig.open().close()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for worker in 0..<4 {
        group.addTask {
          for round in 0..<50 {
            let journal = try rig.open()
            try journal.append(.noted, ["text": .string("\(worker) \(round)")])
            try journal.close()
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try rig.open().events().count == 200)
  }
}
