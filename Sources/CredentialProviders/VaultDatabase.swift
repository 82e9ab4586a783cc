public import Capabilities
import Foundation
import Incidents
import JSON
import RESTClient
public import Secrets

/// Logins that Vault or OpenBao leases for a PostgreSQL database: a user for each program, dropped when its lease ends.
///
/// Nothing is stored: what leaked is revoked, and its program draws another login. **Sessions outlive the lease**: the server
/// drops the user, and who is logged in reads on, without a name. They are ended and counted at the database, so the entry has
/// a login of the runner's there.
///
/// The threat: one table that the leaked login owns keeps the server from dropping it. Then the revocation fails (400,
/// `2BP01`), is not tried again, and the login works until its VALID UNTIL or for ever. So the database is asked whether the
/// user is gone; where it is not, the runner takes LOGIN away there, and the user with what it owns stays for a person to see
/// (``inspect(_:)``). A user that was renamed, which takes CREATEROLE, is not told from one that was dropped.
///
/// Which lease is whose the server does not tell. A user's name ends with the second of its lease; the leases of that second
/// are revoked, or with `revokes: role` all of the role (`sys/leases/revoke-prefix`), whose programs then draw again.
/// Sources: https://openbao.org/api-docs/secret/databases/, …/system/leases/, …/docs/secrets/databases/postgresql/
public struct VaultDatabase: CredentialProvider {
  struct Settings: AdapterSettings {
    let base: String
    let namespace: String?
    let adminToken: String
    let mount: String
    let role: String
    let pattern: String?
    let revokes: String
    let host: String
    let port: Int?
    let database: String
    let adminDatabase: String?
    let adminUser: String
    let adminPassword: String?
    let addresses: [String]
    let tls: String?
    let authorities: String?
    let propagation: Duration
    let trust: ServerTrust?

    init(from read: inout SettingsReader) throws(CapabilityError) {
      base = try read.baseURL("https://127.0.0.1:8200")
      namespace = try read.optionalText(
        "namespace", "the namespace, where there are some: `team`, without a slash at either end")
      adminToken = try read.reference(
        "admin_token", "the runner's own token; staunch doctor lists the rights that it needs")
      mount = try read.text("mount", default: "database", "where the database engine is mounted")
      role = try read.text("vault_role", "the role whose logins leak: `vault read database/creds/ROLE`")
      pattern = try read.optionalText(
        "user_pattern",
        "the names of its users, as LIKE has it (`app-%`), where the connection has a username_template")
      try read.check(
        pattern.map { text in text.count { $0.isLetter || $0.isNumber } >= 2 } ?? true,
        "user_pattern is the name of anybody",
        fix: "write what all its users' names have, and % for what varies, for example user_pattern: app-%")
      revokes = try read.word(
        "revokes", of: ["lease", "role"], default: "lease",
        "`lease`: those of the second in which the leaked one was drawn; `role`: every lease of the role")
      host = try read.text(
        "host", "the PostgreSQL server: host name, address or directory of the unix socket")
      port = try read.integer("port", "5432 when absent")
      database = try read.text("database", "a database that the leased users may connect to")
      adminDatabase = try read.optionalText(
        "admin_database", "where the runner works, `postgres` when absent")
      adminUser = try read.text(
        "admin_user",
        "the runner's own user there, with pg_signal_backend, pg_read_all_stats, CREATEROLE and SELECT (rolname, rolpassword) ON pg_catalog.pg_authid"
      )
      adminPassword = try read.optionalReference(
        "admin_password", "its password; absent: the server asks it for none")
      addresses = try read.texts(
        "addresses",
        "every PostgreSQL server that answers logins, as a list of host:port: what stands behind a balancer. "
          + "Without it, every address of host is asked")
      tls = try read.optionalText(
        "database_tls", "libpq's sslmode; `prefer` on this machine, `verify-full` elsewhere when absent")
      authorities = try read.optionalText(
        "database_tls_ca",
        "a PEM file of the authorities that verify-full believes; the machine's own when absent")
      propagation = try read.propagation(.zero)
      trust = try read.trust()
      try read.check(
        VaultClient.isPath(mount) && VaultClient.isPath(role), "mount or vault_role is no path",
        fix: "write it without a slash at either end, for example vault_role: app")
      try read.check(
        namespace.map { VaultClient.isPath($0) } ?? true, "namespace is no namespace",
        fix: "write it without a slash at either end, for example namespace: team")
    }

