public import Capabilities
public import Foundation
import Incidents
import JSON

// What lives on behind a user's password: sessions, rights, proxies, events.
extension MariaDBUser {
  private struct Connection {
    let id: UInt64
    /// An address, or a name that the server has looked up.
    let host: String
  }

  private func connections(_ session: any SQLSession) async throws(CapabilityError) -> [Connection] {
    // The list compares names as words are sorted: `App` and `àpp` are found too, who are other accounts.
    let rows = try await session.query(
      "SELECT ID, HOST, USER FROM information_schema.PROCESSLIST WHERE USER = $1", [user])
    var found: [Connection] = []
    for row in rows {
      guard row.count == 3, let id = row[0].flatMap({ UInt64($0) }), let name = row[2] else {
        throw CapabilityError(
          .serverError, "count sessions",
          because: "a session has no number or no user: how many are left is unknown",
          fix: "look yourself: SHOW PROCESSLIST")
      }
      guard name.utf8.elementsEqual(user.utf8) else { continue }
      let text = row[1] ?? ""
      let host = text.lastIndex(of: ":").map { String(text[..<$0]) } ?? text
      found.append(Connection(id: id, host: host))
    }
    return found
  }

  /// Ends every session of the user, by its number, at every server; counts again until they are gone.
  ///
  /// Not `KILL USER app@'10.%'`: it compares the text with the client's looked-up name and ends none, without an error (run).
  /// Neither server says when a session began, so those of the new password are ended too; programs connect again.
  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  {
    var (found, left) = (0, 0)
    for endpoint in try await endpoints() {
      let (session, look) = try await open(at: endpoint)
      do throws(CapabilityError) { try await refuseSeveral(at: endpoint, besides: look.server) } catch {
        await session.close()
        throw error
      }
      let count = try await endSessions(look, session, under: authority)
      await session.close()
      found += count.found
      left += count.left
    }
    return SessionCount(found: found, ended: max(0, found - left), left: left)
  }

  /// Logins that are to meet the same server: one of two, met by chance, stays unseen once in 2⁸.
  private static let meetings = 8

  /// - Throws: `.configuration` where several servers answer at one address: sessions at the others are neither seen nor ended.
  private func refuseSeveral(at endpoint: PostgresRole.Endpoint, besides server: String)
    async throws(CapabilityError)
  {
    guard !endpoint.host.hasPrefix("/") else { return }
    let admin = try await admin()
    for _ in 0..<Self.meetings {
      let session = try await environment.mariadb.connect(login(adminUser, admin, at: endpoint))
      let name = try await session.query("SELECT \(MariaDBLook.name)", []).first?.first
      await session.close()
      guard name != server else { continue }
      throw CapabilityError(
        .configuration, "end sessions of \(user)",
        because: "several servers answer at \(endpoint.name): each knows its own sessions alone",
        fix: "name every one of them under addresses in staunch.yaml")
    }
  }

  private func endSessions(
    _ look: MariaDBLook, _ session: any SQLSession, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> SessionCount {
    // Without them the server shows none of another user's, and says no word.
    for right in ["PROCESS", "CONNECTION ADMIN"] where !look.may(right) {
      await session.close()
      throw CapabilityError(
        .refused, "end sessions of \(user)",
        because: "\(adminUser) has no \(right): other users' sessions stay unseen",
        fix: "GRANT PROCESS, CONNECTION ADMIN ON *.* TO \(adminUser) (before MariaDB 10.5: SUPER)")
    }
    let first = try await connections(session)
    guard !first.isEmpty || !look.accounts.isEmpty else {
      await session.close()
      throw CapabilityError(
        .notFound, "end sessions of \(user)",
        because: "there is no such user: if it was renamed, its sessions live on under the other name",
        fix: "see who is logged in: SHOW PROCESSLIST; then correct \"user\" in staunch.yaml")
    }
    var seen = Set(first.map(\.id))
    var left = first
    // A statement notices its end at its next check, and a transaction is rolled back first.
    for round in 0..<20 where !left.isEmpty {
      if round > 0 { _ = try await session.query("SELECT SLEEP(0.25)", []) }
      for connection in left where round % 4 == 0 || !seen.contains(connection.id) {
        seen.insert(connection.id)
        do throws(CapabilityError) {
          _ = try await session.execute("KILL CONNECTION \(connection.id)", [], under: authority)
        } catch {
          guard error.class == .notFound else { throw error }  // gone by itself
        }
      }
      left = try await connections(session)
    }
    seen.formUnion(left.map(\.id))
    return SessionCount(found: seen.count, ended: seen.count - left.count, left: left.count)
  }

  /// What the user may do, how many ways in there are, who is logged in now.
  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    let (session, look) = try await open(at: primary)
    let rows = look.rows(of: ref)
    guard !rows.isEmpty else {
      await session.close()
      throw CapabilityError(
        .notFound, "inspect user \(ref)", because: "there is no such user",
        fix: "check \"user\" in staunch.yaml")
    }
    let rights = try await session.query(
      "SELECT DISTINCT GRANTEE, PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES "
        + "WHERE PRIVILEGE_TYPE <> 'USAGE'", [])
    let grantees = Set(rows.map { "'\($0.user)'@'\($0.host)'" })
    let names = Set(
      rights.compactMap { row -> String? in
        guard row.count == 2, let grantee = row[0], grantees.contains(grantee) else { return nil }
        return row[1]?.lowercased()
      })
    let current = try await connections(session)
    await session.close()
    return CredentialFacts([
      "owner": .string(user),
      "privilege": .array(names.sorted().map { .string($0) }),
      // Never the verifiers: a weak password could be guessed from its own.
      "hosts": .array(rows.map { .string($0.host) }),
      "passwords": .integer(rows.reduce(0) { $0 + Self.passwords(of: $1) }),
      "can_login": .boolean(rows.contains { !$0.isLocked }),
      "sessions": .object(
        Dictionary(grouping: current, by: \.host).mapValues { JSONValue.integer($0.count) }),
    ])
  }

