public import Capabilities
import Foundation
import Incidents
import JSON
public import Secrets

/// The password of a PostgreSQL role (10 or newer).
///
/// A role has one password, so there is no overlap: issuing replaces the leaked one at once, and disabling it is then
/// only proven, never `NOLOGIN`. Sessions outlive every change of the role and are ended and counted separately.
/// The runner's own user needs CREATEROLE (16+: ADMIN OPTION on the role), `pg_signal_backend` and, to spare sessions
/// opened with the new password, `pg_read_all_stats`. A refusal alone is no death (`PostgresRoleComparison.swift`).
///
/// The threat: whoever holds the leaked role may own its database and prepare what an administrator meets there, so
/// the runner's own work happens in ``adminDatabase``, which the role must not own, in sessions whose settings are
/// pinned (`PinnedSettings`), with every name of the catalogue qualified. A role that is a superuser can prepare any
/// database, its programs and files: then nothing that this server says is evidence, and `facts` shows "superuser".
/// Sources: https://www.postgresql.org/docs/15/sql-alterrole.html, …/monitoring-stats.html, …/functions-admin.html
public struct PostgresRole: CredentialProvider {
  public static let kind = "postgres"
  public static let summary = "The password of a PostgreSQL role."
  public static let profile: AdapterProfile? = AdapterProfile(
    .real,
    privilege: "CREATEROLE (from PostgreSQL 16 on ADMIN OPTION on the role), pg_signal_backend, "
      + "pg_read_all_stats; SELECT (rolname, rolpassword) ON pg_catalog.pg_authid where no store "
      + "holds the value",
    survives: "sessions, until they are ended and counted again; what its holder made: roles, "
      + "functions, settings of the database",
    measured: "the next login is refused",
    abuse: "sessions that are open now")
  public static let settings = [
    SettingDeclaration("host", required: true, "host name, address or directory of the unix socket"),
    SettingDeclaration("port", "5432 when absent"),
    SettingDeclaration("database", required: true, "a database that the role may connect to"),
    SettingDeclaration(
      "admin_database",
      "where the runner works, `postgres` when absent: one that the role does not own, since an owner can prepare it"
    ),
    SettingDeclaration("role", required: true, "the role whose password leaked"),
    SettingDeclaration(
      "admin_user", required: true,
      "the runner's own user; must be another one. A refusal is death where the server was seen to compare the password: "
        + "the store's value is accepted, or this user may `SELECT (rolname, rolpassword) ON pg_catalog.pg_authid`"
    ),
    SettingDeclaration("admin_password", secret: true, "its password; absent: the server asks it for none"),
    SettingDeclaration(
      "tls", "libpq's sslmode; `prefer` on this machine, `verify-full` elsewhere when absent"),
    SettingDeclaration(
      "tls_ca", "a PEM file of the authorities that verify-full believes; the machine's own when absent"),
    SettingDeclaration("expected_clients", "addresses or networks from which sessions are expected"),
    SettingDeclaration(
      "addresses",
      "every node that answers logins, as a list of host:port: standbys, and what stands behind a balancer. "
        + "Without it, every address of host is asked"),
    .propagation("0"),
  ]

  public let capabilities: ProviderCapabilities
  public var lock: String { "postgres/\(host):\(port)/\(role)" }
  public var account: CredentialRef? { CredentialRef(role) }

