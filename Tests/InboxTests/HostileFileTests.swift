import Foundation
import GRDB
import Inbox
import JSON
import Secrets
import TestSupport
import Testing

/// The endpoint may write the exchange file and its spool; a taken-over one writes what it likes.
@Suite struct HostileFileTests {
  let directory: TemporaryDirectory
  let key = InboxPrivateKey()
  let now = Date(timeIntervalSince1970: 1_790_000_000)
  init() throws { directory = try TemporaryDirectory(inMemory: true) }
  var path: String { directory.path("exchange.sqlite") }

  func receiver() throws -> Inbox { try Inbox.open(path: path, sealingTo: key.publicKey) }
  func worker() throws -> Inbox { try Inbox.open(path: path, key: key) }

  /// What a taken-over endpoint does to the file, with a connection of its own.
  func attack(_ sql: String, _ arguments: StatementArguments = []) throws {
    let queue = try DatabaseQueue(path: path)
    try queue.write { db in try db.execute(sql: sql, arguments: arguments) }
    try queue.close()
  }

  /// A trigger whose row says that it is a table, between those of `deliveries` and `board`: SQLite makes what the
  /// statement says, and who keeps rows by name sees the later one alone.
  static func disguised(as name: String) -> String {
    """
    PRAGMA writable_schema = ON;
    UPDATE sqlite_master SET rowid = rowid * 100;
    INSERT INTO sqlite_master (rowid, type, name, tbl_name, rootpage, sql)
      SELECT min(rowid) + 50, 'table', '\(name)', '\(name)', 0,
        'CREATE TRIGGER evil AFTER UPDATE ON deliveries BEGIN DELETE FROM board; END'
      FROM sqlite_master WHERE name = 'deliveries';
    PRAGMA schema_version = 4711;
    """
  }

  func spooled(_ inbox: Inbox, _ id: String = "1") async throws {
    let body = try inbox.spool()
    try body.write(Array("body".utf8))
    _ = try await inbox.append(
      NewDelivery(
        route: "/reports", source: "report", id: id, isIDSigned: true, bodyDigest: id, receivedAt: now,
        body: []),
      body: body)
  }

  @Test(arguments: [
    "CREATE TRIGGER evil AFTER UPDATE ON deliveries BEGIN UPDATE deliveries SET spool = '../operator.key'; END",
    "CREATE VIEW evil AS SELECT 1",
    "CREATE TABLE evil (a)",
    "ALTER TABLE decisions ADD COLUMN evil TEXT DEFAULT 'x'",
    "DROP INDEX decisions_pending",
    disguised(as: "sqlite_stat1"),
    disguised(as: "board"),
  ])
  func `a schema that is not ours is refused at the start and in the middle of the work`(_ sql: String)
    async throws
  {
    let inbox = try receiver()
    try await spooled(inbox)
    let running = try worker()
    #expect(try running.pendingDeliveries(limit: 9).count == 1)
    try attack(sql)
    let late = #expect(throws: InboxError.self) { try running.finish(1, outcome: "x") }
    #expect(late?.code == .corrupt)
    let early = #expect(throws: InboxError.self) { try worker() }
    #expect(early?.code == .corrupt)
  }

  @Test(arguments: ["../operator.key", "..", "/etc/passwd", "x/../../operator.key", "", "OPERATOR.KEY"])
  func `a spool name leads to no file but a spooled body`(_ name: String) async throws {
    let inbox = try receiver()
    try await spooled(inbox)
    let victim = directory.path("operator.key")
    try "key".write(toFile: victim, atomically: false, encoding: .utf8)
    try attack("UPDATE deliveries SET spool = ?", [name])
    let worker = try worker()
    #expect(try worker.pendingDeliveries(limit: 9).isEmpty)
    try worker.finish(1, outcome: "x")
    try worker.prune(now: now.addingTimeInterval(1e9))
    #expect(FileManager.default.fileExists(atPath: victim))
  }

  /// Turns the spooled body into something else.
  enum Plant: String, CaseIterable { case link, pipe, directory, hardLink }

  @Test(arguments: Plant.allCases)
  func `what is no regular file of its own in the spool is neither read nor waited for`(_ plant: Plant)
    async throws
  {
    let inbox = try receiver()
    try await spooled(inbox)
    let spool = path + ".spool"
    let name = try #require(try FileManager.default.contentsOfDirectory(atPath: spool).first)
    let file = spool + "/" + name
    let body = directory.path("elsewhere")
    #expect(rename(file, body) == 0)
    switch plant {
    case .link: #expect(symlink(body, file) == 0)
    case .pipe: #expect(mkfifo(file, 0o600) == 0)
    case .directory: #expect(mkdir(file, 0o700) == 0)
    case .hardLink: #expect(link(body, file) == 0)
    }
    #expect(try worker().pendingDeliveries(limit: 9).isEmpty)
    #expect(try worker().counts().failed == 1)
  }

  @Test func `through a link in the place of the file or the spool nothing is opened`() async throws {
    _ = try receiver()
    let other = directory.path("other.sqlite")
    #expect(rename(path, other) == 0)
    #expect(symlink(other, path) == 0)
    let error = #expect(throws: InboxError.self) { try worker() }
    #expect(error?.code == .notAnInbox)
    unlink(path)
    #expect(mkfifo(path, 0o600) == 0)
    #expect(throws: InboxError.self) { try worker() }
  }

  @Test(arguments: [
    "{", "[]", "{\"at\":1e300,\"person\":\"p\",\"roles\":[],\"kind\":\"note\",\"via\":\"password\"}",
    String(repeating: "x", count: 300_000),
  ])
  func `a decision that cannot be read is marked, and those behind it come through`(_ document: String)
    async throws
  {
    let inbox = try receiver()
    _ = try await inbox.append(NewDecision(at: now, person: "eve", roles: [], kind: .note, via: .password))
    _ = try await inbox.append(NewDecision(at: now, person: "maria", roles: [], kind: .note, via: .password))
    try attack("UPDATE decisions SET document = ? WHERE sequence = 1", [document])
    let worker = try worker()
    #expect(try worker.pendingDecisions().map(\.person) == ["maria"])
    #expect(try worker.outcome(ofDecision: 1) == "refused: it is not readable")
  }

  @Test func `instants and counters beyond all bounds end nobody`() async throws {
    let inbox = try receiver()
    _ = try await inbox.append(
      NewDelivery(
        route: "/reports", source: "report", id: "1", isIDSigned: true, bodyDigest: "1", receivedAt: now,
        body: Array("body".utf8)))
    try attack("UPDATE deliveries SET received_at = 9223372036854775807")
    try attack("UPDATE counters SET value = 9223372036854775807")
    let worker = try worker()
    #expect(try worker.pendingDeliveries(limit: 9).isEmpty)
    #expect(try worker.publish([(kind: "summary", id: "1", document: [:])]) > 0)
  }
}
