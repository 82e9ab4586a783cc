import Capabilities
import Foundation
import GRDB
import Incidents
import JSON
import Secrets
import Synchronization

/// The memory of every incident: an append-only, hash-chained event log in one SQLite file, with the sealed secrets,
/// saved plans, locks and outbox that must change in the same transactions as the log.
///
/// Calls are synchronous: a write returns when its commit is on the disk (`synchronous=FULL`). Several processes may
/// read and write one journal; each append takes the write lock, reads the head and extends it.
public final class Journal: Sendable {
  /// Where the file is.
  public let path: String
  public let header: JournalHeader
  let database: any DatabaseWriter
  let headerText: String
  let keys: JournalKeys?
  let settings: JournalSettings
  let openKeys = OpenSealingKeys()
  let witness: HeadWitness
  private let unknown = Mutex(0)
  /// Sealed values that did not open when the journal was opened for writing: text that holds one cannot be cleaned.
  public var valuesUnknownToRedactor: Int { unknown.withLock { $0 } }

  private init(
    path: String, database: any DatabaseWriter, header: JournalHeader, headerText: String, keys: JournalKeys?,
    settings: JournalSettings
  ) {
    self.path = path
    self.database = database
    self.header = header
    self.headerText = headerText
    self.keys = keys
    self.settings = settings
    witness = HeadWitness(besides: path)
  }

  /// Opens the journal at `path` for writing, and creates it when nothing is there.
  ///
  /// - Parameters:
  ///   - keys: signs the head and wraps the sealing keys.
  ///   - isDrill: for a new journal; an existing one must agree.
  ///   - reason: a person's, for going on with a journal that is not the one that was left; it is journalled.
  /// - Throws: ``JournalError``: `notAJournal`, `newer`, `corrupt`, `altered`, `readOnly`, `diskFull`, `invalid` (drill
  ///   and live mixed). An existing file is never replaced.
  public static func open(
    path: String, keys: JournalKeys, isDrill: Bool = false, settings: JournalSettings = JournalSettings(),
    acceptingBecause reason: String? = nil
  ) throws(JournalError) -> Journal {
    let began = ContinuousClock.now
    do {
      let difference = try isGone(path) ? .gone : try look(at: path, keys, settings)
      if let difference, reason == nil { throw difference.refusal("open the journal", path: path) }
      try KeyFile.createPrivately(path)
      let pool = try DatabasePool(path: path, configuration: configuration(settings))
      try prepare(pool, path: path, isDrill: isDrill, settings: settings)
      let (header, text) = try readHeader(pool, path: path)
      guard header.isDrill == isDrill else {
        throw JournalError(
          .invalid, "open the journal",
          because: header.isDrill
            ? "\(path) is a drill's journal; a live run does not write to it"
            : "\(path) is a live journal; a drill does not write to it",
          fix: "use another state directory: STAUNCH_STATE=DIR")
      }
      let journal = Journal(
        path: path, database: pool, header: header, headerText: text, keys: keys, settings: settings)
      try journal.makeSealedValuesKnown(keys)
      try journal.witnessHead(after: difference, acceptedBecause: reason)
      DebugLog.note(.info, "journal", "\(path) open for writing, \(DebugLog.time(since: began))")
      return journal
    } catch {
      throw JournalError(error, "open the journal", path: path)
    }
  }

  /// True when a head was left here and the file it belongs to has gone (or was emptied).
  private static func isGone(_ path: String) throws(JournalError) -> Bool {
    var status = stat()
    guard stat(path, &status) != 0 || status.st_size == 0 else { return false }
    guard case .head(let record) = try HeadWitness(besides: path).read() else { return false }
    return record.sequence > 0
  }

