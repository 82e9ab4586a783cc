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

/// Against exchanges written from https://docs.github.com/en/rest/credentials/revoke, …/rest/users/users,
/// …/rest/deploy-keys/deploy-keys, …/rest/apps/installations, …/rest/orgs/orgs (read on 2026-11-30), over libcurl.
@Suite struct GitHubTokenTests {
  private let leaked = Secret(FakeSecrets.value("github_pat_classic", "leaked"))
  private let other = Secret(FakeSecrets.value("github_pat_classic", "other"))

  /// "Get the authenticated user", shortened.
  private static let user = LoopbackServer.Reply.json(
    200, #"{"login":"octocat","id":583231,"type":"User","name":"monalisa octocat"}"#,
    headers: [
      "x-oauth-scopes": "repo, workflow",
      "github-authentication-token-expiration": "2026-12-24 00:00:00 UTC",
    ])
  private static let refused = LoopbackServer.Reply.json(
    401, #"{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest","status":"401"}"#)

  private func provider(
    _ server: LoopbackServer, _ more: [String: JSONValue] = [:], secrets: [String: Secret] = [:]
  ) throws -> any CredentialProvider {
    let settings: [String: JSONValue] = ["base_url": .string(server.url)]
    return try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "ci", kind: GitHubToken.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"), in: .forTests(http: CurlTransport(), secrets: secrets))
  }

  /// Answers by whose token it is; a revocation gets 202.
  private func gitHub(_ answer: @escaping @Sendable (_ token: String) -> LoopbackServer.Reply) throws
    -> LoopbackServer
  {
    try LoopbackServer { request in
      request.path == "/credentials/revoke"
        ? .answer(202) : answer(String((request.headers["authorization"] ?? "").dropFirst("Bearer ".count)))
    }
  }

  @Test func `every value goes into one call without a login, and 202 is no verdict`() async throws {
    let server = try gitHub { _ in Self.user }
    let provider = try provider(server)
    let subject = try await provider.identify(Leak(leaked))
    try await provider.disable(
      subject, leak: Leak(values: [leaked, other]), replacedBy: nil, under: .forTests()
    ).check("disable")
    let call = try #require(server.requests.last)
    #expect(call.method == "POST" && call.target == "/credentials/revoke")
    #expect(call.headers["authorization"] == nil)
    #expect(call.headers["accept"] == "application/vnd.github+json")
    #expect(call.headers["x-github-api-version"] == "2022-11-28")
    let sent = try JSONValue(parsing: call.body)["credentials"]?.array?.compactMap(\.string)
    #expect(sent == [leaked.exposeAsText(), other.exposeAsText()])
    #expect(server.requests.filter { $0.method == "POST" }.count == 1)
    // Accepted, and not done.
    #expect(try await provider.verify(leaked, ref: subject.identity).state == .alive)
  }

  @Test func `a call takes a thousand values and no more`() async throws {
    let server = try gitHub { _ in Self.user }
    let values = (0..<1001).map { Secret("gh" + "p_" + "\($0)") }
    try await provider(server).disable(
      CredentialRef("sha256:x"), leak: Leak(values: values), replacedBy: nil, under: .forTests())
    let counts = try server.requests.map {
      try JSONValue(parsing: $0.body)["credentials"]?.array?.count
    }
    #expect(counts == [1000, 1])
  }

  @Test func `a token that never was gets 202 as well, and nothing is called dead for it`() async throws {
    let server = try gitHub { _ in Self.refused }
    let provider = try provider(server)
    let gone = await #expect(throws: CapabilityError.self) { try await provider.identify(Leak(leaked)) }
    #expect(gone?.class == .notFound)
    try await provider.disable(
      CredentialRef("sha256:x"), leak: Leak(leaked), replacedBy: nil, under: .forTests())
    let probe = try await provider.verify(leaked, ref: nil)
    #expect(probe.state == .unknown && probe.isRefused)
    #expect(probe.code.hasPrefix("401 Bad credentials, and no token to compare with"))
  }

  @Test func `a refusal is death beside another token that works: the runner's, the new one, or the store's`()
    async throws
  {
    let works = other.exposeAsText()
    let server = try gitHub { $0 == works ? Self.user : Self.refused }
    let dead = CredentialProbe(.dead, code: "401 Bad credentials")
    for setting in ["token", "server_token", "replacement"] {
      let told = try provider(server, [setting: "env:OTHER"], secrets: ["env:OTHER": other])
      let probe = try await told.verify(leaked, ref: nil)
      #expect(probe == dead, "\(setting)")
      #expect(probe.evidence?.controls == 2)
    }
    let stored = try provider(server).knowing { [other] }
    #expect(try await stored.verify(leaked, ref: nil) == dead)
  }

  @Test func `a GitHub that refuses everybody proves nothing`() async throws {
    let works = other.exposeAsText()
    let count = GitHubCount()
    let server = try gitHub { $0 == works && count.next() == 1 ? Self.user : Self.refused }
    let told = try provider(server, ["token": "env:OTHER"], secrets: ["env:OTHER": other])
    let probe = try await told.verify(leaked, ref: nil)
    #expect(probe.state == .unknown)
    #expect(probe.code.contains("a token that worked a moment ago is refused as well"))
  }

  @Test(
    arguments: [
      (200, #"{"login":"octocat","id":583231}"#, .alive, "200"),
      (200, "<html>", .unknown, "200 without a user"),
      (401, #"{"message":"Requires authentication"}"#, .unknown, "401"),
      (401, "<html>", .unknown, "401"),
      (403, #"{"message":"Resource not accessible by integration"}"#, .alive, "403, known and restricted"),
      (
        403, #"{"message":"Resource protected by organization SAML enforcement."}"#, .alive,
        "403, known and restricted"
      ),
      (403, #"{"message":"Sorry. Your account was suspended."}"#, .unknown, "403"),
      (403, #"{"message":"Maximum number of login attempts exceeded."}"#, .unknown, "403"),
      (429, #"{"message":"You have exceeded a secondary rate limit."}"#, .unknown, "429"),
      (503, "{}", .unknown, "503"),
    ] as [(Int, String, CredentialState, String)])
  func `only bad credentials are a refusal`(
    status: Int, body: String, state: CredentialState, code: String
  ) async throws {
    let works = other.exposeAsText()
    let server = try gitHub { $0 == works ? Self.user : .json(status, body) }
    let told = try provider(server, ["token": "env:OTHER"], secrets: ["env:OTHER": other])
    #expect(try await told.verify(leaked, ref: nil) == CredentialProbe(state, code: code))
  }

  @Test func `an installation's token ends itself, and a refresh token is never used up to try it`()
    async throws
  {
    let installation = Secret(FakeSecrets.value("github_app_token"))
    let server = try LoopbackServer { request in
      switch (request.method, request.path) {
      case ("GET", "/installation/repositories"): .json(200, #"{"total_count":1,"repositories":[]}"#)
      case ("DELETE", "/installation/token"): .answer(204)
      case ("POST", "/credentials/revoke"): .answer(202)
      default: .json(403, #"{"message":"Resource not accessible by integration"}"#)
      }
    }
    let provider = try provider(server)
    let refresh = Secret("gh" + "r_" + "0123456789abcdef")
    let subject = try await provider.identify(Leak(installation))
    #expect(try await provider.verify(installation, ref: nil).state == .alive)
    try await provider.disable(
      subject.identity, leak: Leak(values: [installation, refresh]), replacedBy: nil, under: .forTests())
    let changes = server.requests.filter { $0.method != "GET" }
    #expect(
      changes.map { "\($0.method) \($0.target)" } == [
        "POST /credentials/revoke", "DELETE /installation/token",
      ])
    #expect(try JSONValue(parsing: changes[0].body)["credentials"]?.array?.count == 1)
    let before = server.requests.count
    let probe = try await provider.verify(refresh, ref: nil)
    #expect(probe.state == .unknown && probe.code.contains("using it up"))
    #expect(server.requests.count == before)
  }

  @Test func `one form that fails keeps no other from being revoked`() async throws {
    let server = try LoopbackServer { request in
      request.method == "DELETE" ? .json(500, "{}") : .answer(202)
    }
    let installation = Secret(FakeSecrets.value("github_app_token"))
    let error = await #expect(throws: CapabilityError.self) {
      try await provider(server).disable(
        CredentialRef("sha256:x"), leak: Leak(values: [installation, leaked]), replacedBy: nil,
        under: .forTests())
    }
    #expect(error?.class == .unknownOutcome)
    #expect(server.requests.map(\.method) == ["POST", "DELETE"])
  }

  @Test(
    arguments: [(403, .refused), (422, .invalid), (429, .rateLimit), (500, .unknownOutcome)]
      as [(Int, CapabilityError.Class)])
  func `a revocation that is refused says so`(status: Int, kind: CapabilityError.Class) async throws {
    let server = try LoopbackServer { _ in .json(status, "{}") }
    let error = await #expect(throws: CapabilityError.self) {
      try await provider(server).disable(
        CredentialRef("sha256:x"), leak: Leak(leaked), replacedBy: nil, under: .forTests())
    }
    #expect(error?.class == kind)
  }

  @Test func `a server of one's own gets the login that it wants, and github com never does`() async throws {
    let server = try gitHub { _ in Self.user }
    let told = try provider(server, ["server_token": "env:OTHER"], secrets: ["env:OTHER": other])
    try await told.disable(
      CredentialRef("sha256:x"), leak: Leak(leaked), replacedBy: nil, under: .forTests())
    #expect(server.requests.last?.headers["authorization"] == "Bearer \(other.exposeAsText())")
    let error = #expect(throws: CapabilityError.self) {
      try CredentialProviderRegistry.make(
        TargetConfiguration(
          name: "ci", kind: GitHubToken.kind, settings: ["server_token": "env:OTHER"],
          position: "staunch.yaml:1:1"), in: .forTests())
    }
    #expect(error?.class == .configuration)
  }

  @Test func `its name is the one under which the audit log knows it`() async throws {
    let server = try gitHub { _ in Self.user }
    let provider = try provider(server)
    // printf %s ghp_example | openssl dgst -sha256 -binary | base64
    let ref = try await provider.identify(Leak(Secret("gh" + "p_example"))).identity
    #expect(ref.rawValue == "sha256:xIVfVMP8ms8jGQhkVMK5/mMBcQOErLxavyxPSrE+ZAs=")
    let facts = try await provider.inspect(ref).facts
    #expect(facts["owner"] == "user 583231")
    #expect(facts["scopes"] == ["repo", "workflow"])
    #expect(facts["expires"] == "2026-12-24 00:00:00 UTC")
    #expect(facts["survives"]?.string?.contains("deploy keys") == true)
    let report = try await provider.searchAbuse(ref, since: nil)
    #expect(report.seen == nil && report.covered == nil)
    #expect(
      report.findings == [
        "search the audit log of each organisation for hashed_token:\"xIVfVMP8ms8jGQhkVMK5/mMBcQOErLxavyxPSrE+ZAs=\""
      ])
  }

  /// The threat: whoever holds the token has made keys and installed apps that outlive it, under titles of their own.
  @Test func `what its holder made is listed by id, with a token that only reads`() async throws {
    let server = try LoopbackServer { request in
      switch request.path {
      case "/user": Self.user
      case "/user/keys":
        .json(200, #"[{"id":1,"title":"\u001b[2Jx","created_at":"2026-10-20T00:00:00Z"}]"#)
      case "/repos/acme/shop/keys":
        .json(
          200,
          #"[{"id":2,"title":"\u001b[2Jx","created_at":"2026-10-21T00:00:00Z","read_only":false},"#
            + #"{"id":3,"title":"old","created_at":"2020-01-01T00:00:00Z"}]"#)
      case "/orgs/acme/installations":
        .json(
          200,
          #"{"total_count":1,"installations":[{"id":4,"app_slug":"\u001b[2Jx","created_at":"2026-10-22T00:00:00Z"}]}"#
        )
      case "/orgs/acme/audit-log":
        .json(200, #"[{"@timestamp":1793491200000,"action":"git.clone"}]"#)
      default: .json(404, "{}")
      }
    }
    let told = try provider(
      server, ["token": "env:OTHER", "repositories": ["acme/shop"], "organizations": ["acme"]],
      secrets: ["env:OTHER": other])
    let ref = try await told.identify(Leak(leaked)).identity
    let since = Date(timeIntervalSince1970: 1_791_504_000)  // 2026-10-09
    let made = try await told.successors(ref, since: since)
    #expect(made.found.map(\.ref.rawValue) == ["key/1", "deploy-key/2", "installation/4"])
    #expect(
      made.found.map(\.what) == [
        "SSH key of user 583231", "deploy key of acme/shop", "app installation of acme",
      ])
    #expect(made.covered == nil)
    let report = try await told.searchAbuse(ref, since: nil)
    #expect(
      report.findings == [
        "1 events of it in the audit log of acme, from 2026-11-01T00:00:00.000Z to 2026-11-01T00:00:00.000Z"
      ])
    #expect(server.requests.allSatisfy { $0.method == "GET" })
    let rights = await told.readiness().map(\.what)
    #expect(
      rights == [
        "revoking", "SSH keys", "deploy keys of acme/shop", "app installations of acme", "audit log of acme",
      ])
  }

  @Test func `apps beyond the first page are listed, too`() async throws {
    let server = try LoopbackServer { request in
      guard request.path == "/orgs/acme/installations" else {
        return request.path == "/user" ? Self.user : .json(200, "[]")
      }
      let ids = request.target.hasSuffix("&page=1") ? 1...100 : 101...101
      let list = ids.map { #"{"id":\#($0)}"# }.joined(separator: ",")
      return .json(200, #"{"total_count":101,"installations":[\#(list)]}"#)
    }
    let told = try provider(
      server, ["token": "env:OTHER", "organizations": ["acme"]], secrets: ["env:OTHER": other])
    let ref = try await told.identify(Leak(leaked)).identity
    let found = try await told.successors(ref, since: nil).found
    #expect(found.count == 101)
    #expect(found.last?.ref == CredentialRef("installation/101"))
  }

  @Test func `a token of another user is not this entry's, as the runner's token tells`() async throws {
    let works = other.exposeAsText()
    let server = try gitHub { $0 == works ? .json(200, #"{"login":"bot","id":7}"#) : Self.user }
    let told = try provider(server, ["token": "env:OTHER"], secrets: ["env:OTHER": other])
    let error = await #expect(throws: CapabilityError.self) { try await told.identify(Leak(leaked)) }
    #expect(error?.class == .notFound)
    #expect(error?.because == "it is of user 583231, and this entry's tokens are of user 7")
  }

  @Test func `a reading token that is not there makes no stranger of the leaked one`() async throws {
    let server = try gitHub { _ in Self.user }
    let told = try provider(server, ["token": "env:MISSING"])
    _ = try await told.identify(Leak(leaked))
    #expect(try await told.verify(leaked, ref: nil).state == .alive)
    guard case .missing? = await told.readiness().last?.verdict else {
      Issue.record("doctor says nothing of it")
      return
    }
  }

  @Test func `the runner's own token is not stopped by itself`() async throws {
    let server = try gitHub { _ in Self.user }
    for setting in ["token", "server_token"] {
      let own = try provider(server, [setting: "env:OWN"], secrets: ["env:OWN": leaked])
      let error = await #expect(throws: CapabilityError.self) { try await own.identify(Leak(leaked)) }
      #expect(error?.class == .unsafe)
      let among = await #expect(throws: CapabilityError.self) {
        try await own.disable(
          CredentialRef("sha256:x"), leak: Leak(values: [other, leaked]), replacedBy: nil, under: .forTests())
      }
      #expect(among?.class == .unsafe)
    }
    #expect(server.requests.allSatisfy { $0.method == "GET" })
  }

  @Test func `the replacement is not among what is revoked`() async throws {
    let server = try gitHub { _ in Self.user }
    let provider = try provider(server)
    let new = try await provider.identify(Leak(other)).identity
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.disable(
        CredentialRef("sha256:x"), leak: Leak(values: [leaked, other]), replacedBy: new, under: .forTests())
    }
    #expect(error?.class == .unsafe)
    #expect(server.requests.allSatisfy { $0.method == "GET" })
  }

  @Test func `while the person has not issued a token the error says where to`() async throws {
    let server = try gitHub { _ in Self.user }
    let bare = try provider(server, ["replacement": "env:NEW"])
    #expect(bare.handOverPlace == "env:NEW")
    let error = await #expect(throws: CapabilityError.self) { try await bare.handedOver() }
    #expect(error?.class == .awaitsPerson)
    #expect(error?.fix?.contains("the least rights that its programs need") == true)
  }
}

/// Counts from 1.
private final class GitHubCount: Sendable {
  private let value = Mutex(0)
  func next() -> Int {
    value.withLock { value in
      value += 1
      return value
    }
  }
}

@Suite struct GitHubTokenContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(GitHubWorld.self)
  }
  @Test func `docs CONTRACT md says what is checked`() async throws {
    try await ContractTable.check(GitHubWorld.self)
  }
}

/// The simulator of tokens that a person issues, in the words of GitHub's documentation (as above). A second token of the
/// simulator's is the runner's.
private struct GitHubWorld: ContractFixture {
  static let against = "a simulator in the words of the documentation"
  let front: SimulatorFront<SimulatedHandIssued>
  let server: LoopbackServer
  let provider: any CredentialProvider
  var leak: Leak { front.simulator.leak }

  init() throws {
    let front = SimulatorFront<SimulatedHandIssued>()
    self.front = front
    server = try LoopbackServer { request in Self.answer(request, front) }
    provider = try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "ci", kind: GitHubToken.kind,
        settings: ["base_url": .string(server.url), "token": "env:OTHER", "replacement": "env:NEW"],
        position: "staunch.yaml:1:1"),
      in: .forTests(
        http: CurlTransport(),
        // The values that the simulator gives its second token and the first one by hand.
        secrets: [
          "env:OTHER": Secret("token-innocent-000000"), "env:NEW": Secret("token-by-hand-1-0000"),
        ]))
  }

  static func make() throws -> Self { try Self() }
  func handOver() { front.simulator.handOver() }
  func refuseNextCall() -> Bool { front.refuseNextCall() }
  func answerOldThings(takingTurns: Bool) -> Duration? { front.answerOldThings(takingTurns: takingTurns) }
  func pass(_ time: Duration) { front.conditions.advance(by: time) }

  private static func answer(
    _ request: LoopbackServer.Request, _ front: SimulatorFront<SimulatedHandIssued>
  ) -> LoopbackServer.Reply {
    let login = request.headers["authorization"]
    let simulator = front.simulator
    switch (request.method, request.path) {
    case ("GET", "/user/keys"): return .json(200, "[]")
    case ("GET", "/user"):
      if let obstacle = front.obstacle() { return obstacle }
      guard let login, front.accepts(String(login.dropFirst("Bearer ".count))) else {
        return .json(401, #"{"message":"Bad credentials","status":"401"}"#)
      }
      return .json(200, #"{"login":"octocat","id":583231}"#)
    case ("POST", "/credentials/revoke"):
      guard login == nil else { return .json(403, #"{"message":"Forbidden"}"#) }
      // No JSON: what was sent is no list.
      let listed = (try? JSONValue(parsing: request.body))?["credentials"]?.array?.compactMap(\.string)
      guard let listed, (1...1000).contains(listed.count) else {
        return .json(422, #"{"message":"Validation Failed"}"#)
      }
      for value in listed {
        let revoked = awaited {
          try await simulator.disable(
            CredentialRef("listed"), leak: Leak(Secret(value)), replacedBy: nil, under: .forTests())
        }
        if case .failure(let error) = revoked { return SimulatorFront<SimulatedHandIssued>.reply(to: error) }
      }
      return .answer(202)
    default: return .json(404, #"{"message":"Not Found"}"#)
    }
  }
}
