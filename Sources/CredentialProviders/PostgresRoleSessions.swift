public import Capabilities
public import Foundation
import Incidents
import JSON

// What lives on behind a role's password: sessions, rights, traces.
extension PostgresRole {
  /// Which sessions are the leaked credential's. `$1` the role, `$2` seconds since 1970 by the server's clock.
  ///
  /// A dropped role's sessions live on and have no user name. Without `pg_read_all_stats` the start of other users'
  /// sessions is NULL: those are taken as old, because a filter on it would silently end none.
  private static let doomed = """
    SELECT a.pid FROM pg_catalog.pg_stat_activity a
    WHERE a.pid <> pg_catalog.pg_backend_pid()
      AND (a.usename = $1::pg_catalog.name
        OR (a.usename IS NULL AND a.usesysid IS NOT NULL
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = $1::pg_catalog.name)
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = a.usesysid)))
      AND (a.backend_start IS NULL
        OR a.backend_start < pg_catalog.to_timestamp($2::pg_catalog.float8))
    """

  /// Ends every session of the role that began before `before`, at every server; counts again until they are gone.
  ///
  /// Where there is no such role, those of dropped roles are ended, and the answer is no count: a session of a role that was
  /// renamed goes by the other name, and whose a session without a name was nobody can tell.
  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  {
    let (count, isMissing) = try await endAll(ref, before: before, under: authority)
    guard !isMissing else { throw missing(ref, count) }
    return count
  }