  /// Writes the present head down, after a person's word about how it differs from the last one.
  private func witnessHead(after difference: JournalDifference?, acceptedBecause reason: String?) throws {
    // On the writing connection: one that only reads would be the last to close, and leave the log beside the file.
    func link() throws -> (Int, String) { try database.writeWithoutTransaction { db in try lastLink(db) } }
    var (sequence, hash) = try link()
    if let reason {
      try witness.keep(
        HeadWitness.Record(journal: header.id, sequence: sequence, hash: hash), isDurable: true,
        replacing: true)
      let last = sequence
      let hasOtherList = try database.writeWithoutTransaction { db in try listProblem(db, last: last) != nil }
      // Nothing differs any more, but a key was gone, or the file and its head together.
      let other: JournalDifference = hasOtherList ? .otherList : sequence == 0 ? .gone : .keyGone
      try accept(difference ?? other, because: reason)
      (sequence, hash) = try link()
    }
    try witness.keep(
      HeadWitness.Record(journal: header.id, sequence: sequence, hash: hash), isDurable: true)
  }

  /// Opens the journal at `path` for reading only: `status`, `show`, `verify`, the console.
  ///
  /// - Throws: `missing`, `notAJournal`, `newer`, `corrupt`.
  public static func openReading(path: String, keys: JournalKeys? = nil) throws(JournalError) -> Journal {
    guard FileManager.default.fileExists(atPath: path) else {
      throw JournalError(
        .missing, "open the journal", because: "there is no journal at \(path)",
        fix: "nothing has run here yet; or choose the state directory: STAUNCH_STATE=DIR")
    }
    do {
      let queue = try readOnlyDatabase(path, configuration(JournalSettings()))
      let isEmpty = try queue.read { db in
        try check(db, path: path)
        return try !db.tableExists("header")
      }
      // Without its write-ahead log a young journal is an empty database.
      guard !isEmpty else { throw JournalDifference.gone.refusal("open the journal", path: path) }
      let (header, text) = try readHeader(queue, path: path)
      return Journal(
        path: path, database: queue, header: header, headerText: text, keys: keys,
        settings: JournalSettings())
    } catch {
      throw JournalError(error, "open the journal", path: path)
    }
  }

  /// Registers every sealed value with the redactor: this process did not see them arrive, and what a person types or a
  /// later report brings may hold one. The log is for ever, so this comes before the first append.
  private func makeSealedValuesKnown(_ keys: JournalKeys) throws {
    let missed = try database.read { db in
      var missed = 0
      let rows = try Row.fetchCursor(
        db,
        sql: """
          SELECT ref, box, sealed.scope AS scope, key_id, wrapped FROM sealed JOIN sealing_keys USING (scope)
          WHERE wrapped IS NOT NULL
          """)
      while let row = try rows.next() {
        do {
          settings.redactor.register(try openSealed(row, keys))
        } catch {
          missed += 1  // another operator key, or changed: counted, and said by whoever opens it
        }
      }
      return missed
    }
    unknown.withLock { $0 = missed }
  }

  /// Closes the file. Later calls fail. Also happens when the last reference goes.
  public func close() throws(JournalError) {
    do { try database.close() } catch { throw JournalError(error, "close the journal", path: path) }
  }

  // MARK: Transactions

  /// Runs `body` in one durable transaction.
  func writing<Result>(_ operation: String, _ body: (Database) throws -> Result) throws(JournalError)
    -> Result
  {
    do {
      let result = try database.write(body)
      try witness.check()
      return result
    } catch { throw JournalError(error, operation, path: path) }
  }

  /// Runs `body` on one consistent snapshot.
  func reading<Result>(_ operation: String, _ body: (Database) throws -> Result) throws(JournalError)
    -> Result
  {
    do { return try database.read(body) } catch { throw JournalError(error, operation, path: path) }
  }

  func requireKeys(_ operation: String) throws(JournalError) -> JournalKeys {
    guard let keys else {
      throw JournalError(.readOnly, operation, because: "the journal was opened for reading only")
    }
    return keys
  }
}

// MARK: Opening

extension Journal {
  private static func configuration(_ settings: JournalSettings) -> Configuration {
    var configuration = Configuration()
    configuration.label = "staunch.journal"
    configuration.busyMode = .timeout(settings.busyTimeout)
    configuration.prepareDatabase { db in
      // Deleted key material must not stay in free pages.
      try db.execute(sql: "PRAGMA secure_delete = ON")
    }
    return configuration
  }

