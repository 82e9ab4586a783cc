import Capabilities
import Incidents
import Secrets

// The other databases of a server: pg_hba.conf may have another line for each, with another judge.
extension PostgresRole {
  /// More than so many are not tried one by one.
  private static let mostDatabases = 256

  /// Where else the role's passwords may be judged.
  struct Surroundings {
    /// The databases that it may connect to, besides the entry's own.
    let databases: [String]
    /// The line of pg_hba.conf that lets somebody else judge; nil: none, or the runner may not read the lines.
    let otherJudge: String?
  }

  func surroundings(of user: String, _ admin: SQLLogin) async throws(CapabilityError) -> Surroundings {
    let session = try await safeSession(admin)
    let rows = try await session.query(
      """
      SELECT d.datname FROM pg_catalog.pg_database d
        JOIN pg_catalog.pg_roles r ON r.rolname = $1::pg_catalog.name
      WHERE d.datallowconn AND d.datname <> $2::pg_catalog.name
        AND pg_catalog.has_database_privilege(r.oid, d.oid, 'CONNECT'::pg_catalog.text)
      ORDER BY d.datname LIMIT \(Self.mostDatabases + 1)
      """, [user, database])
    let right = try await session.query(
      """
      SELECT pg_catalog.has_function_privilege('pg_catalog.pg_hba_file_rules()'::pg_catalog.text,
        'EXECUTE'::pg_catalog.text)
      """, [])
    var lines: [[String?]] = []
    if right.first?.first.flatMap({ $0 }) == "t" { lines = try await session.query(Self.otherJudges, [user]) }
    await session.close()
    var judge: String?
    if let row = lines.first, row.count == 2, let line = row[0], let method = row[1] {
      judge = "line \(line) of pg_hba.conf lets \(method) judge this role's passwords"
    }
    return Surroundings(databases: rows.compactMap { $0.first.flatMap { $0 } }, otherJudge: judge)
  }

  /// `$1` the role. A line that an earlier one for the same place always answers first does not count.
  /// Source: https://www.postgresql.org/docs/15/view-pg-hba-file-rules.html
  private static let otherJudges = """
    WITH rules AS (
      SELECT h.*, 'all' = ANY (h.user_name) OR $1::pg_catalog.text = ANY (h.user_name)
        OR EXISTS (SELECT FROM pg_catalog.pg_roles g
          JOIN pg_catalog.pg_roles me ON me.rolname = $1::pg_catalog.text::pg_catalog.name
          WHERE '+' || g.rolname::pg_catalog.text = ANY (h.user_name)
            AND pg_catalog.pg_has_role(me.oid, g.oid, 'MEMBER'::pg_catalog.text)) AS is_ours
      FROM pg_catalog.pg_hba_file_rules() WITH ORDINALITY h WHERE h.error IS NULL)
    SELECT r.line_number, r.auth_method FROM rules r
    WHERE r.is_ours AND r.auth_method IN ('ldap', 'radius', 'pam', 'bsd')
      AND NOT EXISTS (SELECT FROM rules e WHERE e.is_ours AND e.ordinality < r.ordinality
        AND (e.database @> r.database OR ('all' = ANY (e.database) AND NOT 'replication' = ANY (r.database)))
        AND (e.type = r.type OR (e.type = 'host' AND r.type LIKE 'host%'))
        AND (e.address = 'all' OR (e.address IS NOT DISTINCT FROM r.address
          AND e.netmask IS NOT DISTINCT FROM r.netmask)))
    ORDER BY r.ordinality LIMIT 1
    """

  /// What another database of the server says of `secret` that is no refusal; nil: nothing against its death.
  ///
  /// A database that asks for no password, or that has no line for this role and place, tells nothing of a password.
  func elsewhere(_ names: [String], _ secret: Secret, _ user: String, at endpoint: Endpoint) async
    -> CredentialProbe?
  {
    var doubt: CredentialProbe?
    for name in names.prefix(Self.mostDatabases) {
      var login = login(user, secret, at: endpoint)
      login.database = name
      switch await environment.postgres.tryLogin(login) {
      case .accepted, .admitted:
        return CredentialProbe(.alive, code: "login accepted in database \(name)")
      case .rejected(code: "28P01"), .noPasswordAsked, .undecided(code: "28000"): continue
      case .rejected(let code):
        let why = "\(code) in database \(name): somebody else judges there (pg_hba.conf: ldap, radius, pam)"
        doubt = doubt ?? CredentialProbe(.unknown, code: why)
      case .undecided(let code):
        doubt = doubt ?? CredentialProbe(.unknown, code: "\(code), in database \(name)")
      }
    }
    guard doubt == nil, names.count > Self.mostDatabases else { return doubt }
    return CredentialProbe(
      .unknown, code: "only \(Self.mostDatabases) of the databases that \(user) may connect to were tried")
  }
}