  /// The same, with whether a server has no such role: for whoever knows that it was dropped on purpose.
  func endAll(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> (count: SessionCount, isMissing: Bool)
  {
    var found = 0
    var left = 0
    var isMissing = false
    for endpoint in try await endpoints() {
      let login = moved(try await adminLogin(), to: endpoint)
      let session = try await safeSession(login)
      do throws(CapabilityError) { try await refuseSeveral(at: endpoint, login, besides: session) } catch {
        await session.close()
        throw error
      }
      let count = try await endSessions(ref, before: before, session, under: authority)
      if try await !isThere(ref, session) { isMissing = true }
      await session.close()
      found += count.found
      left += count.left
    }
    return (SessionCount(found: found, ended: max(0, found - left), left: left), isMissing)
  }

  /// Logins that are to meet the same server: one of two, met by chance, stays unseen once in 2⁸.
  private static let meetings = 8

  /// - Throws: `.configuration` where several servers answer at one address: sessions at the others are neither seen nor ended.
  private func refuseSeveral(at endpoint: Endpoint, _ login: SQLLogin, besides session: any SQLSession)
    async throws(CapabilityError)
  {
    guard !endpoint.host.hasPrefix("/") else { return }
    let first = try await Self.server(session)
    for _ in 0..<Self.meetings {
      let another = try await safeSession(login)
      let server: String
      do throws(CapabilityError) { server = try await Self.server(another) } catch {
        await another.close()
        throw error
      }
      await another.close()
      guard server != first else { continue }
      throw CapabilityError(
        .configuration, "end sessions of \(role)",
        because: "several servers answer at \(endpoint.name): each knows its own sessions alone",
        fix: "name every one of them under addresses in staunch.yaml")
    }
  }

  private static func server(_ session: any SQLSession) async throws(CapabilityError) -> String {
    let rows = try await session.query("SELECT \(Control.name)", [])
    guard let name = rows.first?.first.flatMap({ $0 }) else {
      throw CapabilityError(
        .serverError, "count sessions", because: "the server told nothing about itself")
    }
    return name
  }

  private func endSessions(
    _ ref: CredentialRef, before: Date, _ session: any SQLSession,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> SessionCount {
    let limit = try await serverTime(before, session)
    let parameters = [ref.rawValue, limit]
    let first = try await session.execute(
      """
      SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (
        WHERE pg_catalog.pg_terminate_backend(d.pid::pg_catalog.int4)) FROM (\(Self.doomed)) d
      """,
      parameters,
      under: authority)
    let found = try Self.number(first)
    var left = found
    // A backend notices the signal at its next interrupt check: wait for the slow ones, a few at a time, so that
    // the statement stays within its time limit.
    for _ in 0..<5 where left > 0 {
      _ = try await session.execute(
        """
        SELECT pg_catalog.count(*) FILTER (
          WHERE pg_catalog.pg_terminate_backend(d.pid::pg_catalog.int4, 2000::pg_catalog.int8))
        FROM (\(Self.doomed) LIMIT 5) d
        """,
        parameters,
        under: authority)
      left = try Self.number(
        try await session.query("SELECT pg_catalog.count(*) FROM (\(Self.doomed)) d", parameters))
    }
    return SessionCount(found: found, ended: max(0, found - left), left: left)
  }

  private func isThere(_ ref: CredentialRef, _ session: any SQLSession) async throws(CapabilityError) -> Bool
  {
    let rows = try await session.query(
      "SELECT pg_catalog.count(*) FROM pg_catalog.pg_roles WHERE rolname = $1::pg_catalog.name",
      [ref.rawValue])
    return try Self.number(rows) > 0
  }

  private func missing(_ ref: CredentialRef, _ count: SessionCount) -> CapabilityError {
    CapabilityError(
      .notFound, "end sessions of \(ref)",
      because:
        "there is no such role; of \(count.found) sessions of dropped roles \(count.ended) were ended; if it was "
        + "renamed, its own live on under the other name",
      fix: "see who is logged in: psql -c 'SELECT usename, usesysid FROM pg_catalog.pg_stat_activity'; "
        + "where it was renamed, correct \"role\" in staunch.yaml")
  }

  private static func number(_ rows: [[String?]]) throws(CapabilityError) -> Int {
    guard let number = rows.first?.first.flatMap({ $0 }).flatMap({ Int($0) }), number >= 0 else {
      throw CapabilityError(
        .serverError, "count sessions",
        because: "the server's answer is no number: how many are left is unknown",
        fix: "look yourself: SELECT pid, usename FROM pg_catalog.pg_stat_activity")
    }
    return number
  }

  /// `moment` by the server's clock, with the time of one exchange as a margin: a session that began in between is
  /// ended rather than spared.
  private func serverTime(_ moment: Date, _ session: any SQLSession) async throws(CapabilityError) -> String {
    let start = environment.now()
    let rows = try await session.query("SELECT extract(epoch FROM pg_catalog.clock_timestamp())", [])
    let end = environment.now()
    guard let text = rows.first?.first.flatMap({ $0 }), let server = Double(text) else {
      throw CapabilityError(.serverError, "SELECT", because: "the server told no time")
    }
    let skew = server - start.timeIntervalSince1970
    let margin = max(0, end.timeIntervalSince(start))
    return String(moment.timeIntervalSince1970 + skew + margin)
  }

  /// What the role may do, who belongs to it, and who is logged in now.
  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    let session = try await session()
    let rows = try await session.query(
      """
      SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin,
        rolvaliduntil::pg_catalog.text, rolconnlimit::pg_catalog.text
      FROM pg_catalog.pg_roles WHERE rolname = $1
      """, [ref.rawValue])
    guard let row = rows.first, row.count == 8 else {
      throw CapabilityError(
        .notFound, "inspect role \(ref)", because: "there is no such role",
        fix: "check \"role\" in staunch.yaml")
    }
    let rights = ["superuser", "createrole", "createdb", "replication", "bypassrls"]
    var facts: [String: JSONValue] = [
      "owner": .string(ref.rawValue),
      "privilege": .array(zip(rights, row).filter { $1 == "t" }.map { .string($0.0) }),
      "can_login": .boolean(row[5] == "t"),
    ]
    if let until = row[6] { facts["valid_until"] = .string(until) }
    let groups = try await session.query(
      """
      WITH RECURSIVE g AS (
        SELECT m.roleid FROM pg_catalog.pg_auth_members m
          JOIN pg_catalog.pg_roles r ON r.oid = m.member WHERE r.rolname = $1
        UNION SELECT m.roleid FROM pg_catalog.pg_auth_members m JOIN g ON m.member = g.roleid)
      SELECT r.rolname FROM g JOIN pg_catalog.pg_roles r ON r.oid = g.roleid ORDER BY 1
      """, [ref.rawValue])
    facts["scopes"] = .array(groups.compactMap { $0.first.flatMap { $0 } }.map { .string($0) })
    let sessions = try await session.query(
      """
      SELECT coalesce(pg_catalog.host(client_addr), 'local'), pg_catalog.count(*)::pg_catalog.text
      FROM pg_catalog.pg_stat_activity WHERE usename = $1 GROUP BY 1 ORDER BY 1
      """,
      [ref.rawValue])
    facts["sessions"] = .object(
      Dictionary(
        sessions.compactMap { row in
          guard row.count == 2, let address = row[0], let count = row[1].flatMap({ Int($0) }) else {
            return nil
          }
          return (address, .integer(count))
        }, uniquingKeysWith: { first, _ in first }))
    await session.close()
    return CredentialFacts(facts)
  }

  /// Looks at the sessions of this moment: SQL keeps no history of logins (the server's log does, with
  /// `log_connections`), so not seeing any is no evidence.
  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    guard !expectedClients.isEmpty else {
      return AbuseReport(
        seen: nil, covered: nil,
        findings: ["no expected_clients in staunch.yaml; search the server's log for logins of \(ref)"])
    }
    let session = try await session()
    let networks = "{" + expectedClients.joined(separator: ",") + "}"
    let rows = try await session.query(
      """
      SELECT pg_catalog.host(client_addr), pg_catalog.count(*)::pg_catalog.text
      FROM pg_catalog.pg_stat_activity
      WHERE usename = $1 AND client_addr IS NOT NULL AND NOT client_addr <<= ANY ($2::pg_catalog.inet[])
      GROUP BY 1 ORDER BY 1
      """, [ref.rawValue, networks])
    await session.close()
    let findings = rows.compactMap { row -> String? in
      guard row.count == 2, let address = row[0], let count = row[1] else { return nil }
      return "\(count) open session(s) from \(address), which is not expected"
    }
    return AbuseReport(
      seen: findings.isEmpty ? nil : true, covered: nil,
      findings: findings + [
        "only open sessions were looked at; the server's log holds earlier logins of \(ref)"
      ])
  }
}
