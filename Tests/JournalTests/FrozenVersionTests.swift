import Capabilities
import Chronicle
import Foundation
import GRDB
import Incidents
import JSON
import Journal
import Secrets
import Testing

/// What an earlier version of the journal wrote can be opened, verified, unsealed and gone on with, for ever.
///
/// `Fixtures/journal-N.sql` is a whole journal as the last program of version N left it, `journal-N.keys` its keys (of no other
/// use). A migration needs the fixture of the version before it first: `STAUNCH_FREEZE_JOURNAL=1 make test TESTS=JournalTests`
/// with the program of that version writes it. `journal-3.sql` is version 2's as the program of version 3 migrated it, `journal-4.sql` the same with the indexes of version 4.
@Suite struct FrozenVersionTests {
  private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(
    path: "Fixtures")
  /// One for each version that was ever released.
  static let versions = [1, 2, 3, 4]
  private static let value = "frozen-" + "value"

  @Test(arguments: versions) func `A journal of each version opens, verifies, unseals and goes on`(
    _ version: Int
  )
    throws
  {
    let rig = try Self.rig(ofVersion: version)
    let sql = try String(
      contentsOf: Self.fixtures.appending(path: "journal-\(version).sql"), encoding: .utf8)
    let queue = try DatabaseQueue(path: rig.path)
    try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
    try queue.close()
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: rig.path)

