public import Capabilities

// What a login of the role needs beside its password. A run that sets a new one where this is missing ends with a password
// that nobody gets in with.
extension PostgresRole {
  public func loginReadiness() async -> [Readiness] {
    do throws(CapabilityError) {
      let session = try await session()
      let rows = try await session.query(Self.login, [role, database])
      await session.close()
      // The role that is not there is told by ``readiness()``.
      guard let row = rows.first else { return [] }
      guard row.count == 6 else {
        return [Readiness("login of \(role)", .unknown(because: "the server's answer cannot be read"))]
      }
      return logins(row.map { $0 ?? "" })
    } catch {
      return [Readiness("login of \(role)", .unknown(because: "\(error.operation): \(error.because)"))]
    }
  }

  /// One row when there is such a role. `$1` the role, `$2` the database.
  private static let login = """
    SELECT d.oid IS NOT NULL, coalesce(d.datallowconn, false),
      coalesce(pg_catalog.has_database_privilege(r.oid, d.oid, 'CONNECT'::pg_catalog.text), false),
      coalesce(r.rolvaliduntil < pg_catalog.now(), false),
      NOT r.rolsuper AND r.rolconnlimit = 0, coalesce(NOT r.rolsuper AND d.datconnlimit = 0, false)
    FROM pg_catalog.pg_roles r LEFT JOIN pg_catalog.pg_database d ON d.datname = $2::pg_catalog.name
    WHERE r.rolname = $1::pg_catalog.name
    """

  private func logins(_ row: [String]) -> [Readiness] {
    func answer(_ what: String, _ isRight: Bool, _ word: String, because: String, fix: String) -> Readiness {
      Readiness(what, isRight ? .ready(word) : .missing(because: because, fix: fix))
    }
    var found = [
      answer(
        "database \(database)", row[0] == "t" && row[1] == "t", "the server has it",
        because: row[0] == "t" ? "it takes no connections" : "the server has no such database",
        fix: row[0] == "t"
          ? "ALTER DATABASE \(database) ALLOW_CONNECTIONS true"
          : "correct \"database\" in staunch.yaml")
    ]
    if row[0] == "t" {
      found.append(
        answer(
          "CONNECT", row[2] == "t", "\(role) may connect to \(database)",
          because: "\(role) may not connect to \(database): no password of it gets in there",
          fix: "GRANT CONNECT ON DATABASE \(database) TO \(role), or correct \"database\" in staunch.yaml"))
    }
    if row[3] == "t" {
      found.append(
        Readiness(
          "VALID UNTIL",
          .missing(
            because: "it is past: the server refuses every password of \(role), a new one too",
            fix:
              "ALTER ROLE \(role) VALID UNTIL 'infinity' (where the old password leaked, with PASSWORD NULL)"
          )))
    }
    if row[4] == "t" || row[5] == "t" {
      found.append(
        Readiness(
          "CONNECTION LIMIT",
          .missing(
            because: "it is 0: nobody gets in",
            fix: row[4] == "t"
              ? "ALTER ROLE \(role) CONNECTION LIMIT -1" : "ALTER DATABASE \(database) CONNECTION LIMIT -1")))
    }
    return found
  }
}
