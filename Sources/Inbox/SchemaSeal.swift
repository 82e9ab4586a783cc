import GRDB

/// Refuses an exchange file whose schema is not ours.
///
/// The endpoint may write the file, so to the worker it is a stranger's: a trigger, a view or an altered table would be
/// the endpoint's code, run in the worker. Source: https://www.sqlite.org/security.html
enum SchemaSeal {
  /// What our own migrations make: kind and name → statement.
  private static let expected = Result<[String: String], any Error> {
    let queue = try DatabaseQueue()
    try DatabaseMigrator.inbox.migrate(queue)
    return try queue.read { db in try statements(db) }
  }

  /// Names that SQLite itself writes for its statistics.
  private static func isOwnOfSQLite(_ name: String) -> Bool { name.hasPrefix("sqlite_stat") }

  private static func statements(_ db: Database) throws -> [String: String] {
    var found: [String: String] = [:]
    for row in try Row.fetchAll(db, sql: "SELECT type, name, coalesce(sql, '') AS sql FROM sqlite_master") {
      let name: String = row["name"]
      if !isOwnOfSQLite(name) { found["\(row["type"] as String) \(name)"] = row["sql"] }
    }
    return found
  }

  /// Refuses code of any kind, before our own migrations write to the tables of an older file.
  static func refuseCode(_ db: Database, path: String) throws {
    let name = try String.fetchOne(
      db, sql: "SELECT type || ' ' || name FROM sqlite_master WHERE type NOT IN ('table', 'index') ORDER BY 1"
    )
    if let name { throw foreign(name, path) }
  }

  private static func foreign(_ name: String, _ path: String) -> InboxError {
    InboxError(
      .corrupt, "use the exchange file",
      because: "\(path) holds the \(name), which staunch did not make: it was not run",
      fix:
        "the endpoint's user may have been taken over: stop it, keep the file for the inquiry, move it away; "
        + "senders that redeliver and the reconciliation fill a new one")
  }

  /// - Throws: `corrupt` with the name of what is not ours.
  static func check(_ db: Database, path: String) throws {
    let (expected, found) = (try expected.get(), try statements(db))
    if let strange = found.filter({ expected[$0.key] != $0.value }).keys.sorted().first {
      throw foreign(strange, path)
    }
    if let missing = expected.keys.filter({ found[$0] == nil }).sorted().first {
      throw InboxError(
        .corrupt, "use the exchange file", because: "\(path) lacks the \(missing)",
        fix: "move it away; senders that redeliver and the reconciliation fill a new one")
    }
  }
}
