public import Capabilities

// What a rotation will need of the server, asked of the server.
extension PostgresRole {
  public func readiness() async -> [Readiness] {
    guard adminUser != role else {
      return [
        Readiness(
          "admin_user",
          .missing(
            because: "the runner would log in with the very role whose password leaked",
            fix: "give the runner a role of its own: admin_user, admin_password in staunch.yaml"))
      ]
    }
    do throws(CapabilityError) {
      let session = try await session()
      let rows = try await session.query(Self.rights, [role])
      await session.close()
      guard let row = rows.first, row.count == 10 else {
        return [Readiness("rights", .unknown(because: "the server's answer about rights cannot be read"))]
      }
      return answers(row.map { $0 ?? "f" })
    } catch {
      return [Readiness("login of \(adminUser)", error)]
    }
  }

  /// One row, whatever exists. `$1` the role.
  /// Source: https://www.postgresql.org/docs/16/sql-alterrole.html, …/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
  private static let rights = """
    SELECT current_user, me.rolsuper, me.rolcreaterole,
      them.rolname IS NOT NULL, coalesce(them.rolsuper, false),
      pg_catalog.current_setting('server_version_num'::pg_catalog.text)::pg_catalog.int4 >= 160000,
      coalesce(
        pg_catalog.pg_has_role(me.oid, them.oid, 'MEMBER WITH ADMIN OPTION'::pg_catalog.text), false),
      pg_catalog.pg_has_role(me.oid, 'pg_signal_backend'::pg_catalog.name, 'USAGE'::pg_catalog.text)
        OR coalesce(pg_catalog.pg_has_role(me.oid, them.oid, 'USAGE'::pg_catalog.text), false),
      pg_catalog.pg_has_role(me.oid, 'pg_read_all_stats'::pg_catalog.name, 'USAGE'::pg_catalog.text),
      coalesce(them.rolcanlogin, false)
    FROM pg_catalog.pg_roles me LEFT JOIN pg_catalog.pg_roles them ON them.rolname = $1
    WHERE me.rolname = current_user
    """

  private func answers(_ row: [String]) -> [Readiness] {
    let admin = row[0]
    let is16 = row[5] == "t"
    let (isSuper, mayCreate, exists, isTheirsSuper) = (
      row[1] == "t", row[2] == "t", row[3] == "t", row[4] == "t"
    )
    guard exists else {
      return [
        Readiness(
          "role \(role)",
          .missing(because: "the server has no such role", fix: "correct \"role\" in staunch.yaml"))
      ]
    }
    guard admin != role else {
      return [
        Readiness(
          "admin_user",
          .missing(
            because: "the server takes the runner for \(role) itself",
            fix: "give the runner a role of its own: admin_user, admin_password in staunch.yaml"))
      ]
    }
    var found = [
      Readiness(
        "CREATEROLE",
        isSuper || mayCreate
          ? .ready(isSuper ? "\(admin) is a superuser" : "\(admin) holds it")
          : .missing(
            because: "\(admin) may not change the password of \(role)", fix: "ALTER ROLE \(admin) CREATEROLE")
      )
    ]
    if isTheirsSuper, !isSuper {
      found.append(
        Readiness(
          "role \(role)",
          .missing(
            because: "it is a superuser, whose password and sessions only a superuser may touch",
            fix: "take it away (ALTER ROLE \(role) NOSUPERUSER), or name a superuser as admin_user")))
    } else if is16, mayCreate, !isSuper {
      found.append(
        Readiness(
          "ADMIN OPTION on \(role)",
          row[6] == "t"
            ? .ready("\(admin) holds it")
            : .missing(
              because: "from PostgreSQL 16 on CREATEROLE reaches only roles that \(admin) administers",
              fix: "GRANT \(role) TO \(admin) WITH ADMIN OPTION")))
    }
    found.append(
      Readiness(
        "pg_signal_backend",
        isSuper || row[7] == "t"
          ? .ready("\(admin) may end sessions of \(role)")
          : .missing(
            because:
              "\(admin) may not end sessions of \(role): whoever is logged in with the leaked password stays",
            fix: "GRANT pg_signal_backend TO \(admin)")))
    found.append(
      Readiness(
        "pg_read_all_stats",
        isSuper || row[8] == "t"
          ? .ready("sessions opened with the new password are spared")
          : .ready("not held: sessions opened with the new password are ended too")))
    found.append(
      Readiness(
        "LOGIN",
        row[9] == "t"
          ? .ready("\(role) may log in")
          : .missing(
            because:
              "\(role) may not log in (NOLOGIN): no program uses it so, and a new password would open it",
            fix: "ALTER ROLE \(role) LOGIN, or correct \"role\" in staunch.yaml")))
    return found
  }
}
