public import Capabilities
public import Foundation
public import Incidents
import JSON
import RESTClient
public import Secrets

// What the database says of a leased user: whether it is gone, who is logged in, and what the runner may do there.
extension VaultDatabase {
  /// Refusals at each server, with a look at its roles before each.
  private static let refusals = 3

  /// Dead means: the database has no such user any more and refuses the login, or has taken LOGIN from it. Without a name
  /// every user of the role is tried.
  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    do throws(CapabilityError) {
      if let ref { return try await verify(secret, user: ref.rawValue) }
      let users = try await users()
      guard !users.isEmpty else { return try await nobodyLeft() }
      var probes: [CredentialProbe] = []
      for user in users {
        let probe = try await verify(secret, user: user)
        if probe.state == .alive { return probe }
        probes.append(probe)
      }
      let verdict = CredentialProbe.verdict(of: probes)
      guard verdict.state == .dead else { return verdict }
      // What the others' passwords are is not asked.
      return CredentialProbe(
        .dead, code: "\(verdict.word), of every user of the role", evidence: verdict.evidence)
    } catch {
      guard error.class != .configuration, error.class != .unsupported else { throw error }
      return CredentialProbe(.unknown, code: "\(error.class.rawValue): \(error.because)")
    }
  }

  /// The role has no user at the database: so its leases must be none either.
  private func nobodyLeft() async throws(CapabilityError) -> CredentialProbe {
    let count = try await leases().count
    guard count == 0 else {
      return CredentialProbe(
        .unknown,
        code: "\(count) leases are listed, and the database has no user of them: is it the right one?")
    }
    return CredentialProbe(
      .dead, code: "no lease and no user of the role is left",
      // Without a name no login was tried: both lists were empty.
      evidence: ProbeEvidence(refusals: 0, controls: 1))
  }

  private func verify(_ secret: Secret, user: String) async throws(CapabilityError) -> CredentialProbe {
    let database = try database(of: user)
    let admin = try await database.adminLogin()
    var code = ""
    var refusals = 0
    for endpoint in try await database.endpoints() {
      var control = admin
      endpoint.apply(to: &control)
      for _ in 0..<Self.refusals {
        // A user that is there is judged as every other role: by the password, or by LOGIN.
        guard try await database.control(control, user).canLogin == nil else {
          return try await database.verify(secret, ref: CredentialRef(user))
        }
        switch await environment.postgres.tryLogin(database.login(user, secret, at: endpoint)) {
        case .accepted, .admitted:
          return CredentialProbe(.alive, code: "login accepted at \(endpoint.name)")
        case .undecided(let word):
          return CredentialProbe(.unknown, code: "\(word) at \(endpoint.name)")
        case .rejected(let word):
          code = word
          refusals += 1
        }
      }
    }
    return CredentialProbe(
      .dead, code: "\(code), no such user", evidence: ProbeEvidence(refusals: refusals, controls: refusals))
  }

  /// Also of a user that was dropped with its lease: its sessions have no name any more, so those of all dropped users end.
  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  { try await database(of: ref.rawValue).endAll(ref, before: before, under: authority).count }

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    var facts = try await database(of: ref.rawValue).inspect(ref).facts
    facts["leases"] = JSONValue.integer(try await leases(of: ref, Leak()).count)
    facts["owns"] = JSONValue.integer(try await owned(by: ref.rawValue))
    facts["survives"] = "sessions outlive the lease; what the user owns keeps the server from dropping it"
    return CredentialFacts(facts)
  }

  /// How many things are the user's, in all databases: each of them keeps it from being dropped.
  private func owned(by user: String) async throws(CapabilityError) -> Int {
    let session = try await database(of: user).session()
    let rows = try await session.query(
      """
      SELECT pg_catalog.count(*) FROM pg_catalog.pg_shdepend d JOIN pg_catalog.pg_roles r ON d.refobjid = r.oid
      WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass::pg_catalog.oid AND d.deptype = 'o'
        AND r.rolname = $1::pg_catalog.name
      """, [user])
    await session.close()
    guard let count = rows.first?.first.flatMap({ $0 }).flatMap({ Int($0) }) else {
      throw CapabilityError(
        .serverError, "count what \(user) owns", because: "the server's answer is no number")
    }
    return count
  }

  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    try await database(of: ref.rawValue).searchAbuse(ref, since: since)
  }

  // MARK: rights

  public func readiness() async -> [Readiness] {
    var needs: [VaultClient.Need] = [
      VaultClient.Need("drawing a login", prefix, "read"),
      VaultClient.Need("finding leases", "sys/leases/lookup/\(prefix)/", "list", "sudo"),
      VaultClient.Need("looking a lease up", "sys/leases/lookup", "update"),
    ]
    if settings.revokes == "role" {
      needs.append(VaultClient.Need("revoking", "sys/leases/revoke-prefix/\(prefix)", "update", "sudo"))
    } else {
      needs.append(VaultClient.Need("revoking", "sys/leases/revoke", "update"))
    }
    if settings.pattern == nil {
      needs.append(VaultClient.Need("names of users", "\(settings.mount)/roles/\(settings.role)", "read"))
    }
    var found = await vault.readiness(needs)
    do throws(CapabilityError) {
      let users = try await users()
      found.append(Readiness("users at the database", .ready("\(users.count) of \(prefix)")))
      found += try await databaseRights()
    } catch { found.append(Readiness("users at the database", error)) }
    return found
  }

  private func databaseRights() async throws(CapabilityError) -> [Readiness] {
    let session = try await session()
    let rows = try await session.query(
      """
      SELECT me.rolsuper OR me.rolcreaterole,
        pg_catalog.pg_has_role(me.oid, 'pg_signal_backend'::pg_catalog.name, 'USAGE'::pg_catalog.text),
        pg_catalog.pg_has_role(me.oid, 'pg_read_all_stats'::pg_catalog.name, 'USAGE'::pg_catalog.text),
        pg_catalog.has_column_privilege('pg_catalog.pg_authid'::pg_catalog.regclass::pg_catalog.oid,
            'rolname'::pg_catalog.text, 'SELECT'::pg_catalog.text)
          AND pg_catalog.has_column_privilege('pg_catalog.pg_authid'::pg_catalog.regclass::pg_catalog.oid,
            'rolpassword'::pg_catalog.text, 'SELECT'::pg_catalog.text),
        NOT me.rolsuper
          AND pg_catalog.current_setting('server_version_num'::pg_catalog.text)::pg_catalog.int4 >= 160000
      FROM pg_catalog.pg_roles me WHERE me.rolname = current_user
      """, [])
    await session.close()
    let stored = "SELECT (rolname, rolpassword) ON pg_catalog.pg_authid"
    let names = ["CREATEROLE", "pg_signal_backend", "pg_read_all_stats", stored]
    guard let row = rows.first, row.count == names.count + 1 else {
      return [Readiness("rights at the database", .unknown(because: "the server's answer cannot be read"))]
    }
    let found = zip(names, row).map { name, has in
      if has == "t" { return Readiness(name, .ready("\(settings.adminUser) has it")) }
      let grant =
        name == "CREATEROLE"
        ? "ALTER ROLE \(settings.adminUser) CREATEROLE" : "GRANT \(name) TO \(settings.adminUser)"
      return Readiness(name, .missing(because: "\(settings.adminUser) lacks it at the database", fix: grant))
    }
    guard row.last != "f" else { return found }
    return found + [
      Readiness(
        "ADMIN OPTION on leased users",
        .unknown(
          because:
            "from PostgreSQL 16 on CREATEROLE reaches only roles that \(settings.adminUser) administers: write ADMIN "
            + "\(settings.adminUser) after CREATE ROLE in the role's creation_statements"))
    ]
  }
}
