public import Capabilities
public import Foundation
public import Incidents
import JSON
import RESTClient
public import Secrets
import Synchronization

/// A password of an ElastiCache user (Redis OSS or Valkey): set at AWS, tried and looked up at a server of its cache.
///
/// A user has two passwords at most. `ModifyUser` replaces the whole set and wants every one that stays written again: the new one
/// is set beside the leaked one, consumers move, and the new one is set alone. What stays has to be known here (the leaked
/// value, the store's), or nothing is set. Connections outlive their password and are ended one by one, as of every Redis.
///
/// The threat is Redis's own (``RedisUser``): connections that live on, a further password, modules. ElastiCache gives CONFIG
/// and MODULE to nobody. A password of somebody else's that is there beside the leaked one is never written over: the run
/// stops and names it. Other users that the holder made at AWS take another right than this password gives.
///
/// Tested against MiniStack's control plane with a real Redis server that follows it.
/// Sources: https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/ (DescribeUsers, ModifyUser),
/// https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html
public struct ElastiCacheUser: CredentialProvider {
  struct Settings: AdapterSettings {
    let user: String
    let userID: String?
    let aws: AWSClient.Settings
    let redis: [String: JSONValue]
    let propagation: Duration

    init(from read: inout SettingsReader) throws(CapabilityError) {
      user = try read.text("user", "the user whose password leaked, as Redis knows it")
      userID = try read.optionalText("user_id", "its id at ElastiCache; `user` when absent")
      var redis: [String: JSONValue] = ["user": .string(user), "persist": "none"]
      redis["host"] = .string(
        try read.text("host", "a server of its cache: the primary endpoint, or that of the configuration"))
      redis["port"] = try read.integer("port", "6379 when absent").map { .integer($0) }
      let texts = [
        ("tls", "`on` or `off`; when absent `off` on this machine, `on` elsewhere"),
        (
          "redis_tls_ca",
          "a PEM file of the authority that signs the cache's certificate: Amazon Trust Services"
        ),
        ("tls_name", "the name that the certificate must hold; `host` when absent"),
      ]
      for (key, summary) in texts {
        redis[key == "redis_tls_ca" ? "tls_ca" : key] = try read.optionalText(key, summary).map {
          .string($0)
        }
      }
      redis["admin_user"] = .string(
        try read.text(
          "admin_user", "the runner's own user there, with +acl|getuser +client +info +command|info"))
      redis["admin_password"] = .string(try read.reference("admin_password", "its password"))
      redis["expected_clients"] = .array(
        try read.texts("expected_clients", "addresses or networks from which connections are expected").map {
          .string($0)
        })
      self.redis = redis
      aws = try AWSClient.Settings(from: &read)
      propagation = try read.propagation(.seconds(60))
    }
  }

  public static let kind = "aws_elasticache"
  public static let summary = "A password of an ElastiCache user."
  public static let profile: AdapterProfile? = AdapterProfile(
    .emulator,
    privilege: "elasticache:DescribeUsers, ModifyUser on the user; at a server of the cache +acl|getuser, "
      + "+client, +info",
    survives: "connections, until they are ended and counted again",
    abuse: "connections that are open now",
    note: "a real Redis server follows the emulator's control plane")
  public static let settings = Settings.declarations
  /// AWS's limit.
  private static let limit = 2

  public let capabilities: ProviderCapabilities
  public let lock: String
  public var account: CredentialRef? { redis.account }
  private let client: AWSClient
  private let id: String
  private let redis: RedisUser
  private var present: @Sendable () async -> [Secret] = { [] }
  private let memory = Memory()

