public import Capabilities
import Foundation
public import Incidents
import JSON
import RESTClient
public import Secrets
import Synchronization

/// What RDS or Redshift tells of a server now.
public struct AWSDatabase: Sendable {
  enum Engine: Sendable, Hashable {
    case postgres, mysql
    /// Speaks PostgreSQL's protocol, and asks for the password's MD5.
    case redshift
    /// What nobody here can log in to.
    case other(String)
  }
  let arn: String
  /// Its master user.
  let user: String
  let host: String
  let port: Int
  let engine: Engine
  /// `available`, `modifying` …
  let status: String
  /// A change of the password is not carried out yet.
  let isPending: Bool
  /// The secret in which RDS or Redshift keeps a password that it sets itself.
  let managedSecret: String?
}

/// The parts that the master passwords of RDS and of Redshift share.
public struct AWSMaster: Sendable {
  let client: AWSClient
  let environment: AdapterEnvironment
  /// The name that AWS gives the server: `db1`, `lake`.
  let name: String
  /// Where it is, where AWS's own answer is not how the runner gets there.
  let host: String?
  let port: Int?
  let database: String
  let tls: String?
  let authorities: String?
  var present: @Sendable () async -> [Secret] = { [] }
  let memory = Memory()

  /// Passwords that this process has set.
  final class Memory: Sendable {
    private let own = Mutex<[Secret]>([])
    func keep(_ secret: Secret) { own.withLock { $0.append(secret) } }
    var secrets: [Secret] { own.withLock { $0 } }
  }

  /// Ways in that AWS's own settings name alike.
  struct Settings: AdapterSettings {
    let database: String
    let host: String?
    let port: Int?
    let tls: String?
    let authorities: String?

    init(from read: inout SettingsReader) throws(CapabilityError) {
      database = try read.text("database", "a database that the master user may connect to")
      host = try read.optionalText(
        "host", "where the server is from here, where it is not AWS's own name: a tunnel")
      port = try read.integer("port", "its port there")
      tls = try read.optionalText(
        "database_tls", "libpq's sslmode; `prefer` on this machine, `verify-full` elsewhere when absent")
      authorities = try read.optionalText(
        "database_tls_ca",
        "a PEM file of the authorities that verify-full believes: AWS's bundle of the region")
    }
  }

  /// The connector that speaks to it. - Throws: `.unsupported`.
  func connector(_ found: AWSDatabase) throws(CapabilityError) -> any SQLConnector {
    switch found.engine {
    case .postgres, .redshift: return environment.postgres
    case .mysql: return environment.mariadb
    case .other(let name):
      throw CapabilityError(
        .unsupported, "log in to \(self.name)", because: "nobody here can log in to \(name)",
        fix: "try the password by hand, over TLS")
    }
  }

  func login(_ password: Secret?, _ found: AWSDatabase, at address: String? = nil) -> SQLLogin {
    let host = host ?? found.host
    var login = SQLLogin(
      host: host, port: port ?? found.port, database: database, user: found.user, password: password,
      tls: tls ?? (ThisMachine.isMeant(by: host) ? "prefer" : "verify-full"))
    login.address = address
    // Never to whoever answers in the server's place.
    login.takesMD5 =
      found.engine == .redshift && (login.tls == "verify-full" || ThisMachine.isMeant(by: host))
    login.certificateAuthorities = authorities
    return login
  }

  /// What RDS and Redshift take: letters of both cases and digits, forty of them (MySQL takes 41).
  func generated() -> Secret {
    while true {
      let text = Secret(RandomText.alphanumeric(count: 40, environment.randomBytes))
      let bytes = text.exposeAsBytes()
      if bytes.contains(where: { (0x30...0x39).contains($0) }),
        bytes.contains(where: { (0x41...0x5A).contains($0) }),
        bytes.contains(where: { (0x61...0x7A).contains($0) })
      {
        return text
      }
    }
  }
}

/// The master password of a server of AWS's: set anew at AWS, tried at the server. It has one at a time.
public protocol AWSMasterPassword: CredentialProvider {
  var master: AWSMaster { get set }
  /// The server as AWS tells of it. Read only.
  func state() async throws(CapabilityError) -> AWSDatabase
  /// - Parameter password: nil: AWS makes a new one and keeps it in its secret.
  func set(_ password: Secret?, under authority: borrowing ExecutionAuthority) async throws(CapabilityError)
}

extension AWSMasterPassword {
  public var account: CredentialRef? { CredentialRef(master.name) }

