public import Capabilities
import Foundation
import Incidents
import JSON
public import Secrets

/// A password of a MariaDB user (10.4 or newer) or a MySQL user (8.0.14 or newer), at all its host rows.
///
/// `app@%` and `app@10.%` are two accounts with passwords of their own, and the server picks one by where a client comes
/// from: each is changed and judged. A row keeps several ways in, so the new password is added beside the leaked one
/// (`IDENTIFIED VIA … OR …`, `RETAIN CURRENT PASSWORD`), programs move, and the leaked one is taken away. MariaDB gets
/// verifiers, never a password: its binlog would keep it. MySQL has no such form with two passwords and gets the password
/// itself, over TLS or a socket only; it rewrites it in its logs. Killed between two rows, whoever resumes sees by the
/// verifiers which of them have the new one, and sets it at the others.
/// The runner's own user needs `CREATE USER, PROCESS, CONNECTION ADMIN ON *.*` and `SELECT ON mysql.*`. That is much:
/// CREATE USER alone can give itself any account.
///
/// The threat: the holder of the leaked password may have prepared the server. `init_connect` would run in the runner's
/// session, so it is refused where it would (``MariaDBLook``); the runner selects no database, every name is qualified, and
/// the server's settings for a session are set anew. What a table says may be written by somebody else, so verifiers are
/// read from the server's memory. With CREATE USER the holder may have added a way in, a row, a proxy; what stands in a row
/// besides what is known here makes a verdict "foreign", rows and proxies are told by `abuse.search` and `successors`. With
/// SUPER nothing that this server says is evidence, and `facts` shows the right.
/// Sources: https://mariadb.com/kb/en/alter-user/, …/authentication-from-mariadb-104/, …/init_connect/,
/// https://dev.mysql.com/doc/refman/8.4/en/alter-user.html (MySQL: from the documentation, not run)
public struct MariaDBUser: CredentialProvider {
  public static let kind = "mariadb"
  public static let summary = "A password of a MariaDB or MySQL user."
  public static let profile: AdapterProfile? = AdapterProfile(
    .real,
    privilege: "CREATE USER, PROCESS, CONNECTION ADMIN ON *.*; SELECT ON mysql.*",
    survives: "sessions, until they are ended and counted again; proxies, events and accounts that its "
      + "holder made",
    measured: "the next login is refused",
    abuse: "sessions that are open now",
    can: [.successors, .delete],
    note: "MySQL's answers are written from its documentation")
  public static let settings = [
    SettingDeclaration("host", "host name or address; 127.0.0.1 when absent"),
    SettingDeclaration("port", "3306 when absent"),
    SettingDeclaration("socket", "the path of the unix socket, instead of host and port"),
    SettingDeclaration(
      "user", required: true, "the user whose password leaked; every host row of it is changed"),
    SettingDeclaration(
      "admin_user", required: true,
      "the runner's own user; must be another one, with CREATE USER, PROCESS, CONNECTION ADMIN ON *.* and SELECT ON mysql.*"
    ),
    SettingDeclaration("admin_password", required: true, secret: true, "its password"),
    SettingDeclaration(
      "tls",
      "`disable` or `verify-full` (authority and name); when absent `disable` on this machine, else `verify-full`"
    ),
    SettingDeclaration(
      "tls_ca",
      "a PEM file of the authorities that are believed, or the server's own certificate; the machine's own list when absent"
    ),
    SettingDeclaration("expected_clients", "addresses or networks from which sessions are expected"),
    SettingDeclaration(
      "addresses",
      "every node that answers logins, as a list of host:port: replicas, and what stands behind a balancer. Changes are "
        + "made at host and port alone, and every node is asked"),
    .propagation("0"),
  ]

  public let capabilities: ProviderCapabilities
  public let lock: String
  public var account: CredentialRef? { CredentialRef(user) }