    let journal = try rig.open()
    let before = try journal.verify()
    #expect(before.problem == nil, "\(String(describing: before.problem))")
    #expect(
      try journal.events().map(\.kind) == [
        .incidentOpened, .secretSealed, .planSaved, .lockTaken, .secretSealed, .stepIntent, .message,
        .keyDestroyed,
      ])
    var chronicle = Chronicle()
    for event in try journal.events() { chronicle.take(event) }
    let course = try #require(chronicle["inc-1"]?.course)
    #expect(course.members == ["inc-1"])
    #expect(course.isPlanned && !course.isClosed && course.bodies.isEmpty, "its report named no key")
    #expect(try journal.open("leaked").exposeAsText() == Self.value)
    #expect(throws: JournalError.self) { _ = try journal.open("gone") }
    #expect(try journal.plans().map(\.id) == ["plan-1"])
    #expect(try journal.locks().map(\.name) == ["pg", "run/run-1"])
    #expect(try journal.outbox().map(\.message.id) == ["m1"])
    #expect(try journal.overview(first: 9)?.urgent.map(\.id) == ["inc-1"])
    try journal.append(.noted, ["text": "written by today's program"])
    #expect(try journal.verify().problem == nil)
  }

  @Test func `what a program of version 1 dropped is dropped, and what it gave up is given up`() throws {
    for (decision, state) in [("drop message m1", OutboxEntry.State.dropped), ("retry message m1", .dead)] {
      let rig = try Self.rig(ofVersion: 1)
      let sql = try String(contentsOf: Self.fixtures.appending(path: "journal-1.sql"), encoding: .utf8)
      let queue = try DatabaseQueue(path: rig.path)
      try queue.writeWithoutTransaction { db in
        try db.execute(sql: sql)
        try db.execute(sql: "UPDATE outbox SET state = 'dead' WHERE id = 'm1'")
        try db.execute(
          sql: """
            INSERT INTO events (seq, at, kind, body, prev, hash)
            SELECT max(seq) + 1, max(at), 'decision', json_object('what', ?), 'x', 'y' FROM events
            """, arguments: [decision])
        try db.execute(sql: "UPDATE head SET seq = (SELECT max(seq) FROM events), hash = 'y'")
      }
      try queue.close()
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: rig.path)
      #expect(try rig.open().outbox().map(\.state) == [state])
    }
  }

  /// Fails when a migration was added and no journal of the version before it was frozen.
  @Test func `Every migration but the last has left a frozen journal, and the last one's is kept too`() throws
  {
    let rig = try JournalRig()
    try rig.open().close()
    let applied = try DatabaseQueue(path: rig.path).read { db in
      try String.fetchAll(db, sql: "SELECT identifier FROM grdb_migrations ORDER BY rowid")
    }
    #expect(
      applied == [
        "1 events, sealed secrets, plans, locks, outbox", "2 dropped messages", "3 list of incidents",
        "4 plans and messages by incident",
      ])
    #expect(applied.count == Self.versions.count)
  }

  /// A released migration is never edited: today's first migration makes exactly the frozen schema.
  @Test func `A new journal has the schema of the newest frozen one`() throws {
    let frozen = try DatabaseQueue()
    let version = try #require(Self.versions.last)
    let sql = try String(
      contentsOf: Self.fixtures.appending(path: "journal-\(version).sql"), encoding: .utf8)
    try frozen.writeWithoutTransaction { try $0.execute(sql: sql) }
    let rig = try JournalRig()
    try rig.open().close()
    func schema(_ queue: DatabaseQueue) throws -> [String] {
      try queue.read { db in
        try String.fetchAll(
          db,
          sql:
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name")
      }
    }
    #expect(try schema(frozen) == schema(DatabaseQueue(path: rig.path)))
  }

  @Test(.enabled(if: ProcessInfo.processInfo.environment["STAUNCH_FREEZE_JOURNAL"] != nil))
  func `Freeze today's version`() throws {
    let rig = try JournalRig()
    let journal = try rig.open()
    try journal.append(.incidentOpened, incident: "inc-1", ["kind": "postgres-uri", "title": "a leak"])
    try journal.append(
      [], sealing: Sealing(["leaked": Secret(Self.value)], under: .incident("inc-1"), purpose: "leaked"))
    try journal.save(
      SavedPlan(
        id: "plan-1", digest: PlanDigest("d1"), incident: "inc-1",
        created: Date(timeIntervalSince1970: 1_795_489_200),
        document: ["plan": 1]),
      with: [NewEvent(.planSaved, run: "run-1", incident: "inc-1", ["plan": "plan-1"])])
    _ = try journal.takeLocks(
      ["pg"], for: Tenure(run: "run-1", owner: LockOwner(host: "h", boot: "b", pid: 1, started: "1")),
      incident: "inc-1")
    try journal.append(
      [NewEvent(.stepIntent, run: "run-1", ["step": "one", "attempt": 1])],
      sealing: Sealing(["gone": Secret(Self.value + "2")], under: .run("run-1"), purpose: "new"))
    _ = try journal.enqueue(
      TicketMessage(
        id: "m1", incident: "inc-1", event: .opened, sequence: 0, title: "Task", body: "b", severity: .sev2,
        isDrill: false, at: Date(timeIntervalSince1970: 1_795_489_200)), to: "security")
    try journal.destroyKey(of: .run("run-1"), run: "run-1")
    try journal.close()
    let name = "journal-\(Self.versions.count)"
    try FileManager.default.createDirectory(at: Self.fixtures, withIntermediateDirectories: true)
    try Self.dump(rig.path).write(
      to: Self.fixtures.appending(path: name + ".sql"), atomically: true, encoding: .utf8)
    let keys = try ["identity.key", "operator.key"].map {
      try String(contentsOfFile: rig.state.path + "/" + $0, encoding: .utf8)
    }
    try keys.joined().write(
      to: Self.fixtures.appending(path: name + ".keys"), atomically: true, encoding: .utf8)
  }

  /// The whole database as SQL.
  private static func dump(_ path: String) throws -> String {
    try DatabaseQueue(path: path).read { db in
      var lines = ["PRAGMA application_id = \(try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0)"]
      let tables = try Row.fetchAll(
        db,
        sql:
          "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
      )
      lines += tables.map { $0["sql"] }
      for name in tables.map({ $0["name"] as String }) {
        let values = try db.columns(in: name).map { "quote(\"\($0.name)\")" }.joined(
          separator: " || ', ' || ")
        lines += try String.fetchAll(
          db, sql: "SELECT 'INSERT INTO \(name) VALUES (' || \(values) || ')' FROM \(name) ORDER BY rowid")
      }
      lines += try String.fetchAll(
        db,
        sql:
          "SELECT sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY rowid"
      )
      return lines.joined(separator: ";\n") + ";\n"
    }
  }

  private static func rig(ofVersion version: Int) throws -> JournalRig {
    let rig = try JournalRig()
    let lines = try String(
      contentsOf: fixtures.appending(path: "journal-\(version).keys"), encoding: .utf8
    ).split(separator: "\n")
    for (name, line) in zip(["identity.key", "operator.key"], lines) {
      let path = rig.state.path + "/" + name
      try Data((line + "\n").utf8).write(to: URL(filePath: path))
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }
    return rig
  }
}