  /// Passwords that this process has set.
  private final class Memory: Sendable {
    let own = Mutex<[Secret]>([])
  }

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    let settings = try Settings(target)
    client = AWSClient(settings.aws, in: environment)
    id = settings.userID ?? settings.user
    redis = try RedisUser(
      TargetConfiguration(
        name: target.name, kind: RedisUser.kind, settings: settings.redis, position: target.position),
      in: environment, withheld: ["config", "module"])
    lock = "aws_elasticache/\(settings.aws.base ?? settings.aws.region)/\(id)"
    capabilities = ProviderCapabilities(
      authority: .admin, overlap: .several, disable: .irreversible, sessions: .end, issuing: .generated,
      propagation: settings.propagation)
  }

  public func knowing(_ present: @escaping @Sendable () async -> [Secret]) -> Self {
    var copy = self
    copy.present = present
    return copy
  }

  // MARK: at AWS

  /// - Returns: its ARN and its status. - Throws: `.configuration` where it is another user than the server's.
  private func user() async throws(CapabilityError) -> (arn: String, status: String) {
    let operation = "elasticache:DescribeUsers"
    let answer = try await client.answer(.elastiCache, "DescribeUsers", [("UserId", id)])
    if ["UserNotFound", "UserNotFoundFault"].contains(answer.code ?? "") {
      throw CapabilityError(
        .notFound, operation, because: "there is no user \(id)",
        fix: "correct user_id and region in staunch.yaml")
    }
    if let failure = client.failure(of: answer, .elastiCache, "DescribeUsers", changes: false) {
      throw failure
    }
    let list = AWSElement(parsing: answer.response.body)?["DescribeUsersResult"]?["Users"]
    guard let told = list?.children.first, told["UserId"]?.text == id, let name = told["UserName"]?.text,
      let arn = told["ARN"]?.text, let status = told["Status"]?.text
    else { throw CapabilityError(.invalid, operation, because: "the answer does not hold the user whole") }
    guard name == redis.user else {
      throw CapabilityError(
        .configuration, operation, because: "\(id) is another user than \(redis.user)",
        fix: "correct user or user_id in staunch.yaml: aws elasticache describe-users")
    }
    return (arn, status)
  }

  /// Sets exactly these, the first being one that stays.
  private func set(_ passwords: [Secret], under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let status = try await user().status
    guard status == "active" else {
      throw CapabilityError(
        .conflict, "elasticache:ModifyUser", because: "user \(id) takes no change now: it is \(status)",
        fix: "wait until it is active, then: staunch resume")
    }
    var fields: AWSClient.Fields = [("UserId", id)]
    for (index, password) in passwords.enumerated() {
      fields.append(("Passwords.member.\(index + 1)", password.exposeAsText()))
    }
    try await client.change(.elastiCache, "ModifyUser", fields, under: authority)
  }

  /// The values of `digests` that are known here. - Throws: `.conflict` where one is not: it would be lost.
  private func known(_ digests: [String], among values: [Secret]) async throws(CapabilityError) -> [Secret] {
    let all = values + memory.own.withLock { $0 } + (await present())
    var found: [Secret] = []
    for digest in digests {
      guard let value = all.first(where: { RedisUser.digest($0) == digest }) else {
        throw CapabilityError(
          .conflict, "elasticache:ModifyUser",
          because:
            "user \(redis.user) has a password that is not known here, and AWS wants each that stays written again",
          fix:
            "put it into the store of the entry; or take it away, when it is nobody's; then: staunch resume")
      }
      found.append(value)
    }
    return found
  }

  // MARK: the port

  public func identify(_ leak: Leak) async throws(CapabilityError) -> Subject {
    _ = try await user()
    guard leak.value == nil, let handle = leak.handle else { return try await redis.identify(leak) }
    guard [redis.user, id].contains(handle) else {
      throw CapabilityError(
        .notFound, "identify user \(redis.user)", because: "it is another one's name",
        fix: "check user in staunch.yaml")
    }
    return Subject(CredentialRef(redis.user))
  }

  public func existing() async throws(CapabilityError) -> [CredentialRef] { try await redis.existing() }
  public func generate() throws(CapabilityError) -> Secret? { try redis.generate() }
  public func ref(ofIssued secret: Secret) async throws(CapabilityError) -> CredentialRef {
    try await redis.ref(ofIssued: secret)
  }
  public func issued(marker: String, before: [CredentialRef]) async throws(CapabilityError) -> [CredentialRef]
  { [] }

  /// Sets the new password beside the one that is there. Repeating it with the same value changes nothing.
  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    let operation = "elasticache:ModifyUser"
    guard let new = order.generated else {
      throw CapabilityError(.invalid, operation, because: "no password was generated before the call")
    }
    memory.own.withLock { $0.append(new) }
    let digests = try await redis.passwords().digests
    let issued = IssuedCredential(ref: redis.ref(RedisUser.digest(new)), secret: new)
    if digests.contains(RedisUser.digest(new)) { return issued }
    guard digests.count < Self.limit else {
      throw CapabilityError(
        .conflict, operation, because: "user \(redis.user) has two passwords already, AWS's limit",
        fix:
          "see which one nobody uses, set the other alone (aws elasticache modify-user), then: staunch resume"
      )
    }
    try await set([new] + (try await known(digests, among: order.replacing?.values ?? [])), under: authority)
    return issued
  }

  /// Sets what stays without the leaked one. Where nothing stays, a password that nobody keeps.
  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let leaked = try leak.requireValue(to: "disable a password of \(redis.user)")
    try await take(RedisUser.digest(leaked), under: authority)
  }

  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    guard let mark = ref.rawValue.split(separator: "/").last, ref.rawValue.hasPrefix(redis.user + "/") else {
      throw CapabilityError(
        .unsupported, "elasticache:DeleteUser",
        because: "a user is an account with rights, not only a password",
        fix: "when nobody needs it any more: aws elasticache delete-user --user-id \(id)")
    }
    for digest in try await redis.passwords().digests where digest.hasPrefix(mark) {
      try await take(digest, under: authority)
    }
  }

  private func take(_ digest: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let digests = try await redis.passwords().digests
    guard digests.contains(digest) else { return }
    var stay = try await known(digests.filter { $0 != digest }, among: [])
    if stay.isEmpty, let nobodys = try redis.generate() { stay = [nobodys] }
    do throws(CapabilityError) { try await set(stay, under: authority) } catch {
      guard error.class == .unknownOutcome, try await !redis.passwords().digests.contains(digest) else {
        throw error
      }
    }
  }

  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    try await redis.verify(secret, ref: ref)
  }

  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  { try await redis.endSessions(ref, before: before, under: authority) }

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    var facts = try await redis.inspect(ref).facts
    facts["status"] = .string(try await user().status)
    facts["survives"] = "connections that it opened, until they are ended"
    return CredentialFacts(facts)
  }

  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    try await redis.searchAbuse(ref, since: since)
  }

  public func loginReadiness() async -> [Readiness] { await redis.loginReadiness() }

  public func readiness() async -> [Readiness] {
    do throws(CapabilityError) {
      let (arn, status) = try await user()
      let count = try await redis.passwords().digests.count
      var found = [
        Readiness(
          "user",
          status == "active"
            ? .ready("\(count) of \(Self.limit) passwords")
            : .missing(because: "it is \(status) and takes no change", fix: "wait until it is active"))
      ]
      found += await AWSRights(client: client).readiness(
        [.init(arn, "elasticache:DescribeUsers", "elasticache:ModifyUser")],
        excess: ["elasticache:CreateUser", "elasticache:DeleteReplicationGroup"])
      return found
    } catch { return [Readiness("user", error)] }
  }
}