  private static func passwords(of row: MariaDBAccount) -> Int {
    row.methods.count { MariaDBAccount.keepsVerifier($0) && !$0.text.isEmpty } + (row.hasSecond ? 1 : 0)
  }

  /// Looks at the sessions of this moment: the server keeps no history of logins (its general log does), so not seeing any is
  /// no evidence.
  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    let (session, look) = try await open(at: primary)
    let current = try await connections(session)
    await session.close()
    var findings: [String] = []
    var seen: Bool?
    for (host, group) in Dictionary(grouping: current, by: \.host).sorted(by: { $0.key < $1.key }) {
      // A name that the server has looked up is its DNS's word, and no address.
      let isAddress = host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." }
      let isStrange =
        isAddress && !host.isEmpty && !expectedClients.isEmpty && !expectedClients.contains(host)
      if isStrange { seen = true }
      findings.append(
        "\(group.count) open session(s) from \(host.isEmpty ? "this server" : host)"
          + (isStrange ? ", which is not expected" : ""))
    }
    for row in look.rows(of: ref) where Self.passwords(of: row) > 1 {
      findings.append(
        "\(row.ref) takes \(Self.passwords(of: row)) passwords; whoever holds one may have added another")
    }
    findings.append(
      expectedClients.isEmpty
        ? "no expected_clients in staunch.yaml: nobody can say which sessions are yours"
        : "only open sessions were looked at; the server's log holds earlier logins of \(user)")
    return AbuseReport(seen: seen, covered: nil, findings: findings)
  }

  /// Who may act as the user without its password, and what runs in its name.
  public func successors(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> Successors {
    let (session, look) = try await open(at: primary)
    let proxies = try await session.query(
      "SELECT CAST(User AS CHAR), CAST(Host AS CHAR) FROM mysql.proxies_priv WHERE Proxied_user = $1 ORDER BY 1, 2",
      [user])
    // MySQL shows those of databases whose events the runner may see; MariaDB's table holds all.
    let events = try await session.query(
      look.isMariaDB
        ? "SELECT CONCAT(CAST(db AS CHAR), '.', CAST(name AS CHAR)), CAST(definer AS CHAR) FROM mysql.event ORDER BY 1"
        : "SELECT CONCAT(EVENT_SCHEMA, '.', EVENT_NAME), DEFINER FROM information_schema.EVENTS ORDER BY 1",
      [])
    await session.close()
    var found: [Successors.Successor] = []
    for row in proxies where row.count == 2 {
      let name = "\(row[0] ?? "")@\(row[1] ?? "")"
      found.append(Successors.Successor(CredentialRef(name), what: "proxy \(name), which may act as \(user)"))
    }
    for row in events where row.count == 2 {
      guard let name = row[0], row[1]?.hasPrefix(user + "@") == true else { continue }
      found.append(Successors.Successor(CredentialRef(name), what: "event \(name), which runs as \(user)"))
    }
    return Successors(found, covered: nil)
  }
}
