import Capabilities
import Foundation

/// The settings that every session of ours starts with, so that neither a role nor a database chooses them.
///
/// Whoever owns a database may pre-set most of them (`ALTER DATABASE … SET search_path = evil, pg_catalog`), and then
/// `pg_stat_activity` is their view and `pg_backend_pid()` their function, run with our rights. A client's start-up
/// options come after both (`PGC_S_CLIENT`), and are read back: a pooler may drop them.
/// Sources: https://www.postgresql.org/docs/15/config-setting.html, …/runtime-config-client.html, …/ddl-schemas.html
enum PinnedSettings {
  /// `pg_temp` last: unnamed, the session's own temporary tables would come first.
  static let searchPath = "pg_catalog, pg_temp"

  /// `-c name=value …`. Every name is one that PostgreSQL 10 knows and that any user may set.
  static func options(statementTimeout: Duration) -> String {
    let values = [
      ("search_path", searchPath), ("role", "none"),
      ("statement_timeout", "\(statementTimeout.milliseconds)"),
      ("lock_timeout", "10000"), ("idle_in_transaction_session_timeout", "0"),
      ("default_transaction_read_only", "off"), ("default_transaction_deferrable", "off"),
      ("default_transaction_isolation", "read committed"), ("synchronous_commit", "on"),
      ("standard_conforming_strings", "on"), ("transform_null_equals", "off"), ("array_nulls", "on"),
      ("client_min_messages", "warning"), ("DateStyle", "ISO"), ("IntervalStyle", "postgres"),
      ("TimeZone", "UTC"), ("bytea_output", "hex"), ("quote_all_identifiers", "off"),
    ]
    // In `options` a backslash keeps a space within a word.
    return values.map { "-c \($0.0)=\($0.1.replacing(" ", with: "\\ "))" }.joined(separator: " ")
  }

  /// What would make this session another than it was asked to be, had a role or a database pre-set it: libraries are
  /// loaded before we can ask anything.
  private static let refused: Set = [
    "session_preload_libraries", "local_preload_libraries", "dynamic_library_path",
    "session_replication_role",
    "session_authorization",
  ]

  /// One row: the path, who we are twice, and what is pre-set for this user and database.
  static let question = """
    SELECT pg_catalog.current_setting('search_path'::pg_catalog.text), current_user::pg_catalog.text,
      session_user::pg_catalog.text,
      (SELECT pg_catalog.string_agg(pg_catalog.split_part(c, '='::pg_catalog.text, 1::pg_catalog.int4),
          ','::pg_catalog.text)
        FROM pg_catalog.pg_db_role_setting s CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) c
        WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d
            WHERE d.datname = pg_catalog.current_database()))
          AND s.setrole IN (0, (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = session_user)))
    """

  /// - Throws: `.unsafe` when the session is not what it was asked to be.
  static func check(_ rows: [[String?]], _ login: SQLLogin) throws(CapabilityError) {
    let operation = "session of \(login.user) in database \(login.database)"
    guard let row = rows.first, row.count == 4, row[0] == searchPath else {
      throw CapabilityError(
        .unsafe, operation,
        because: "the server did not take search_path from us (a pooler between us and it?)",
        fix: "connect to the server itself: host and port in staunch.yaml")
    }
    guard row[1] == row[2] else {
      throw CapabilityError(
        .unsafe, operation, because: "the session acts as another role than it logged in as",
        fix: "ALTER ROLE \(login.user) RESET role; ALTER DATABASE \(login.database) RESET role")
    }
    let preset = Set((row[3] ?? "").lowercased().split(separator: ",").map(String.init))
    if let name = preset.intersection(refused).sorted().first {
      throw CapabilityError(
        .unsafe, operation,
        because: "\(name) is pre-set for this user or database: somebody else's code may run with our rights",
        fix: "see who set it (\\drds in psql), RESET it, or name another admin_database in staunch.yaml")
    }
  }
}