  let user: String
  let adminUser: String
  let expectedClients: ClientAddresses
  let environment: AdapterEnvironment
  let primary: PostgresRole.Endpoint
  let nodes: [PostgresRole.Endpoint]
  let isSocket: Bool
  private let namedTLS: String?
  private let adminPassword: String
  private let authorities: String?
  /// What the store holds of it now.
  private var present: @Sendable () async -> [Secret] = { [] }
  /// What this process has set.
  let issued = IssuedPassword()

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    self.environment = environment
    user = try target.text("user")
    adminUser = try target.text("admin_user")
    adminPassword = try target.text("admin_password")
    authorities = try target.optionalText("tls_ca")
    expectedClients = try ClientAddresses(try target.texts("expected_clients"), of: target)
    nodes = try PostgresRole.Endpoint.list(target)
    let socket = try target.optionalText("socket")
    let host = try target.optionalText("host") ?? "127.0.0.1"
    primary = PostgresRole.Endpoint(host: socket ?? host, port: try target.integer("port", default: 3306))
    isSocket = socket != nil
    namedTLS = try target.optionalText("tls")
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .several, disable: .irreversible, sessions: .end, issuing: .generated,
      propagation: try target.propagation(default: .zero))
    lock = "mariadb/\(isSocket ? primary.host : primary.name)/\(user)"
    func wrong(_ because: String, _ fix: String) -> CapabilityError {
      CapabilityError(.configuration, "\(target.position): \(target.name)", because: because, fix: fix)
    }
    guard namedTLS.map({ ["disable", "verify-full"].contains($0) }) ?? true else {
      throw wrong(
        "tls is neither disable nor verify-full (the library lets a server without TLS pass otherwise)",
        "write tls: verify-full, with tls_ca where the authority is your own")
    }
    guard socket?.hasPrefix("/") ?? true, !host.hasPrefix("/") else {
      throw wrong(
        "a unix socket is given by its whole path, under socket", "write socket: /run/mysqld/mysqld.sock")
    }
    // The server lists accounts without quoting what is in them.
    guard !user.isEmpty, !user.contains(where: { "'`\"\\".contains($0) }) else {
      throw wrong("the user's name is empty or holds a quote", "rename the user: RENAME USER")
    }
  }

  public func knowing(_ present: @escaping @Sendable () async -> [Secret]) -> Self {
    var copy = self
    copy.present = present
    return copy
  }

  /// Passwords that the user should take now: what the store holds, what this process has set.
  func presentPasswords() async -> [Secret] { await present() + [issued.value].compactMap { $0 } }

  /// Each node is judged by itself: one that `addresses` names may be far away while `host` is this machine.
  func tls(at endpoint: PostgresRole.Endpoint) -> String {
    namedTLS ?? (ThisMachine.isMeant(by: endpoint.host) ? "disable" : "verify-full")
  }

  func login(_ user: String, _ password: Secret, at endpoint: PostgresRole.Endpoint) -> SQLLogin {
    var login = SQLLogin(
      host: endpoint.host, port: endpoint.port, database: "", user: user, password: password,
      tls: tls(at: endpoint))
    login.address = endpoint.address
    login.certificateAuthorities = authorities
    return login
  }

  func admin() async throws(CapabilityError) -> Secret {
    try await environment.sources.resolve(adminPassword)
  }

  /// A session of the runner's own, and what the server says there.
  func open(at endpoint: PostgresRole.Endpoint) async throws(CapabilityError) -> (any SQLSession, MariaDBLook)
  {
    let session = try await environment.mariadb.connect(login(adminUser, try await admin(), at: endpoint))
    do throws(CapabilityError) {
      return (session, try await MariaDBLook(of: user, runner: adminUser, session))
    } catch {
      await session.close()
      throw error
    }
  }

  func look(at endpoint: PostgresRole.Endpoint) async throws(CapabilityError) -> MariaDBLook {
    let (session, look) = try await open(at: endpoint)
    await session.close()
    return look
  }

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    let operation = "identify user \(user)"
    let admin = try await admin()
    guard adminUser != user, leak.value.map({ !admin.isSame(as: $0) }) ?? true else {
      throw CapabilityError(
        .unsafe, operation, because: "the runner itself logs in with the leaked credential",
        fix: "give the runner a user and password of its own: admin_user, admin_password in staunch.yaml")
    }
    let look = try await look(at: primary)
    guard let secret = leak.value else {
      // A report that names only the user (`app@db1/x`) suffices to lock it.
      guard let name = leak.handle.map({ $0.prefix { $0 != "@" } }), name == user else {
        throw CapabilityError(
          .notFound, operation, because: "the leak is of \(leak.handle ?? "an unknown user")",
          fix: "check \"user\" in staunch.yaml")
      }
      return try subject(look, operation)
    }
    if look.accounts.contains(where: { $0.judgement(of: secret) == .accepts }) {
      return try subject(look, operation)
    }
    switch await environment.mariadb.tryLogin(login(user, secret, at: primary)) {
    case .accepted, .admitted: return try subject(look, operation)
    case .rejected(let code) where Self.locked.contains(code): return try subject(look, operation)
    case .rejected(let code):
      throw CapabilityError(
        .notFound, operation,
        because: "the user does not accept this password (\(code)): already replaced, or of another target",
        fix: "check user, host and port of the entry in staunch.yaml")
    case .undecided(let code):
      // Every row was read, and none holds it.
      let isSeen = look.accounts.allSatisfy { $0.judgement(of: secret) == .differs }
      throw CapabilityError(
        isSeen ? .notFound : .network, operation,
        because: isSeen ? "no row of the user holds this password" : "the login could not be tried (\(code))",
        fix: "check user, host and port of the entry in staunch.yaml, and that the server is up")
    }
  }

  /// What a server says of an account that is locked, once the password was right: MariaDB, MySQL.
  static let locked: Set = ["4151", "3118"]

  private func subject(_ look: MariaDBLook, _ operation: String) throws(CapabilityError) -> Subject {
    guard !look.accounts.isEmpty else {
      throw CapabilityError(
        .notFound, operation, because: "the server has no user \(user)", fix: "check \"user\" in staunch.yaml"
      )
    }
    return Subject(CredentialRef(user), at: look.accounts.map(\.ref))
  }

  public func subject(_ identity: CredentialRef) async throws(CapabilityError) -> Subject {
    guard identity.rawValue == user else { return Subject(identity) }
    return try subject(try await look(at: primary), "identify user \(user)")
  }

  public func existing() async throws(CapabilityError) -> [CredentialRef] {
    try await look(at: primary).accounts.isEmpty ? [] : [CredentialRef(user)]
  }

  /// 32 letters and digits, 190 bits: nothing that a URL, a shell or an .env file would want quoted, and as long as a seed of
  /// Ed25519 (``MariaDBVerifier``).
  public func generate() throws(CapabilityError) -> Secret? {
    Secret(RandomText.alphanumeric(count: 32, environment.randomBytes))
  }

  /// The leaked one's refs never look like this. A few digits of a verifier say nothing about 190 random bits.
  func ref(_ secret: Secret) -> CredentialRef {
    CredentialRef("\(user)/\(MariaDBVerifier.native(secret).dropFirst().prefix(12).lowercased())")
  }

  public func ref(ofIssued secret: Secret) async throws(CapabilityError) -> CredentialRef {
    _ = try await identify(Leak(secret))
    // A call that was cut off after the first row is no replacement yet: stopping the leaked one would lock the others.
    for row in try await look(at: primary).accounts where row.takesPasswords {
      let isThere =
        switch row.judgement(of: secret) {
        case .differs: false
        case .unseen(let plugin) where MariaDBAccount.salted.contains(plugin):
          await takes([secret], at: row, primary, times: 1)
        case .accepts, .open, .otherJudge, .unseen: true
        }
      guard isThere else {
        throw CapabilityError(
          .notFound, "identify user \(user)", because: "\(row.ref) does not take this password",
          fix: "give that row the same one, or drop it when nobody uses it: DROP USER \(row.ref)")
      }
    }
    return ref(secret)
  }

  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  { [] }

  /// Adds the new password at every row; each is tried, whatever became of the others. Repeating it changes nothing where
  /// it is.
  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    guard let generated = order.generated else {
      throw CapabilityError(.invalid, "ALTER USER", because: "no password was generated before the call")
    }
    let (session, look) = try await open(at: primary)
    _ = try subject(look, "ALTER USER")
    let rows = look.accounts.filter(\.takesPasswords)
    guard !rows.isEmpty else {
      throw CapabilityError(
        .unsupported, "ALTER USER", because: "no row of \(user) has a password of its own",
        fix: "see how it is let in: SHOW CREATE USER \(look.accounts.first?.ref.rawValue ?? user)")
    }
    var results: [RefResult] = []
    for row in rows {
      do throws(CapabilityError) {
        try await add(generated, to: row, replacing: order.replacing, look, session, under: authority)
        results.append(RefResult(row.ref))
      } catch { results.append(RefResult(row.ref, problem: error)) }
    }
    await session.close()
    try results.check("ALTER USER")
    issued.value = generated
    return IssuedCredential(ref: ref(generated), secret: generated)
  }

  /// Makes sure that the leaked value opens `ref` no longer: its way in is taken away, or, where it is the only one, the row
  /// is locked. Without a value every password but the replacement may be the leaked one, the store's too.
  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let (session, look) = try await open(at: primary)
    let rows = look.rows(of: ref)
    var results: [RefResult] = []
    for row in rows {
      do throws(CapabilityError) {
        try await stop(row, leak, replacedBy: replacedBy, look, session, under: authority)
        results.append(RefResult(row.ref))
      } catch { results.append(RefResult(row.ref, problem: error)) }
    }
    await session.close()
    guard !rows.isEmpty else {
      throw CapabilityError(
        .notFound, "ALTER USER", because: "the server has no \(ref) any more: renamed or dropped",
        fix: "see its rows: SELECT User, Host FROM mysql.user")
    }
    try results.check("disable \(ref)")
  }
}