  public func knowing(_ present: @escaping @Sendable () async -> [Secret]) -> Self {
    var copy = self
    copy.master.present = present
    return copy
  }

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    let operation = "identify master password of \(master.name)"
    let found = try await state()
    let subject = Subject(CredentialRef(master.name))
    guard let value = leak.value else {
      // `admin`, `admin@db1…`, or the server's own name
      let user = leak.handle.map { String($0.prefix { $0 != "@" }) }
      guard leak.handle == master.name || user == found.user else {
        throw CapabilityError(
          .notFound, operation, because: "it is neither \(master.name) nor its master user",
          fix: "check the entry in staunch.yaml")
      }
      return subject
    }
    let outcome: LoginOutcome
    do throws(CapabilityError) {
      outcome = await (try master.connector(found)).tryLogin(master.login(value, found))
    } catch { outcome = .undecided(code: error.because) }
    switch outcome {
    case .accepted, .admitted: return subject
    case .rejected(let code):
      throw CapabilityError(
        .notFound, operation,
        because: "the server refuses it for \(found.user) (\(code)): changed, or another's",
        fix: "check the entry in staunch.yaml; where it is sure: --id \(master.name)")
    case .undecided(let code):
      throw CapabilityError(
        .network, operation, because: "the login could not be tried (\(code))",
        fix: "see that the runner reaches \(master.login(nil, found).host), and database_tls_ca")
    }
  }

  public func existing() async throws(CapabilityError) -> [CredentialRef] { [CredentialRef(master.name)] }

  public func generate() throws(CapabilityError) -> Secret? { master.generated() }

  public func ref(ofIssued secret: Secret) async throws(CapabilityError) -> CredentialRef {
    CredentialRef(master.name)
  }

  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  { [] }

  /// Sets the new password; the old one ends when AWS has carried it out. The same value again changes nothing.
  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    let operation = "set master password of \(master.name)"
    guard let value = order.generated else {
      throw CapabilityError(.invalid, operation, because: "no value was made before the call")
    }
    let found = try await state()
    if let secret = found.managedSecret {
      throw CapabilityError(
        .unsupported, operation, because: "AWS sets it itself and keeps it in \(secret)",
        fix:
          "let AWS make another: staunch credential disable ENTRY --id \(master.name); programs read it from there"
      )
    }
    try requireAvailable(found, operation)
    // Also when its reply is lost: the proof tries it.
    master.memory.keep(value)
    try await set(value, under: authority)
    return IssuedCredential(ref: CredentialRef(master.name), secret: value)
  }

  private func requireAvailable(_ found: AWSDatabase, _ operation: String) throws(CapabilityError) {
    guard found.status != "available" else { return }
    throw CapabilityError(
      .conflict, operation, because: "\(master.name) takes no change now: it is \(found.status)",
      fix: "wait until it is available, then: staunch resume")
  }

  /// Replaced, it has ended already. Without a replacement a value is set that nobody keeps, or AWS's own.
  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    guard replacedBy == nil else { return }
    let found = try await state()
    try requireAvailable(found, "stop the master password of \(master.name)")
    guard found.managedSecret == nil else {
      try await set(nil, under: authority)
      return
    }
    // Set before already, by this process: once is enough.
    if let value = leak.value, try await verify(value, ref: ref).state == .dead { return }
    let value = master.generated()
    master.memory.keep(value)
    try await set(value, under: authority)
  }

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    throw CapabilityError(
      .unsupported, "delete master user", because: "the server always has one: only its password changes")
  }

  // MARK: the proof

  private static var refusals: Int { 6 }

  /// Dead means: the server refuses it again and again, at each address, while it accepts another password of the user in
  /// between: one that the store holds or this process has set. Without one nobody can see that it was compared.
  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    let found: AWSDatabase
    let addresses: [String]
    let connector: any SQLConnector
    do throws(CapabilityError) {
      found = try await state()
      connector = try master.connector(found)
      addresses = try await connector.addresses(of: master.login(nil, found).host)
    } catch {
      guard error.class != .configuration else { throw error }
      return CredentialProbe(.unknown, code: "\(error.class.rawValue): \(error.because)")
    }
    let stored = await master.present().filter { !$0.isSame(as: secret) }
    let own = master.memory.secrets.filter { !$0.isSame(as: secret) }
    var (refusals, code, isReplaced) = (0, "", false)
    for address in addresses.isEmpty ? [nil] : addresses.map({ Optional($0) }) {
      for _ in 0..<Self.refusals {
        switch await connector.tryLogin(master.login(secret, found, at: address)) {
        case .accepted:
          let after = refusals > 0 ? " after \(refusals) refusals: its servers disagree" : ""
          return CredentialProbe(.alive, code: "login accepted" + after)
        case .admitted(let word):
          return CredentialProbe(.alive, code: "password accepted, and then refused (\(word))")
        case .undecided(let word): return CredentialProbe(.unknown, code: word)
        case .rejected(let word):
          code = word
          refusals += 1
        }
        if await takes(oneOf: stored, connector, found, at: address) {
          isReplaced = true
        } else if await !takes(oneOf: own, connector, found, at: address) {
          let why =
            found.isPending
            ? "a change of it is not carried out yet" : "no other password that is known here is accepted"
          return CredentialProbe(.unknown, code: "\(code), and \(why)", isRefused: true)
        }
      }
    }
    return CredentialProbe(
      .dead, code: code, isReplaced: isReplaced,
      evidence: ProbeEvidence(refusals: refusals, controls: refusals, addresses: addresses))
  }

  private func takes(
    oneOf values: [Secret], _ connector: any SQLConnector, _ found: AWSDatabase, at address: String?
  ) async -> Bool {
    for value in values {
      switch await connector.tryLogin(master.login(value, found, at: address)) {
      case .accepted, .admitted: return true
      case .rejected, .undecided: continue
      }
    }
    return false
  }
}