  /// Looks at an existing file before the pool sets it to WAL: a file of somebody else is not touched, and a damaged or
  /// older one is not written to, because that could destroy what a recovery would still find.
  ///
  /// - Returns: how it differs from the journal that was left here.
  private static func look(at path: String, _ keys: JournalKeys, _ settings: JournalSettings) throws
    -> JournalDifference?
  {
    var status = stat()
    guard stat(path, &status) == 0, status.st_size > 0 else { return nil }
    var configuration = Configuration()
    configuration.readonly = true
    // The last one to close the file holds it for a moment.
    configuration.busyMode = .timeout(settings.busyTimeout)
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    let isNew = try queue.read { db in
      try check(db, path: path)
      let word = try String.fetchOne(db, sql: "PRAGMA quick_check(1)") ?? "no answer"
      guard word == "ok" else {
        throw JournalError(
          .corrupt, "open the journal", because: "\(path) is damaged (\(word)); it was left as it is",
          fix: JournalError.recovery(of: path))
      }
      return try !db.tableExists("header") || Int.fetchOne(db, sql: "SELECT count(*) FROM header") == 0
    }
    guard !isNew else {
      try queue.close()
      guard case .head(let kept) = try HeadWitness(besides: path).read(), kept.sequence > 0 else {
        return nil
      }
      return .gone
    }
    let (header, text) = try readHeader(queue, path: path)
    let journal = Journal(
      path: path, database: queue, header: header, headerText: text, keys: keys, settings: settings)
    let difference = try journal.difference()
    try queue.close()
    return difference
  }

  private static func prepare(
    _ pool: DatabasePool, path: String, isDrill: Bool, settings: JournalSettings
  ) throws {
    try pool.writeWithoutTransaction { db in
      try check(db, path: path)
      // GRDB lowers this to NORMAL while it sets up WAL, after `prepareDatabase`: with NORMAL a committed INTENT
      // could be lost in a power cut. The writer is one connection for the pool's whole life.
      try db.execute(sql: "PRAGMA synchronous = FULL")
      guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2 else {
        throw JournalError(.inputOutput, "open the journal", because: "SQLite refused synchronous=FULL")
      }
    }
    try DatabaseMigrator.journal.migrate(pool)
    try pool.write { db in
      guard try Int.fetchOne(db, sql: "SELECT count(*) FROM header") == 0 else {
        // An earlier version kept no list of incidents.
        if try Int.fetchOne(db, sql: "SELECT 1 FROM head WHERE listed IS NULL") != nil {
          try IncidentList.remake(in: db)
          try db.execute(sql: "UPDATE head SET listed = (SELECT coalesce(max(seq), 0) FROM events)")
        }
        return
      }
      let header = JournalHeader(id: settings.newID(), created: settings.now(), isDrill: isDrill)
      try db.execute(sql: "PRAGMA application_id = \(Schema.applicationID)")
      try db.execute(
        sql: "INSERT INTO header (document) VALUES (?)", arguments: [header.json.canonicalText])
    }
  }

  /// Refuses files that are something else, newer, or damaged. Reads only.
  private static func check(_ db: Database, path: String) throws {
    let application = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
    let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
    guard application == Schema.applicationID || (application == 0 && tables == 0) else {
      throw JournalError(
        .notAJournal, "open the journal",
        because: "\(path) is a database of another program; it was left as it is",
        fix: "choose another state directory: STAUNCH_STATE=DIR")
    }
    guard try !DatabaseMigrator.journal.hasBeenSuperseded(db) else {
      throw JournalError(
        .newer, "open the journal",
        because: "\(path) was written by a newer staunch; this one cannot read it",
        fix: "install the newer version, or read an export of it with staunch journal verify --export")
    }
  }

  private static func readHeader(_ reader: any DatabaseReader, path: String) throws -> (JournalHeader, String)
  {
    try reader.read { db in
      guard let text = try String.fetchOne(db, sql: "SELECT document FROM header"),
        // a miss is reported below
        let json = try? JSONValue(parsing: text, limits: .own),
        let header = JournalHeader(json: json)
      else {
        throw JournalError(
          .corrupt, "open the journal", because: "the header of \(path) is missing or damaged",
          fix: JournalError.recovery(of: path))
      }
      return (header, text)
    }
  }
}
