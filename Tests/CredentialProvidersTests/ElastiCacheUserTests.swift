import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import RESTClient
import RedisClient
import Secrets
import Synchronization
import TestSupport
import Testing

/// MiniStack's control plane, and a real Redis server whose user follows it, as ElastiCache's own does.
@Suite struct ElastiCacheUserTests {
  private let world: ElastiCacheWorld

  init() async throws { world = try await ElastiCacheWorld() }

  @Test func `both passwords live until the leaked one is taken away, and its connections with it`()
    async throws
  {
    let provider = try world.provider()
    let leak = Leak(world.password)
    let ref = try await provider.identify(leak).identity
    let issued = try await provider.issue(
      IssueOrder(marker: "m", generated: try provider.generate(), replacing: leak), under: .forTests())
    #expect(try await provider.verify(world.password, ref: ref).state == .alive)
    #expect(try await provider.verify(issued.secret, ref: issued.ref).state == .alive)
    let connection = try world.server.openConnection(world.user, world.password)
    try #require(connection.announcement == "OK")
    // Another process: what stays is known from the store.
    let new = issued.secret
    let later = try world.provider().knowing { [new] }
    try await later.disable(ref, leak: leak, replacedBy: issued.ref, under: .forTests())
    #expect(try await later.verify(world.password, ref: ref) == CredentialProbe(.dead, code: "WRONGPASS"))
    #expect(try await later.verify(new, ref: issued.ref).state == .alive)
    let count = try await later.endSessions(ref, before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 1, left: 0))
    connection.stop()
  }

  @Test func `nothing is set where a password that stays is not known here`() async throws {
    let provider = try world.provider()
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await provider.issue(
        IssueOrder(marker: "m", generated: try provider.generate()), under: .forTests())
    }
    #expect(error?.class == .conflict)
    #expect(try await provider.verify(world.password, ref: nil).state == .alive)
    try await world.server.run("ACL SETUSER \(world.user) >of-somebody-else")
    let stop = await #expect(throws: CapabilityError.self) {
      try await provider.disable(
        CredentialRef(world.user), leak: Leak(world.password), replacedBy: nil, under: .forTests())
    }
    #expect(stop?.class == .conflict)
    #expect(try await provider.verify(Secret("of-somebody-else"), ref: nil).state == .alive)
    let full = await #expect(throws: CapabilityError.self) {
      _ = try await provider.issue(
        IssueOrder(marker: "m", generated: try provider.generate(), replacing: Leak(world.password)),
        under: .forTests())
    }
    #expect(full?.because.contains("two passwords already") == true)
  }

  @Test func `an id of another user is refused`() async throws {
    let other = try await ElastiCacheWorld()
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await world.provider(["user_id": .string(other.user)]).identify(Leak(world.password))
    }
    #expect(error?.class == .configuration)
  }

  @Test func `a user that takes no change now is left as it is`() async throws {
    let user = world.user
    let http = Doctored { question in
      question.form["Action"] == "DescribeUsers"
        ? .xml(
          200,
          "<DescribeUsersResponse><DescribeUsersResult><Users><member><UserId>\(user)</UserId><UserName>\(user)</UserName>"
            + "<Status>modifying</Status><ARN>arn:aws:x</ARN></member></Users></DescribeUsersResult></DescribeUsersResponse>"
        ) : nil
    }
    let provider = try world.provider(over: http)
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.disable(
        CredentialRef(user), leak: Leak(world.password), replacedBy: nil, under: .forTests())
    }
    #expect(error?.class == .conflict)
    #expect(error?.because.hasSuffix("it is modifying") == true)
  }
}

/// The contract suite on both.
@Suite struct ElastiCacheUserContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(ElastiCacheUserFixture.self)
  }

  @Test func `docs say what it is checked for`() async throws {
    try await ContractTable.check(ElastiCacheUserFixture.self)
  }
}

private struct ElastiCacheUserFixture: ContractFixture {
  static let against = "an emulator, and a real server behind it"
  let transport: ShakyTransport
  let provider: any CredentialProvider
  let leak: Leak

  static func make() async throws -> Self {
    let world = try await ElastiCacheWorld()
    let transport = ShakyTransport(over: Followed(world))
    return Self(
      transport: transport, provider: try world.provider(over: transport),
      leak: Leak(world.password, handle: world.user))
  }

  func loseNextReply() -> Bool {
    transport.losesReply.withLock { $0 = true }
    return true
  }
}

/// libcurl; what sets passwords is carried out at the real server, too.
private struct Followed: HTTPTransport {
  let world: ElastiCacheWorld
  private let real = CurlTransport()
  init(_ world: ElastiCacheWorld) { self.world = world }

  func fetch(_ request: SafeRequest) async throws(CapabilityError) -> HTTPResponse {
    try await real.fetch(request)
  }

  func send(_ request: HTTPRequest, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> HTTPResponse
  {
    let answer = try await real.send(request, under: authority)
    guard answer.status == 200, case .secret(let body) = request.body,
      let items = URLComponents(string: "http://it/?" + body.exposeAsText())?.queryItems
    else { return answer }
    let words = items.filter { $0.name.hasPrefix("Passwords.member.") }.map { ">\($0.value ?? "")" }
    guard !words.isEmpty else { return answer }
    do {
      try await world.server.run("ACL SETUSER \(world.user) resetpass \(words.joined(separator: " "))")
    } catch { throw CapabilityError(.serverError, "test", because: "the server does not follow") }
    return answer
  }
}

/// A user of MiniStack's and of the server that stands for its cache.
private struct ElastiCacheWorld: Sendable {
  private static let port = Result { try SupervisedServer.freePort() }
  private static let cache = Result { try RedisServer(port: try port.get()) }
  let ministack: MiniStackServer
  let server: RedisServer
  let user: String
  let password: Secret

  init() async throws {
    ministack = try MiniStackServer.shared()
    server = try Self.cache.get()
    (user, password) = try await server.makeUser()
    try await ministack.call(
      "elasticache", "CreateUser",
      [
        "UserId": user, "UserName": user, "Engine": "redis", "AccessString": "on ~* +@all",
        "Passwords.member.1": password.exposeAsText(),
      ])
  }

  func provider(_ more: [String: JSONValue] = [:], over http: (any HTTPTransport)? = nil) throws
    -> ElastiCacheUser
  {
    let settings: [String: JSONValue] = [
      "user": .string(user), "host": "127.0.0.1", "port": .integer(try Self.port.get()),
      "admin_user": "admin",
      "admin_password": "env:A", "region": "us-east-1", "base_url": .string(ministack.url),
      "access_key_id": "env:ID", "secret_access_key": "env:SECRET", "propagation_seconds": 0,
    ]
    return try ElastiCacheUser(
      TargetConfiguration(
        name: "cache", kind: ElastiCacheUser.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(
        http: http ?? Followed(self),
        redis: RESPConnector(),
        secrets: [
          "env:A": server.adminPassword, "env:ID": Secret(ministack.root.accessKeyID),
          "env:SECRET": ministack.root.secretAccessKey,
        ]))
  }
}
