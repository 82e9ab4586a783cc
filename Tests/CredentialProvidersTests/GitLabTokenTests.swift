import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import Secrets
import Simulators
import Synchronization
import TestSupport
import Testing

/// Against exchanges written from https://docs.gitlab.com/api/personal_access_tokens/ (read on 2026-11-30), over libcurl.
@Suite struct GitLabTokenTests {
  private static let path = "/api/v4/personal_access_tokens/self"
  private static let today = Date(timeIntervalSince1970: 1_793_491_200)  // 2026-11-01
  private let leaked = Secret(FakeSecrets.value("gitlab_pat", "leaked"))

  /// "Self-inform": the documentation's example.
  private static func record(
    _ id: Int = 4, scopes: String = #""api""#, created: String = "2026-10-01T00:00:00.000Z", more: String = ""
  ) -> LoopbackServer.Reply {
    .json(
      200,
      #"{"id":\#(id),"name":"Test Token","revoked":false,"created_at":"\#(created)","#
        + #""description":"Test Token description","scopes":[\#(scopes)],"user_id":3,"#
        + #""last_used_at":"2026-10-06T17:58:37.000Z","active":true,"expires_at":"2026-10-31"\#(more)}"#)
  }
  /// "Rotate a personal access token": the documentation's example.
  private static let rotated = LoopbackServer.Reply.json(
    200,
    #"{"id":42,"name":"Rotated Token","revoked":false,"created_at":"2026-11-01T00:00:00.000Z","#
      + #""description":"Test Token description","scopes":["api"],"user_id":3,"last_used_at":null,"#
      + #""active":true,"expires_at":"2026-12-01","token":"s3cr3t-of-the-new-one"}"#)
  private static let revoked = LoopbackServer.Reply.json(
    401,
    #"{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from the user."}"#
  )
  private static let stranger = LoopbackServer.Reply.json(401, #"{"message":"401 Unauthorized"}"#)

  private func provider(
    _ server: LoopbackServer, _ more: [String: JSONValue] = [:], secrets: [String: Secret] = [:]
  ) throws -> any CredentialProvider {
    let settings: [String: JSONValue] = ["base_url": .string(server.url)]
    return try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "ci", kind: GitLabToken.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(
        http: CurlTransport(), secrets: secrets, now: { Self.today }))
  }

  private func order() -> IssueOrder { IssueOrder(marker: "m", replacing: Leak(leaked)) }

  private static func posts(_ server: LoopbackServer) -> [LoopbackServer.Request] {
    server.requests.filter { $0.method == "POST" }
  }

  @Test func `it is looked at, then turned into a new one that lasts as long as it did`() async throws {
    let server = try LoopbackServer { $0.method == "POST" ? Self.rotated : Self.record() }
    let issued = try await provider(server).issue(order(), under: .forTests())
    #expect(issued.ref.rawValue == "42")
    #expect(issued.secret.isSame(as: Secret("s3cr3t-of-the-new-one")))
    #expect(issued.material.expiry == Date(timeIntervalSince1970: 1_796_083_200))  // 2026-12-01
    #expect(server.requests.map(\.method) == ["GET", "POST"])
    #expect(server.requests.last?.target == Self.path + "/rotate?expires_at=2026-12-01")
    #expect(server.requests.allSatisfy { $0.headers["private-token"] == leaked.exposeAsText() })
    #expect(server.requests.allSatisfy { $0.headers["authorization"] == nil })
  }

  @Test func `a project's token is rotated at its project`() async throws {
    let server = try LoopbackServer { $0.method == "POST" ? Self.rotated : Self.record() }
    let provider = try provider(server, ["project": "acme/shop", "lifetime_days": 7])
    _ = try await provider.issue(order(), under: .forTests())
    #expect(
      server.requests.last?.target
        == "/api/v4/projects/acme%2Fshop/access_tokens/self/rotate?expires_at=2026-11-08")
  }

  @Test func `a lost reply is looked for and never asked for again`() async throws {
    let world = try GitLabWorld()
    _ = world.front.loseNextReply()
    let lost = await #expect(throws: CapabilityError.self) {
      try await world.provider.issue(IssueOrder(marker: "m", replacing: world.leak), under: .forTests())
    }
    #expect(lost?.class == .unknownOutcome)
    let again = await #expect(throws: CapabilityError.self) {
      try await world.provider.issue(IssueOrder(marker: "m", replacing: world.leak), under: .forTests())
    }
    #expect(again?.class == .conflict)
    #expect(again?.because.contains("nothing was sent") == true)
    #expect(Self.posts(world.server).count == 1)
    // A second call would have revoked its whole family.
    #expect(world.front.simulator.world.calls == ["rotate"])
    #expect(world.front.simulator.world.entries.count == 1)
    #expect(try await world.provider.verify(world.leak.requireValue(to: "test"), ref: nil).state == .dead)
  }

  @Test(arguments: [408, 425, 500, 502, 503, 504])
  func `what a gateway says of a rotation leaves it unknown`(status: Int) async throws {
    let server = try LoopbackServer { $0.method == "POST" ? .json(status, "{}") : Self.record() }
    let error = await #expect(throws: CapabilityError.self) {
      try await provider(server).issue(order(), under: .forTests())
    }
    #expect(error?.class == .unknownOutcome)
    #expect(Self.posts(server).count == 1)
  }

  @Test func `a rotation whose answer holds no token was carried out all the same`() async throws {
    let server = try LoopbackServer { $0.method == "POST" ? .json(200, "<html>") : Self.record() }
    let error = await #expect(throws: CapabilityError.self) {
      try await provider(server).issue(order(), under: .forTests())
    }
    #expect(error?.class == .unknownOutcome)
  }

  @Test(
    arguments: [(400, .invalid), (401, .conflict), (403, .refused), (404, .notFound), (405, .unsupported)]
      as [(Int, CapabilityError.Class)])
  func `a rotation that GitLab refuses says why and what to do`(status: Int, kind: CapabilityError.Class)
    async throws
  {
    let server = try LoopbackServer { $0.method == "POST" ? .json(status, "{}") : Self.record() }
    let error = await #expect(throws: CapabilityError.self) {
      try await provider(server).issue(order(), under: .forTests())
    }
    #expect(error?.class == kind)
    #expect(error?.fix != nil || kind == .notFound)
    #expect(error?.operation == "POST /api/v4/personal_access_tokens/self/rotate")
  }

  @Test(
    arguments: [
      (200, #"{"id":4,"revoked":false,"active":true}"#, .alive, "200"),
      (200, #"{"id":4,"revoked":true,"active":false}"#, .unknown, "200, but it is not active"),
      (200, "<html>sign in</html>", .unknown, "200 without a token's record"),
      (401, "<html>", .unknown, "401"),
      (
        401, #"{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize."}"#,
        .dead, "401 revoked"
      ),
      (
        401,
        #"{"error":"invalid_token","error_description":"Token is expired. You can do re-authorization."}"#,
        .dead, "401 expired"
      ),
      (
        401,
        #"{"error":"invalid_token","error_description":"Token is an impersonation token but impersonation was disabled."}"#,
        .unknown, "401 invalid_token, for another reason than the token"
      ),
      (401, #"{"error":"dpop_error","error_description":"DPoP validation error"}"#, .unknown, "401"),
      (403, #"{"error":"insufficient_scope","scope":"api"}"#, .alive, "403 insufficient_scope"),
      (
        403, #"{"message":"403 Forbidden - Your account has been blocked."}"#, .unknown,
        "403, its user is blocked: it works again when they are not"
      ),
      (403, #"{"message":"403 Forbidden"}"#, .unknown, "403"), (404, "{}", .unknown, "404"),
      (429, "{}", .unknown, "429"), (502, "{}", .unknown, "502"),
    ] as [(Int, String, CredentialState, String)])
  func `only its own word that a token is over is death`(
    status: Int, body: String, state: CredentialState, code: String
  ) async throws {
    let server = try LoopbackServer { _ in .json(status, body) }
    let probe = try await provider(server).verify(leaked, ref: nil)
    #expect(probe == CredentialProbe(state, code: code))
  }

  @Test func `a token that GitLab never had is refused, and dead only beside one that it takes`() async throws
  {
    let other = Secret(FakeSecrets.value("gitlab_pat", "other"))
    let server = try LoopbackServer { request in
      request.headers["private-token"] == other.exposeAsText() ? Self.record(9) : Self.stranger
    }
    let alone = try await provider(server).verify(leaked, ref: nil)
    #expect(alone.state == .unknown && alone.isRefused)
    #expect(alone.code.hasPrefix("401 Unauthorized, and no token to compare with"))
    let told = try provider(server, ["token": "env:OTHER"], secrets: ["env:OTHER": other])
    let beside = try await told.verify(leaked, ref: nil)
    #expect(beside == CredentialProbe(.dead, code: "401 Unauthorized"))
    #expect(beside.evidence?.controls == 2)
    let stored = try await provider(server).knowing { [other] }.verify(leaked, ref: nil)
    #expect(stored.state == .dead)
  }

  @Test func `a GitLab that refuses everybody proves nothing`() async throws {
    let other = Secret(FakeSecrets.value("gitlab_pat", "other"))
    // It takes the other token once, as the control is chosen.
    let count = Count()
    let server = try LoopbackServer { request in
      request.headers["private-token"] == other.exposeAsText() && count.next() == 1
        ? Self.record(9) : Self.revoked
    }
    let told = try provider(server, ["token": "env:OTHER"], secrets: ["env:OTHER": other])
    let probe = try await told.verify(leaked, ref: nil)
    #expect(probe.state == .unknown)
    #expect(probe.code.contains("a token that worked a moment ago is refused as well"))
  }

  @Test(arguments: ["gldt-", "glptt-", "GR1348941", "glrt-", "glft-", "glagent-"])
  func `another kind of token is never sent to a call that does not know it`(prefix: String) async throws {
    let server = try LoopbackServer { _ in Self.stranger }
    let other = Secret(prefix + "0123456789abcdefghij")
    #expect(try await provider(server).verify(other, ref: nil).state == .unknown)
    let error = await #expect(throws: CapabilityError.self) {
      try await provider(server).identify(Leak(other))
    }
    #expect(error?.class == .notFound)
    #expect(error?.because.contains(prefix) == true)
    #expect(server.requests.isEmpty)
  }

  @Test func `an OAuth token is never called dead by a call that does not know it`() async throws {
    let works = Secret(FakeSecrets.value("gitlab_pat", "other"))
    let server = try LoopbackServer { request in
      request.headers["private-token"] == works.exposeAsText() ? Self.record(9) : Self.stranger
    }
    let told = try provider(server).knowing { [works] }
    let probe = try await told.verify(Secret(String(repeating: "0a", count: 32)), ref: nil)
    #expect(probe.state == .unknown && probe.code.contains("an OAuth access token"))
    #expect(server.requests.isEmpty)
  }

  @Test func `it revokes itself, once and again, and says when it never was`() async throws {
    let count = Count()
    let server = try LoopbackServer { _ in count.next() == 1 ? .answer(204) : Self.revoked }
    let provider = try provider(server)
    for _ in 0..<2 {
      try await provider.disable(
        CredentialRef("4"), leak: Leak(leaked), replacedBy: CredentialRef("42"), under: .forTests())
    }
    #expect(
      server.requests.map { "\($0.method) \($0.target)" } == Array(repeating: "DELETE \(Self.path)", count: 2)
    )
    let strange = try LoopbackServer { _ in Self.stranger }
    let error = await #expect(throws: CapabilityError.self) {
      try await self.provider(strange).disable(
        CredentialRef("4"), leak: Leak(leaked), replacedBy: nil, under: .forTests())
    }
    #expect(error?.class == .notFound)
  }

  /// The threat: whoever holds the token has rotated it first, and has made things that outlive it, under names of their own.
  @Test
  func
    `what its holder made is listed by id, with a token that only reads, and their rotation is not repeated`()
    async throws
  {
    let reader = Secret(FakeSecrets.value("gitlab_pat", "reader"))
    let server = try LoopbackServer { request in
      guard request.headers["private-token"] == reader.exposeAsText() else { return Self.revoked }
      switch request.path {
      case Self.path: return Self.record(9, scopes: #""read_api""#)
      case "/api/v4/personal_access_tokens/4": return Self.record()
      case "/api/v4/personal_access_tokens":
        return .json(
          200,
          #"[{"id":9,"user_id":3},{"id":43,"name":"\u001b[2Jfine","user_id":3,"created_at":"2026-10-20T00:00:00.000Z"},"#
            + #"{"id":3,"user_id":3,"created_at":"2026-01-01T00:00:00.000Z"}]"#)
      case "/api/v4/users/3/keys":
        return .json(
          200,
          #"[{"id":7,"title":"\u001b[2Jyours","key":"ssh-rsa AAAA","created_at":"2026-10-21T00:00:00.000Z"}]"#
        )
      default: return .json(404, "{}")
      }
    }
    let provider = try provider(server, ["token": "env:READER"], secrets: ["env:READER": reader])
    let since = Date(timeIntervalSince1970: 1_791_504_000)  // 2026-10-09
    let made = try await provider.successors(CredentialRef("4"), since: since)
    #expect(made.found.map(\.ref.rawValue) == ["43", "key/7"])
    #expect(made.found.map(\.what) == ["personal access token of user 3", "SSH key of user 3"])
    #expect(made.covered == nil)  // what projects and groups hold was not asked
    let gone = await #expect(throws: CapabilityError.self) { try await provider.identify(Leak(leaked)) }
    #expect(gone?.class == .notFound)
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.issue(order(), under: .forTests())
    }
    #expect(error?.class == .conflict)
    #expect(Set(server.requests.map(\.method)) == ["GET"])
    let facts = try await provider.inspect(CredentialRef("4")).facts
    #expect(facts["owner"] == "user 3")
    #expect(facts["survives"]?.string?.contains("SSH keys") == true)
  }

  @Test func `a token of another user is not this entry's, as the store's own token tells`() async throws {
    let stored = Secret(FakeSecrets.value("gitlab_pat", "stored"))
    let server = try LoopbackServer { request in
      request.headers["private-token"] == stored.exposeAsText()
        ? .json(200, #"{"id":8,"user_id":5,"revoked":false,"active":true}"#) : Self.record()
    }
    let provider = try provider(server)
    #expect(try await provider.identify(Leak(leaked)).identity.rawValue == "4")
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.knowing { [stored] }.identify(Leak(leaked))
    }
    #expect(error?.class == .notFound)
    #expect(error?.because == "it is of user 3, and this entry's tokens are of user 5")
  }

  /// Else a stranger's own token could be rotated, and become what the program uses.
  @Test(arguments: [429, 503]) func `while nobody can say whose tokens the entry is for, it is not taken`(
    status: Int
  ) async throws {
    let stored = Secret(FakeSecrets.value("gitlab_pat", "stored"))
    let server = try LoopbackServer { request in
      request.headers["private-token"] == stored.exposeAsText() ? .json(status, "{}") : Self.record()
    }
    let told = try provider(server).knowing { [stored] }
    let error = await #expect(throws: CapabilityError.self) { try await told.identify(Leak(leaked)) }
    #expect(error?.class == (status == 429 ? .rateLimit : .serverError))
  }

  @Test func `a reading token that is not there makes no stranger of the leaked one`() async throws {
    let server = try LoopbackServer { _ in Self.record() }
    let told = try provider(server, ["token": "env:MISSING"])
    #expect(try await told.identify(Leak(leaked)).identity.rawValue == "4")
    #expect(try await told.verify(leaked, ref: nil).state == .alive)
    guard case .missing? = await told.readiness().last?.verdict else {
      Issue.record("doctor says nothing of it")
      return
    }
  }

  @Test func `the runner's own token is not stopped by itself`() async throws {
    let server = try LoopbackServer { _ in Self.record() }
    let own = try provider(server, ["token": "env:OWN"], secrets: ["env:OWN": leaked])
    let error = await #expect(throws: CapabilityError.self) { try await own.identify(Leak(leaked)) }
    #expect(error?.class == .unsafe)
  }

  @Test(
    arguments: [
      (#""read_api""#, "read_api"),
      (#""api","read_api""#, "it may more than it needs: api; read_api is enough"),
      (#""read_user""#, nil),
    ] as [(String, String?)])
  func `doctor asks what the reading token may, both ways`(scopes: String, ready: String?) async throws {
    let server = try LoopbackServer { _ in Self.record(9, scopes: scopes) }
    let told = try provider(server, ["token": "env:R"], secrets: ["env:R": Secret("reader-0123456789")])
    let verdict = await told.readiness().last?.verdict
    if let ready {
      #expect(verdict == .ready(ready))
    } else {
      #expect(
        verdict == .missing(because: "it has no read_api", fix: "make one in GitLab with read_api alone"))
    }
  }

  @Test func `an address that nobody expects is abuse, and that none is seen says nothing`() async throws {
    let server = try LoopbackServer { _ in
      Self.record(more: #","last_used_ips":["10.1.2.3","198.51.100.7","\u001b[2J"]"#)
    }
    let told = try provider(server, ["expected_clients": ["10.0.0.0/8"]])
    let ref = try await told.identify(Leak(leaked)).identity
    let report = try await told.searchAbuse(ref, since: nil)
    #expect(report.seen == true && report.covered == nil)
    #expect(
      report.findings == [
        "last used 2026-10-06T17:58:37.000Z", "used from 10.1.2.3", "used from 198.51.100.7, not expected",
      ])
    let all = try provider(server, ["expected_clients": ["0.0.0.0/0"]])
    _ = try await all.identify(Leak(leaked))
    #expect(try await all.searchAbuse(ref, since: nil).seen == nil)
  }

  @Test func `project and group are not both its owner`() async throws {
    let server = try LoopbackServer { _ in Self.record() }
    let error = #expect(throws: CapabilityError.self) {
      try provider(server, ["project": "a/b", "group": "a"])
    }
    #expect(error?.class == .configuration)
  }
}

/// Counts from 1.
private final class Count: Sendable {
  private let value = Mutex(0)
  func next() -> Int {
    value.withLock { value in
      value += 1
      return value
    }
  }
}

@Suite struct GitLabTokenContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(GitLabWorld.self)
  }
  @Test func `docs CONTRACT md says what is checked`() async throws {
    try await ContractTable.check(GitLabWorld.self)
  }
}

/// The simulator of a token that rotates itself, in the words of GitLab's documentation (as above).
private struct GitLabWorld: ContractFixture {
  static let against = "a simulator in the words of the documentation"
  let front: SimulatorFront<SimulatedSelfRotation>
  let server: LoopbackServer
  let provider: any CredentialProvider
  var leak: Leak { front.simulator.leak }

  init() throws {
    let front = SimulatorFront<SimulatedSelfRotation>()
    self.front = front
    server = try LoopbackServer { request in Self.answer(request, front) }
    provider = try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "ci", kind: GitLabToken.kind, settings: ["base_url": .string(server.url)],
        position: "staunch.yaml:1:1"), in: .forTests(http: CurlTransport()))
  }

  static func make() throws -> Self { try Self() }
  func loseNextReply() -> Bool { front.loseNextReply() }
  func refuseNextCall() -> Bool { front.refuseNextCall() }
  func answerOldThings(takingTurns: Bool) -> Duration? { front.answerOldThings(takingTurns: takingTurns) }
  func pass(_ time: Duration) { front.conditions.advance(by: time) }

  private static func answer(
    _ request: LoopbackServer.Request, _ front: SimulatorFront<SimulatedSelfRotation>
  ) -> LoopbackServer.Reply {
    let token = request.headers["private-token"] ?? ""
    let simulator = front.simulator
    switch (request.method, request.path) {
    case ("GET", "/api/v4/personal_access_tokens/self"):
      if let obstacle = front.obstacle() { return obstacle }
      guard front.accepts(token) else { return refusal(of: token, front) }
      return record(of: token, simulator, with: [:])
    case ("POST", "/api/v4/personal_access_tokens/self/rotate"):
      let rotated = awaited {
        try await simulator.issue(
          IssueOrder(marker: "", replacing: Leak(Secret(token))), under: .forTests())
      }
      switch rotated {
      case .success(let issued):
        let value = issued.secret.exposeAsText()
        return record(of: value, simulator, with: ["token": .string(value)])
      case .failure(let error):
        guard (error as? CapabilityError)?.class == .refused else {
          return SimulatorFront<SimulatedSelfRotation>.reply(to: error)
        }
        return refusal(of: token, front)
      }
    case ("DELETE", "/api/v4/personal_access_tokens/self"):
      guard simulator.world.entry(holding: token) != nil else { return refusal(of: token, front) }
      let revoked = awaited {
        try await simulator.disable(
          CredentialRef("self"), leak: Leak(Secret(token)), replacedBy: nil, under: .forTests())
      }
      switch revoked {
      case .success: return .answer(204)
      case .failure(let error): return SimulatorFront<SimulatedSelfRotation>.reply(to: error)
      }
    default: return .json(404, #"{"error":"404 Not Found"}"#)
    }
  }

  private static func record(
    of token: String, _ simulator: SimulatedSelfRotation, with more: [String: JSONValue]
  ) -> LoopbackServer.Reply {
    let number = simulator.world.entry(holding: token).flatMap {
      Int($0.ref.rawValue.dropFirst("token-".count))
    }
    let record: [String: JSONValue] = [
      "id": .integer(1000 + (number ?? 0)), "name": "Test Token", "revoked": false, "active": true,
      "created_at": "2023-08-01T15:00:00.000Z", "scopes": ["api"], "user_id": 1337, "last_used_at": nil,
      "expires_at": "2023-08-15",
    ]
    return .json(200, JSONValue.object(record.merging(more) { _, new in new }).canonicalText)
  }

  private static func refusal(of token: String, _ front: SimulatorFront<SimulatedSelfRotation>)
    -> LoopbackServer.Reply
  {
    let wasThere = front.simulator.world.values.contains(token)
    return .json(
      401,
      wasThere
        ? #"{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from the user."}"#
        : #"{"message":"401 Unauthorized"}"#)
  }
}
