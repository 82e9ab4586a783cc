import Capabilities
import Incidents
import Secrets
import Synchronization

// Whether a refusal was the password's own. A server also says 28P01 without having compared anything: a `scram-sha-256`
// line of pg_hba.conf refuses every password that is stored as MD5 (while another line accepts it), and so it does for a role
// without a password or past VALID UNTIL. Sources: `get_role_password` and `CheckSCRAMAuth` in src/backend/libpq/{crypt,auth}.c,
// https://www.postgresql.org/docs/15/auth-password.html
//
// What each cause is worth:
// - compared with a SCRAM verifier and different: dead, in every database, for a role has one password for all;
// - NOLOGIN: dead, whatever the password; the server looks at it at every login;
// - stored as MD5, VALID UNTIL past, another judge (ldap, radius, pam), no line of pg_hba.conf, TLS demanded: unknown;
// - no such database, no CONNECT, no connection left, once the password was asked for: alive, for they come behind it.
extension PostgresRole {
  /// What the runner's own login shows.
  struct Control {
    /// How the role's password is stored.
    enum Stored: String { case scram, md5, absent, other }

    /// Tells one server from another behind the same address.
    let server: String
    /// ``server``, as SQL.
    static let name = """
      pg_catalog.concat_ws('/'::pg_catalog.text, pg_catalog.inet_server_addr(),
        pg_catalog.inet_server_port(), pg_catalog.pg_postmaster_start_time())
      """
    /// Nil: there is no such role.
    let canLogin: Bool?
    let isExpired: Bool
    /// Nil: the runner may not look.
    let stored: Stored?

    /// Why no password of the role is compared; nil: it may be.
    var obstacle: String? {
      if canLogin == false { return nil }  // a verdict of its own, whatever the password
      if isExpired {
        return
          "VALID UNTIL of the role is past: the server refuses every password and compares none, and each comes back "
          + "when it is extended"
      }
      switch stored {
      case .md5:
        return
          "the password is stored as MD5, which a scram-sha-256 line of pg_hba.conf never compares with: another line "
          + "may accept it"
      case .other: return "the password is stored in a way that is not known here"
      case .scram, .absent, nil: return nil
      }
    }

    /// Why a refusal says nothing about the password.
    func problem(_ code: String) -> String? {
      guard let canLogin else { return "\(code), but there is no such role: renamed, or the entry is wrong" }
      // pg_hba.conf may ask somebody else (ldap, radius, pam), who may be down: that is 28000, and so is a role without
      // LOGIN, which the server checks itself.
      guard code != "28P01", canLogin else { return nil }
      return "\(code): refused for another reason than the password (pg_hba.conf: ldap, radius, pam, reject)"
    }
  }

  func control(_ login: SQLLogin, _ user: String) async throws(CapabilityError) -> Control {
    let session = try await safeSession(login)
    let rows = try await session.query(
      """
      SELECT \(Control.name),
        r.rolcanlogin, coalesce(r.rolvaliduntil < pg_catalog.now(), false),
        pg_catalog.has_column_privilege('pg_catalog.pg_authid'::pg_catalog.regclass::pg_catalog.oid,
            'rolname'::pg_catalog.text, 'SELECT'::pg_catalog.text)
          AND pg_catalog.has_column_privilege('pg_catalog.pg_authid'::pg_catalog.regclass::pg_catalog.oid,
            'rolpassword'::pg_catalog.text, 'SELECT'::pg_catalog.text)
      FROM (SELECT) one LEFT JOIN pg_catalog.pg_roles r ON r.rolname = $1::pg_catalog.name
      """, [user])
    guard let row = rows.first, row.count == 4, let server = row[0] else {
      throw CapabilityError(.serverError, "SELECT", because: "the server told nothing about itself")
    }
    var found: Control.Stored?
    if row[3] == "t" { found = try await stored(user, session) }
    await session.close()
    return Control(
      server: server, canLogin: row[1].map { $0 == "t" }, isExpired: row[2] == "t", stored: found)
  }

  /// The verifier itself stays at the server. Nil: there is no such role.
  private func stored(_ user: String, _ session: any SQLSession) async throws(CapabilityError)
    -> Control.Stored?
  {
    let rows = try await session.query(
      """
      SELECT CASE WHEN a.rolpassword IS NULL THEN 'absent'
        WHEN a.rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'scram'
        WHEN a.rolpassword LIKE 'md5%' THEN 'md5' ELSE 'other' END
      FROM pg_catalog.pg_authid a WHERE a.rolname = $1::pg_catalog.name
      """, [user])
    return rows.first?.first.flatMap { $0 }.flatMap(Control.Stored.init)
  }

  /// What a row of 28P01 at one server is worth.
  /// - Parameter seen: the runner's own logins between them.
  func judged(
    _ secret: Secret, user: String, at endpoint: Endpoint, _ admin: SQLLogin, _ seen: [Control],
    servers: Int, evidence: ProbeEvidence
  ) async throws(CapabilityError) -> CredentialProbe {
    if let obstacle = seen.lazy.compactMap(\.obstacle).first {
      return CredentialProbe(.unknown, code: "28P01: \(obstacle)")
    }
    let around = try await surroundings(of: user, admin)
    if let other = await elsewhere(around.databases, secret, user, at: endpoint) { return other }
    let isAbsent = seen.allSatisfy { $0.stored == .absent }
    let isStored = seen.allSatisfy { $0.stored == .scram || $0.stored == .absent }
    var isKnown = false
    if !isAbsent {
      // Several servers behind one address: each is met by chance.
      isKnown = await takesAnother(than: secret, user, at: endpoint, times: servers > 1 ? 12 : 1)
    }
    guard isStored || isKnown else {
      return CredentialProbe(
        .unknown,
        code:
          "28P01, but whether the server compared it is not seen: no other password of the role is known to work, "
          + "and how it is stored may not be looked at (GRANT SELECT (rolname, rolpassword) ON pg_catalog.pg_authid "
          + "TO \(adminUser), in database \(adminDatabase))", isRefused: true)
    }
    if let judge = around.otherJudge { return CredentialProbe(.unknown, code: "28P01, but \(judge)") }
    let takesOne = !isAbsent && seen.allSatisfy { $0.canLogin == true }
    // A role may change its own password: this one may be set by whoever holds the leaked one.
    let isForeign = takesOne && !isKnown
    let code =
      isAbsent
      ? "28P01: the role has no password"
      : isForeign ? "28P01: the password that it has now is not known here" : "28P01"
    return CredentialProbe(
      .dead, code: code, isReplaced: takesOne && isKnown, isForeign: isForeign, evidence: evidence)
  }

  /// Whether another password of the role is accepted: it has one, stored for SCRAM then, and every other one is compared
  /// with it and refused, in whichever database. (A password in clear or its MD5 is never sent.)
  private func takesAnother(than secret: Secret, _ user: String, at endpoint: Endpoint, times: Int) async
    -> Bool
  {
    for other in await presentPasswords() where !other.isEmpty && !other.isSame(as: secret) {
      var accepted = 0
      while accepted < times {
        switch await environment.postgres.tryLogin(login(user, other, at: endpoint)) {
        case .accepted, .admitted:
          accepted += 1
          continue
        case .rejected, .undecided: break
        }
        break
      }
      if accepted == times { return true }
    }
    return false
  }
}

/// The password that this process has set, kept to be tried between the refusals of others.
final class IssuedPassword: Sendable {
  private let held = Mutex<Secret?>(nil)
  var value: Secret? {
    get { held.withLock { $0 } }
    set { held.withLock { $0 = newValue } }
  }
}
