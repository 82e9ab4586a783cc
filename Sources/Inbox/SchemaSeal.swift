import GRDB

/// Refuses an exchange file whose schema is not ours.
///
/// The endpoint may write the file, so to the worker it is a stranger's: a trigger, a view or an altered table would be
/// the endpoint's code, run in the worker. Source: https://www.sqlite.org/security.html
enum SchemaSeal {
  /// One row of `sqlite_master`. SQLite makes what `sql` says, whatever the other columns claim, so all of it is compared.
  private struct Row: Hashable {
    let type: String
    let name: String
    let sql: String
    var title: String { "\(type) \(name)" }
  }

  /// What our own migrations make.
  private static let expected = Result<[Row], any Error> {
    let queue = try DatabaseQueue()
    try DatabaseMigrator.inbox.migrate(queue)
    return try queue.read { db in try rows(db) }
  }

  /// What SQLite itself makes for its statistics. Source: https://www.sqlite.org/fileformat2.html#stat1tab
  private static let statistics: Set<Row> = [
    Row(type: "table", name: "sqlite_stat1", sql: "CREATE TABLE sqlite_stat1(tbl,idx,stat)"),
    Row(type: "table", name: "sqlite_stat4", sql: "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"),
  ]

  /// Values of any type may stand in these columns of a prepared file.
  private static func rows(_ db: Database) throws -> [Row] {
    try GRDB.Row.fetchAll(
      db,
      sql: """
        SELECT coalesce(CAST(type AS TEXT), '') AS type, coalesce(CAST(name AS TEXT), '') AS name,
          coalesce(CAST(sql AS TEXT), '') AS sql FROM sqlite_master
        """
    ).map { Row(type: $0["type"], name: $0["name"], sql: $0["sql"]) }.filter { !statistics.contains($0) }
  }

  /// Refuses code of any kind, before our own migrations write to the tables of an older file.
  static func refuseCode(_ db: Database, path: String) throws {
    let strange = try rows(db).first { row in
      switch row.type {
      case "table": !row.sql.hasPrefix("CREATE TABLE ")
      case "index": !(row.sql.isEmpty || row.sql.hasPrefix("CREATE INDEX "))
      default: true  // a trigger or a view
      }
    }
    if let strange { throw foreign(strange.title, path) }
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
    // By number too: a second row of a name would hide behind the first.
    let (expected, found) = (try expected.get(), try rows(db))
    let counted = Dictionary(grouping: found) { $0 }
    if let strange = found.filter({ !expected.contains($0) || counted[$0]?.count != 1 }).map(\.title).min() {
      throw foreign(strange, path)
    }
    if let missing = expected.filter({ counted[$0] == nil }).map(\.title).min() {
      throw InboxError(
        .corrupt, "use the exchange file", because: "\(path) lacks the \(missing)",
        fix: "move it away; senders that redeliver and the reconciliation fill a new one")
    }
  }
}
