import Foundation
import GRDB
import Synchronization

/// The exchange file between the public endpoint and the worker: deliveries, decisions and the board.
///
/// The receiver appends and reads the board; it opens no journal and no key, so a taken-over endpoint can neither read what it
/// stored nor act. Appends return when their commit is on the disk (`synchronous=FULL`); those that arrive together share one
/// commit. Both processes may use the file at once.
public final class Inbox: Sendable {
  /// Where the file is.
  public let path: String
  let database: DatabasePool
  let recipient: InboxPublicKey
  let key: InboxPrivateKey?
  let commits: GroupCommit
  /// The number of the schema that was last found to be ours; SQLite counts it up with every change.
  private let sealed = Mutex<Int?>(nil)
  /// What was published of the outbox.
  let messages = Mutex(PublishedMessages())
  /// When the worker last left its sign of life (``beat(at:)``).
  let beaten = Mutex(Date.distantPast)

  /// Opens the file for the receiver, and creates it when nothing is there. Bodies are sealed to `recipient`.
  ///
  /// - Parameter onAppend: called after a commit that stored something new; it must not block. Wakes the worker.
  /// - Throws: ``InboxError``: `notAnInbox`, `newer`, `corrupt`, `readOnly`, `diskFull`. An existing file is never replaced.
  public static func open(
    path: String, sealingTo recipient: InboxPublicKey, onAppend: (@Sendable () -> Void)? = nil
  ) throws(InboxError) -> Inbox {
    try Inbox(path: path, recipient: recipient, key: nil, onAppend: onAppend)
  }

  /// Opens the file for the worker, who can read bodies, and creates it when nothing is there.
  ///
  /// - Throws: as ``open(path:sealingTo:onAppend:)``.
  public static func open(path: String, key: InboxPrivateKey) throws(InboxError) -> Inbox {
    try Inbox(path: path, recipient: key.publicKey, key: key, onAppend: nil)
  }

  private init(
    path: String, recipient: InboxPublicKey, key: InboxPrivateKey?, onAppend: (@Sendable () -> Void)?
  ) throws(InboxError) {
    do {
      try ExchangeFile.create(path)
      try ExchangeFile.refuseOthers(path)
      try Inbox.refuseStrangers(path)
      let pool = try DatabasePool(path: path, configuration: Inbox.configuration)
      try Inbox.prepare(pool, path: path)
      self.path = path
      self.recipient = recipient
      self.key = key
      database = pool
      commits = GroupCommit(database: pool, recipient: recipient, onAppend: onAppend)
    } catch {
      throw InboxError(error, "open the exchange file", path: path)
    }
  }

  /// Closes the file. Later calls fail. Also happens when the last reference goes.
  public func close() throws(InboxError) {
    do { try database.close() } catch { throw InboxError(error, "close the exchange file", path: path) }
  }

  /// Where bodies that were too large for memory lie until the worker has them.
  var spoolDirectory: String { path + ".spool" }

  func writing<Result>(_ operation: String, _ body: (Database) throws -> Result) throws(InboxError) -> Result
  {
    do {
      return try database.write { db in
        try checkSchema(db)
        return try body(db)
      }
    } catch { throw InboxError(error, operation, path: path) }
  }

  func reading<Result>(_ operation: String, _ body: (Database) throws -> Result) throws(InboxError) -> Result
  {
    do {
      return try database.read { db in
        try checkSchema(db)
        return try body(db)
      }
    } catch { throw InboxError(error, operation, path: path) }
  }

  /// Also while we run the other process may change it. In the transaction, so that what was looked at is what is used.
  private func checkSchema(_ db: Database) throws {
    let version = try Int.fetchOne(db, sql: "PRAGMA schema_version")
    guard sealed.withLock({ $0 }) != version else { return }
    try SchemaSeal.check(db, path: path)
    sealed.withLock { $0 = version }
  }
}

// MARK: Opening

extension Inbox {
  private static var configuration: Configuration {
    var configuration = Configuration()
    configuration.label = "staunch.inbox"
    // A sender waits for us: the other process gets two seconds, then we say 503.
    configuration.busyMode = .timeout(2)
    configuration.prepareDatabase { db in
      // A removed body must not stay in free pages, though it is sealed.
      try db.execute(sql: "PRAGMA secure_delete = ON")
      // The file is a stranger's: no function of ours from its schema, and its pages are checked before they are used.
      try db.execute(sql: "PRAGMA trusted_schema = OFF")
      try db.execute(sql: "PRAGMA cell_size_check = ON")
      try db.execute(sql: "PRAGMA mmap_size = 0")
      // The endpoint may write nowhere but beside the file (docs/RECEIVER.md).
      try db.execute(sql: "PRAGMA temp_store = MEMORY")
    }
    return configuration
  }

  private static func refuseStrangers(_ path: String) throws {
    let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    guard size > 0 else { return }
    var configuration = Configuration()
    configuration.readonly = true
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    try queue.read { db in try check(db, path: path) }
    try queue.close()
  }

  private static func prepare(_ pool: DatabasePool, path: String) throws {
    try pool.writeWithoutTransaction { db in
      try check(db, path: path)
      // GRDB lowers this to NORMAL while it sets up WAL: with NORMAL an acknowledged delivery could be lost in a power cut.
      try db.execute(sql: "PRAGMA synchronous = FULL")
      guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2 else {
        throw InboxError(
          .inputOutput, "open the exchange file", because: "SQLite refused synchronous=FULL")
      }
    }
    try pool.read { db in try SchemaSeal.refuseCode(db, path: path) }
    try DatabaseMigrator.inbox.migrate(pool)
    try pool.read { db in try SchemaSeal.check(db, path: path) }
    try pool.write { db in try db.execute(sql: "PRAGMA application_id = \(InboxSchema.applicationID)") }
  }

  private static func check(_ db: Database, path: String) throws {
    let application = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
    let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
    guard application == InboxSchema.applicationID || (application == 0 && tables == 0) else {
      throw InboxError(
        .notAnInbox, "open the exchange file",
        because: "\(path) is a database of another program; it was left as it is",
        fix: "move it away, or choose another state directory")
    }
    guard try !DatabaseMigrator.inbox.hasBeenSuperseded(db) else {
      throw InboxError(
        .newer, "open the exchange file", because: "\(path) was written by a newer staunch",
        fix: "install the newer version, or let it drain the file first")
    }
  }
}