  let role: String
  let expectedClients: [String]
  let environment: AdapterEnvironment
  let host: String
  let port: Int
  /// The nodes that staunch.yaml names.
  let nodes: [Endpoint]
  let database: String
  let adminUser: String
  let adminDatabase: String
  private let authorities: String?
  private let adminPassword: String?
  private let namedTLS: String?
  /// What the store holds of it now.
  private var present: @Sendable () async -> [Secret] = { [] }
  /// What this process has set.
  private let issued = IssuedPassword()

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    self.environment = environment
    host = try target.text("host")
    port = try target.integer("port", default: 5432)
    database = try target.text("database")
    adminDatabase = try target.optionalText("admin_database") ?? "postgres"
    authorities = try target.optionalText("tls_ca")
    role = try target.text("role")
    adminUser = try target.text("admin_user")
    adminPassword = try target.optionalText("admin_password")
    namedTLS = try target.optionalText("tls")
    expectedClients = try target.texts("expected_clients")
    nodes = try Endpoint.list(target)
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .none, disable: .reversible, sessions: .end, issuing: .generated,
      propagation: try target.propagation(default: .zero))
    let modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
    guard namedTLS.map({ modes.contains($0) }) ?? true else {
      throw CapabilityError(
        .configuration, "\(target.position): \(target.name)", because: "tls is no sslmode of libpq",
        fix: "use verify-full, verify-ca, require, prefer or disable")
    }
  }

  public func knowing(_ present: @escaping @Sendable () async -> [Secret]) -> Self {
    var copy = self
    copy.present = present
    return copy
  }

  /// Passwords that the role should take now: what the store holds, what this process has set.
  func presentPasswords() async -> [Secret] { await present() + [issued.value].compactMap { $0 } }

  /// Each node is judged by itself: one that `addresses` names may be far away while `host` is this machine.
  private func tls(at host: String) -> String {
    namedTLS ?? (ThisMachine.isMeant(by: host) ? "prefer" : "verify-full")
  }

  func login(_ user: String, _ password: Secret?) -> SQLLogin {
    var login = SQLLogin(
      host: host, port: port, database: database, user: user, password: password, tls: tls(at: host))
    login.certificateAuthorities = authorities
    return login
  }

  func login(_ user: String, _ password: Secret?, at endpoint: Endpoint) -> SQLLogin {
    moved(login(user, password), to: endpoint)
  }

  /// The same login, at another server.
  func moved(_ login: SQLLogin, to endpoint: Endpoint) -> SQLLogin {
    var login = SQLLogin(
      host: endpoint.host, port: endpoint.port, database: login.database, user: login.user,
      password: login.password, tls: tls(at: endpoint.host))
    login.address = endpoint.address
    login.certificateAuthorities = authorities
    return login
  }

  func adminLogin() async throws(CapabilityError) -> SQLLogin {
    var login = login(adminUser, nil)
    login.database = adminDatabase
    if let adminPassword { login.password = try await environment.sources.resolve(adminPassword) }
    return login
  }

  func session() async throws(CapabilityError) -> any SQLSession {
    try await safeSession(try await adminLogin())
  }

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    let admin = try await adminLogin()
    guard let secret = leak.value else { return try await named(by: leak) }
    if adminUser == role || admin.password?.isSame(as: secret) == true {
      throw CapabilityError(
        .unsafe, "identify role \(role)", because: "the runner itself logs in with the leaked credential",
        fix: "give the runner a role and password of its own: admin_user, admin_password in staunch.yaml")
    }
    switch await environment.postgres.tryLogin(login(role, secret)) {
    case .accepted, .admitted: return Subject(CredentialRef(role))
    // The server checks LOGIN after the password (InitializeSessionUserId), so without LOGIN the password is this
    // role's. With it, pg_hba.conf has another judge (ldap, radius, pam), of whom nothing is known.
    case .rejected(code: "28000"):
      guard try await canLogin() == false else {
        throw CapabilityError(
          .network, "identify role \(role)",
          because: "the login was refused for another reason than the password (28000)",
          fix: "see the rule for \(role) in pg_hba.conf, and that its ldap, radius or pam service is up")
      }
      return Subject(CredentialRef(role))
    case .rejected(let code):
      if let problem = try await control(admin, role).obstacle {
        throw CapabilityError(
          .network, "identify role \(role)", because: "\(code): \(problem)",
          fix: "see what the role lacks: staunch doctor")
      }
      throw CapabilityError(
        .notFound, "identify role \(role)",
        because: "the role does not accept this password (\(code)): already replaced, or of another target",
        fix: "check role, host and database of the entry in staunch.yaml")
    case .undecided(let code):
      throw CapabilityError(
        .network, "identify role \(role)", because: "the login could not be tried (\(code))",
        fix: "check that the server is up: pg_isready -h \(host) -p \(port)")
    }
  }

  /// A report that names only the role (`app@db1/x`) suffices to lock it.
  private func named(by leak: Leak) async throws(CapabilityError) -> Subject {
    let name = leak.handle.map { $0.prefix { $0 != "@" } }
    guard let name, name == role else {
      throw CapabilityError(
        .notFound, "identify role \(role)", because: "the leak is of \(leak.handle ?? "an unknown role")",
        fix: "check \"role\" in staunch.yaml")
    }
    guard adminUser != role else {
      throw CapabilityError(
        .unsafe, "identify role \(role)", because: "the runner itself logs in with this role",
        fix: "give the runner a role of its own: admin_user in staunch.yaml")
    }
    guard let found = try await existing().first else {
      throw CapabilityError(.notFound, "identify role \(role)", because: "the server has no such role")
    }
    return Subject(found)
  }

  public func existing() async throws(CapabilityError) -> [CredentialRef] {
    let rows = try await session().query("SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = $1", [role])
    return rows.isEmpty ? [] : [CredentialRef(role)]
  }

  /// 43 letters and digits, 256 bits: no character that a URL, a shell or an .env file would want quoted.
  public func generate() throws(CapabilityError) -> Secret? {
    Secret(RandomText.alphanumeric(count: 43, environment.randomBytes))
  }

  /// Sets the new password; the plaintext stays here, the server gets the verifier. `LOGIN` is given back when an
  /// earlier containment took it: what was never leaked may log in.
  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    guard let generated = order.generated else {
      throw CapabilityError(.invalid, "ALTER ROLE", because: "no password was generated before the call")
    }
    let session = try await session()
    let rows = try await session.query(
      "SELECT rolcanlogin FROM pg_catalog.pg_roles WHERE rolname = $1", [role])
    guard let canLogin = rows.first?.first else {
      throw CapabilityError(
        .notFound, "ALTER ROLE", because: "there is no role \(role)", fix: "check \"role\" in staunch.yaml")
    }
    let verifier = try ScramVerifier(try await session.passwordVerifier(for: generated, user: role))
    let name = try session.quotedIdentifier(role)
    let literal = try session.quotedLiteral(verifier.text)
    let login = canLogin == "t" ? "" : " LOGIN"
    _ = try await session.execute("ALTER ROLE \(name)\(login) PASSWORD \(literal)", [], under: authority)
    await session.close()
    issued.value = generated
    return IssuedCredential(ref: CredentialRef(role), secret: generated)
  }

  /// Empty: a generated password has no name; try it instead.
  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  { [] }

  /// Makes sure that `leaked` no longer opens the role.
  ///
  /// When the role has a new password already (it was replaced, or the leaked one is refused anyway) this only proves
  /// it: `NOLOGIN` would lock out the new password too.
  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    // Without a value nothing can be tried: the role is locked, unless it has a new password on it.
    let probe: CredentialProbe
    if let leaked = leak.value {
      probe = try await verifyMeaning(leaked, ref: ref)
    } else {
      probe = CredentialProbe(.unknown, code: "no value to try")
    }
    switch probe.state {
    case .dead: return
    case .unknown where replacedBy == ref:
      throw CapabilityError(
        .network, "disable role \(ref)",
        because: "whether the old password still works is unknown (\(probe.code))",
        fix: "check that the server is up: pg_isready -h \(host) -p \(port)")
    case .alive where replacedBy == ref:
      throw CapabilityError(
        .conflict, "disable role \(ref)",
        because: "the role was given a new password, yet accepts the leaked one",
        fix: "see whether something sets it back (a migration, an operator), then: staunch resume")
    case .alive, .unknown: break
    }
    let session = try await session()
    let name = try session.quotedIdentifier(ref.rawValue)
    _ = try await session.execute("ALTER ROLE \(name) NOLOGIN", [], under: authority)
    await session.close()
  }

  /// Refused: the role is the account itself, with the new password on it.
  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    throw CapabilityError(
      .unsupported, "DROP ROLE", because: "a role is an account with objects and rights, not only a password",
      fix: "when nobody needs it any more, drop \(ref) by hand: REASSIGN OWNED, DROP OWNED, DROP ROLE")
  }
}
