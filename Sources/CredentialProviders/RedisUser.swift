public import Capabilities
import Foundation
public import Incidents
import JSON
public import Secrets

/// A password of a Redis user (ACL, Redis 7 or newer; `default` for what a server calls `requirepass`), at one server or at
/// several.
///
/// A user may have several passwords, so the new one is added, consumers move, and the leaked one is taken away. The
/// server gets only their SHA-256, which is how it keeps them. ACLs are not replicated: every node of a cluster and every
/// replica keeps its own passwords and connections, so each is changed and asked by itself. Dead takes a refusal at every
/// one; a node that cannot be reached makes the verdict unknown. Where the servers, or the Sentinels that watch them, know of
/// one that the entry does not name, nothing is issued and nothing called dead (``RedisCompany``).
///
/// The threat: the holder of the leaked password may have prepared the server.
/// - Renamed commands answer in another's name, and modules see and change every command, `AUTH` too: both are looked for on
///   each connection, before anything else is asked (``RedisStage``). Functions and scripts run only when they are called,
///   which the runner never does.
/// - Servers that it has introduced (`CLUSTER MEET`, `REPLICAOF`): what a server tells of others is compared with the entry
///   and never followed, so the runner's password goes to nobody but whom staunch.yaml names.
/// - A further password, given to itself: `abuse.search` counts them. Other users that it made with `+acl`, and what it did to
///   the runner's: `ACL LIST` is for a person to read.
/// Sources: https://redis.io/docs/latest/commands/acl-setuser/, …/acl-getuser/, …/client-list/, …/client-kill/
public struct RedisUser: CredentialProvider {
  public static let kind = "redis"
  public static let summary = "A password of a Redis user."
  public static let profile: AdapterProfile? = AdapterProfile(
    .real,
    privilege: "+acl, +client, +info; unless persist is none +config|get, +config|rewrite; in a cluster "
      + "+cluster|nodes",
    survives: "connections, until they are ended and counted again; users and passwords that its holder"
      + " made with +acl",
    measured: "the next login is refused",
    abuse: "connections that are open now",
    can: [.delete])
  public static let settings = Settings.declarations

  public let capabilities: ProviderCapabilities
  public let lock: String
  public var account: CredentialRef? { CredentialRef(user) }