    /// The runner's side of the database, as PostgreSQL's own provider knows it.
    var postgres: [String: JSONValue] {
      var settings: [String: JSONValue] = [
        "host": .string(host), "database": .string(database),
        "admin_user": .string(adminUser),
      ]
      if let port { settings["port"] = .integer(port) }
      if !addresses.isEmpty { settings["addresses"] = .array(addresses.map { .string($0) }) }
      let texts = [
        "admin_database": adminDatabase, "admin_password": adminPassword, "tls": tls, "tls_ca": authorities,
      ]
      for (name, text) in texts { if let text { settings[name] = .string(text) } }
      return settings
    }
  }

  public static let kind = "vault_database"
  public static let summary = "Logins that Vault or OpenBao leases for a PostgreSQL database."
  public static let profile: AdapterProfile? = AdapterProfile(
    .real,
    privilege: "read on MOUNT/creds/ROLE; list and sudo on sys/leases/lookup/; update on "
      + "sys/leases/lookup and sys/leases/revoke; at the database CREATEROLE, pg_signal_backend, "
      + "pg_read_all_stats, SELECT (rolname, rolpassword) ON pg_catalog.pg_authid",
    survives: "sessions outlive the lease, until they are ended at the database; what the user owns "
      + "keeps the server from dropping it",
    measured: "the next login is refused",
    abuse: "sessions that are open now",
    can: [.delete])
  public static let settings = Settings.declarations

  public let capabilities: ProviderCapabilities
  public var lock: String { "vault_database/\(settings.base)/\(prefix)" }
  public var shape: MaterialShape {
    MaterialShape(
      [.init("username", secret: false), .init("password", secret: true)], primary: "password",
      oneText: .object)
  }
  let settings: Settings
  let vault: VaultClient
  /// The database's side before a user is known.
  private let postgres: PostgresRole
  private let target: TargetConfiguration
  let environment: AdapterEnvironment

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    settings = try Settings(target)
    self.environment = environment
    self.target = target
    postgres = try Self.database(of: "nobody", target, settings, environment)
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .several, disable: .irreversible, sessions: .end, issuing: .leased,
      propagation: settings.propagation)
    vault = VaultClient(
      base: settings.base, token: settings.adminToken, namespace: settings.namespace, trust: settings.trust,
      environment: environment,
      fix: "admin_token in staunch.yaml needs the rights that staunch doctor lists for this entry")
  }

  /// The database's side of a user: PostgreSQL's own provider, which works in no database that the user owns.
  func database(of user: String) throws(CapabilityError) -> PostgresRole {
    try Self.database(of: user, target, settings, environment)
  }

  private static func database(
    of user: String, _ target: TargetConfiguration, _ settings: Settings, _ environment: AdapterEnvironment
  ) throws(CapabilityError) -> PostgresRole {
    try PostgresRole(
      TargetConfiguration(
        name: target.name, kind: PostgresRole.kind,
        settings: settings.postgres.merging(["role": .string(user)]) { _, new in new },
        position: target.position),
      in: environment)
  }

  /// A session of the runner's, for what is no single user's.
  func session() async throws(CapabilityError) -> any SQLSession { try await postgres.session() }

  // MARK: users

  /// `database/creds/app`
  var prefix: String { "\(settings.mount)/creds/\(settings.role)" }

  /// The users that the role's leases have at the database now.
  func users() async throws(CapabilityError) -> [String] {
    let pattern = try await pattern()
    let session = try await session()
    let rows = try await session.query(
      """
      SELECT rolname FROM pg_catalog.pg_roles
      WHERE rolname OPERATOR(pg_catalog.~~) $1::pg_catalog.text AND rolname <> current_user ORDER BY 1
      """, [pattern])
    await session.close()
    return rows.compactMap { $0.first ?? nil }
  }

  /// - Throws: `.configuration` where the names follow a template of somebody's own: none would be found, and none left.
  private func pattern() async throws(CapabilityError) -> String {
    if let pattern = settings.pattern { return pattern }
    let mount = VaultClient.escaped(settings.mount)
    let role = try vault.checked(
      try await vault.api.answer("/v1/\(mount)/roles/\(VaultClient.escaped(settings.role))"),
      "GET \(settings.mount)/roles/\(settings.role)")
    let name = role["data"]?["db_name"]?.string ?? ""
    let connection = try vault.checked(
      try await vault.api.answer("/v1/\(mount)/config/\(VaultClient.escaped(name))"),
      "GET \(settings.mount)/config/\(name)")["data"]
    let operation = "find the users of \(settings.role)"
    guard connection?["plugin_name"]?.string?.hasPrefix("postgresql") ?? false else {
      throw CapabilityError(
        .unsupported, operation, because: "\(name) is no PostgreSQL connection",
        fix: "revoke it by hand: vault lease revoke -prefix \(prefix); then end its sessions at the database")
    }
    let template = connection?["connection_details"]?["username_template"]?.string ?? ""
    guard template.isEmpty else {
      throw CapabilityError(
        .configuration, operation, because: "the connection \(name) names its users by a template of its own",
        fix: "write user_pattern: with % for what varies, in its entry of staunch.yaml")
    }
    // v-DISPLAY-ROLE-RANDOM-SECOND, the first two cut to eight characters.
    var plain = ""
    for character in settings.role.prefix(8) {
      if character == "_" || character == "%" || character == "\\" { plain.append("\\") }
      plain.append(character)
    }
    return "v-%-\(plain)-%"
  }

  /// `v-token-app-…@db1/training` → the user.
  private static func user(in leak: Leak) -> String? {
    leak.handle.map { handle in String(handle.prefix { $0 != "@" }) }
  }

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    let operation = "identify leased user"
    let named = Self.user(in: leak)
    guard named != settings.adminUser else {
      throw CapabilityError(
        .unsafe, operation, because: "the runner itself logs in as this user",
        fix: "give the runner a user of its own: admin_user in staunch.yaml")
    }
    for user in try await users() where named == nil || named == user {
      // A name is enough, and never anybody else's: whoever holds the login may have set another password on it.
      guard named == nil, let value = leak.value else { return Subject(CredentialRef(user)) }
      switch await environment.postgres.tryLogin(postgres.login(user, value)) {
      case .accepted, .admitted: return Subject(CredentialRef(user))
      case .rejected: continue
      case .undecided(let code):
        throw CapabilityError(
          .network, operation, because: "the login could not be tried (\(code))",
          fix: "check that the server is up: pg_isready -h \(settings.host)")
      }
    }
    throw CapabilityError(
      .notFound, operation,
      because: "no user of \(prefix) has it: its lease has ended, or it is another role's",
      fix: "check mount, vault_role and host in staunch.yaml")
  }

  public func existing() async throws(CapabilityError) -> [CredentialRef] {
    try await users().map { CredentialRef($0) }
  }

  public func generate() throws(CapabilityError) -> Secret? { nil }

  /// Draws a lease, as its program does. Nobody uses this one: it ends by itself.
  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    let operation = "GET \(prefix)"
    let answer = try await vault.api.change(
      .get, "/v1/" + VaultClient.escaped(prefix), nil, under: authority)
    let lease = try vault.done(answer, operation)
    guard let user = lease["data"]?["username"]?.string, let password = lease["data"]?["password"]?.string
    else {
      throw CapabilityError(.unknownOutcome, operation, because: "it was done, but the answer has no login")
    }
    let life = Double(lease["lease_duration"]?.integer ?? 0)
    let material = try Material(
      shape, ["username": Secret(user), "password": Secret(password)],
      expiry: environment.now().addingTimeInterval(life))
    return IssuedCredential(ref: CredentialRef(user), material: material)
  }

  /// Empty: a lease bears no name of ours, and ends by itself.
  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  { [] }

  // MARK: stopping

  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    guard ref != replacedBy else {
      throw CapabilityError(.unsafe, "revoke \(ref)", because: "it is the replacement itself")
    }
    if settings.revokes == "role" {
      try await revoke("sys/leases/revoke-prefix/\(prefix)", ["sync": true], under: authority)
    } else {
      for lease in try await leases(of: ref, leak) {
        try await revoke(
          "sys/leases/revoke", ["lease_id": .string(lease), "sync": true], under: authority)
      }
    }
    guard try await isThere(ref) else { return }
    // Its lease is not among those, or something that the user owns keeps the server from dropping it.
    try await database(of: ref.rawValue).disable(
      ref, leak: Leak(), replacedBy: nil, under: authority)
  }

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  { try await disable(ref, leak: Leak(), replacedBy: nil, under: authority) }
}