  let settings: Settings
  let servers: [RedisServer]
  let expectedClients: ClientAddresses
  let environment: AdapterEnvironment
  var user: String { settings.user }
  var company: RedisCompany {
    RedisCompany(servers: servers, settings: settings, environment: environment)
  }

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    try self.init(target, in: environment, withheld: [])
  }

  /// - Parameter withheld: commands that the server's owner gives to nobody.
  init(_ target: TargetConfiguration, in environment: AdapterEnvironment, withheld: Set<String>)
    throws(CapabilityError)
  {
    let settings = try Settings(target)
    guard target.settings["addresses"]?.array?.isEmpty != true else {
      throw CapabilityError(
        .configuration, "\(target.position): \(target.name)", because: "addresses is empty",
        fix: "name every node: addresses: [cache-1.example.org:6379, cache-2.example.org:6379]")
    }
    self.settings = settings
    self.environment = environment
    expectedClients = try ClientAddresses(settings.expectedClients, of: target)
    let stage = RedisStage(modules: Set(settings.modules), withheld: withheld)
    servers = settings.servers.map {
      RedisServer(at: $0, settings: settings, stage: stage, environment: environment)
    }
    lock = "redis/\(servers.map(\.place).sorted().joined(separator: ","))/\(settings.user)"
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .several, disable: .irreversible, sessions: .end, issuing: .generated,
      propagation: settings.propagation)
  }

  static func digest(_ secret: Secret) -> String { RedisServer.digest(secret) }

  /// The password digests of the user at the first server.
  func passwords() async throws(CapabilityError) -> (digests: [String], flags: [String]) {
    guard let first = servers.first else { throw Self.noServer("ACL GETUSER") }
    return try await first.passwords(try await first.open())
  }

  static func noServer(_ operation: String) -> CapabilityError {
    CapabilityError(.invalid, operation, because: "no server is named")
  }

  /// The first server that knows it tells; one that cannot be asked is no "nobody does".
  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    let secret = try leak.requireValue(to: "identify user \(user)")
    let admin = try await environment.sources.resolve(settings.adminPassword)
    if settings.adminUser == user || admin.isSame(as: secret) {
      throw CapabilityError(
        .unsafe, "identify user \(user)", because: "the runner itself logs in with the leaked credential",
        fix: "give the runner a user and password of its own: admin_user, admin_password in staunch.yaml")
    }
    var failure: CapabilityError?
    for server in servers {
      do throws(CapabilityError) {
        if try await server.passwords(try await server.open()).digests.contains(Self.digest(secret)) {
          return Subject(CredentialRef(user))
        }
      } catch {
        // That there is no such user is the better word where no other server has a problem.
        failure = failure.map { $0.class == .notFound ? error : $0 } ?? error
      }
    }
    throw failure
      ?? CapabilityError(
        .notFound, "identify user \(user)",
        because: "the user has no such password: taken away, or of another target",
        fix: "check user, host and port of the entry in staunch.yaml")
  }

  /// Dead means WRONGPASS again and again at every server, while the runner's own logins in between succeeded and the user is
  /// there without this password; and that there is no other server.
  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    var places: [(place: String, probe: CredentialProbe)] = []
    var failure: CapabilityError?
    // Every server is asked: one that accepts must not hide behind one that cannot be asked.
    for server in servers {
      do throws(CapabilityError) {
        places.append((server.place, try await server.verify(secret)))
      } catch { failure = failure ?? error }
    }
    let verdict = places.count == 1 ? places[0].probe : CredentialProbe.verdict(at: places)
    if let failure, verdict.state != .alive { throw failure }
    guard verdict.state == .dead else { return verdict }
    do throws(CapabilityError) { try await company.refuseUnnamed("verify") } catch {
      return CredentialProbe(.unknown, code: "\(verdict.code), but \(error.because)")
    }
    return verdict
  }

  public func existing() async throws(CapabilityError) -> [CredentialRef] {
    for server in servers { _ = try await server.passwords(try await server.open()) }
    return [CredentialRef(user)]
  }

  public func generate() throws(CapabilityError) -> Secret? {
    Secret(RandomText.alphanumeric(count: 43, environment.randomBytes))
  }

  /// Its ref ends in the first digits of its digest, which says nothing about 256 random bits; the leaked one's ref never does.
  func ref(_ digest: String) -> CredentialRef { CredentialRef("\(user)/\(digest.prefix(12))") }

  /// Adds the new password beside the leaked one at every server; each is tried, whatever became of the others. Repeating it
  /// with the same value changes nothing where it is set already.
  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    guard let generated = order.generated else {
      throw CapabilityError(.invalid, "ACL SETUSER", because: "no password was generated before the call")
    }
    try await company.refuseUnnamed("ACL SETUSER", butForThoseAway: true)
    let digest = Self.digest(generated)
    var results: [RefResult] = []
    for server in servers {
      do throws(CapabilityError) {
        let session = try await server.open()
        _ = try await server.passwords(session)
        try await server.change(
          [["ACL", "SETUSER", user, "#" + digest]] + (try await server.persistence(session)), session,
          under: authority)
        results.append(RefResult(server.ref))
      } catch { results.append(RefResult(server.ref, problem: error)) }
    }
    try results.check("ACL SETUSER")
    return IssuedCredential(ref: ref(digest), secret: generated)
  }

  /// - Throws: `.notFound` while a server has not got it.
  public func ref(ofIssued secret: Secret) async throws(CapabilityError) -> CredentialRef {
    let digest = Self.digest(secret)
    for server in servers {
      guard try await server.passwords(try await server.open()).digests.contains(digest) else {
        throw CapabilityError(
          .notFound, "ACL GETUSER", because: "the user has no such password at \(server.place)",
          fix: "set it there again: staunch resume")
      }
    }
    return ref(digest)
  }

  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  { [] }

  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    // Of several passwords only the value tells which one leaked.
    let digest = Self.digest(try leak.requireValue(to: "disable a password of \(user)"))
    var results: [RefResult] = []
    for server in servers {
      do throws(CapabilityError) {
        let session = try await server.open()
        let (digests, flags) = try await server.passwords(session)
        guard !flags.contains("nopass") else {
          throw CapabilityError(
            .unsafe, "ACL SETUSER", because: "user \(user) accepts any password (nopass)",
            fix: "give it a password: ACL SETUSER \(user) resetpass, then: staunch resume")
        }
        try await server.remove(digests.filter { $0 == digest }, session, under: authority)
        results.append(RefResult(server.ref))
      } catch { results.append(RefResult(server.ref, problem: error)) }
    }
    try results.check("disable \(ref)")
  }

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    guard let prefix = ref.rawValue.split(separator: "/").last, ref.rawValue.hasPrefix(user + "/") else {
      throw CapabilityError(
        .unsupported, "ACL DELUSER", because: "a user is an account with rights, not only a password",
        fix: "when nobody needs it any more: ACL DELUSER \(user)")
    }
    var results: [RefResult] = []
    for server in servers {
      do throws(CapabilityError) {
        let session = try await server.open()
        let doomed = try await server.passwords(session).digests.filter { $0.hasPrefix(prefix) }
        try await server.remove(doomed, session, under: authority)
        results.append(RefResult(server.ref))
      } catch { results.append(RefResult(server.ref, problem: error)) }
    }
    try results.check("delete \(ref)")
  }
}
