import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import Secrets
import Synchronization
import TestSupport
import Testing

/// Against exchanges written from the reference (platform.claude.com/docs/en/api/admin), over libcurl.
@Suite struct AnthropicKeyTests {
  private let api: AnthropicExchanges
  private let provider: any CredentialProvider

  init() throws {
    api = try AnthropicExchanges()
    provider = try api.provider()
  }

  @Test func `a key is found by its hint, stopped, refused, and never deleted`() async throws {
    let other = api.add("apikey_other")
    let leaked = api.add("apikey_leaked")
    let subject = try await provider.identify(Leak(leaked))
    #expect(subject.identity.rawValue == "apikey_leaked")
    #expect(try await provider.verify(leaked, ref: subject.identity).state == .alive)
    try await provider.disable(subject, leak: Leak(leaked), replacedBy: nil, under: .forTests()).check(
      "disable")
    #expect(api.status("apikey_leaked") == "inactive")
    let dead = try await provider.verify(leaked, ref: subject.identity)
    #expect(dead == CredentialProbe(.dead, code: "401 authentication_error"))
    #expect(try await provider.verify(other, ref: nil).state == .alive)
    #expect(api.changes == ["apikey_leaked inactive"])
  }

  @Test func `every request names the version and the admin key, as the reference wants`() async throws {
    _ = api.add("apikey_1")
    _ = try await provider.existing()
    let request = try #require(api.server.requests.last)
    #expect(request.headers["anthropic-version"] == "2023-06-01")
    #expect(request.headers["x-api-key"] == AnthropicExchanges.admin)
    #expect(request.headers["authorization"] == nil)
    #expect(request.target == "/v1/organizations/api_keys?limit=100")
  }

  @Test func `a list in pages is read to its end`() async throws {
    for number in 0..<250 { _ = api.add("apikey_\(number)") }
    #expect(try await provider.existing().count == 250)
  }

  @Test func `two active keys with one hint are a person's question`() async throws {
    let value = api.add("apikey_1", ending: "same")
    _ = api.add("apikey_2", ending: "same")
    let error = await #expect(throws: CapabilityError.self) { try await provider.identify(Leak(value)) }
    #expect(error?.class == .conflict)
    #expect(error?.because.contains("apikey_1, apikey_2") == true)
  }

  @Test func `the runner's own admin key is not stopped by itself`() async throws {
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.identify(Leak(Secret(AnthropicExchanges.admin)))
    }
    #expect(error?.class == .unsafe)
  }

  @Test func `a gateway that refuses everybody proves nothing`() async throws {
    let leaked = api.add("apikey_1")
    api.refuseAll()
    let probe = try await provider.verify(leaked, ref: nil)
    #expect(probe.state == .unknown)
    #expect(probe.code.contains("lists apikey_1 as active"))
  }

  @Test func `while the person has not issued a key the error says where to`() async throws {
    let bare = try api.provider(secrets: [:])
    let error = await #expect(throws: CapabilityError.self) { try await bare.handedOver() }
    #expect(error?.class == .awaitsPerson)
    #expect(
      error?.fix
        == "make one in the Console (Settings, API keys), then set NEW in the shell that starts staunch, "
        + "for example: read -rs NEW && export NEW")
  }

  @Test func `a day with more tokens than expected is abuse, and what was covered is measured`() async throws
  {
    _ = api.add("apikey_1")
    let told = try api.provider(more: ["expected_tokens_per_day": 1000])
    let report = try await told.searchAbuse(CredentialRef("apikey_1"), since: AnthropicExchanges.firstDay)
    #expect(report.seen == true)
    #expect(
      report.findings == [
        "300 tokens on 2026-11-01", "5400 tokens on 2026-11-02, more than the 1000 expected",
      ])
    #expect(report.covered?.lowerBound == AnthropicExchanges.firstDay)
    // Of the third day no count can be read.
    #expect(report.covered?.upperBound == AnthropicExchanges.firstDay.addingTimeInterval(2 * 86_400))
    #expect(
      api.server.requests.last?.target
        == "/v1/organizations/usage_report/messages?starting_at=2026-11-01T00%3A00%3A00.000Z"
        + "&bucket_width=1d&api_key_ids%5B%5D=apikey_1&limit=31")
    let unjudged = try await provider.searchAbuse(
      CredentialRef("apikey_1"), since: AnthropicExchanges.firstDay)
    #expect(unjudged.seen == nil)
  }
}

@Suite struct AnthropicKeyContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(AnthropicKeyFixture.self)
  }
  @Test func `docs CONTRACT md says what is checked`() async throws {
    try await ContractTable.check(AnthropicKeyFixture.self)
  }
}

private struct AnthropicKeyFixture: ContractFixture {
  static let against = "a mock written from the reference"
  let api: AnthropicExchanges
  let provider: any CredentialProvider
  let leak: Leak

  static func make() throws -> Self {
    let api = try AnthropicExchanges()
    let leaked = api.add("apikey_leaked")
    return Self(api: api, provider: try api.provider(), leak: Leak(leaked, handle: "apikey_leaked"))
  }

  /// In the Console.
  func handOver() { api.add("apikey_new", AnthropicExchanges.fresh) }

  func refuseNextCall() -> Bool {
    api.beBusy()
    return true
  }
}

/// What api.anthropic.com answers, as its reference says.
private final class AnthropicExchanges: Sendable {
  static let admin = "sk-ant-" + "admin01-runner0000000000AA"
  static let fresh = "sk-ant-" + "api03-fresh00000000000NEWK"
  static let firstDay = Date(timeIntervalSince1970: 1_793_491_200)  // 2026-11-01

  private struct Key: Sendable {
    let id: String
    let value: String
    var status = "active"
    var hint: String { value.prefix(16) + "..." + value.suffix(4) }
  }
  private struct State: Sendable {
    var keys: [Key] = []
    var changes: [String] = []
    var refusesAll = false
    var isBusy = false
  }
  private final class World: Sendable {
    let state = Mutex(State())
  }
  private let world: World
  let server: LoopbackServer

  init() throws {
    let world = World()
    self.world = world
    server = try LoopbackServer { request in world.state.withLock { Self.answer(request, &$0) } }
  }

  var changes: [String] { world.state.withLock { $0.changes } }
  func refuseAll() { world.state.withLock { $0.refusesAll = true } }
  func beBusy() { world.state.withLock { $0.isBusy = true } }
  func status(_ id: String) -> String? { world.state.withLock { $0.keys.first { $0.id == id }?.status } }

  @discardableResult
  func add(_ id: String, ending: String? = nil) -> Secret {
    let tail = ending ?? String(UUID().uuidString.prefix(4))
    return add(id, "sk-ant-" + "api03-\(ending ?? String(id.suffix(3)))-\(UUID().uuidString)\(tail)")
  }

  @discardableResult
  func add(_ id: String, _ value: String) -> Secret {
    world.state.withLock { $0.keys.append(Key(id: id, value: value)) }
    return Secret(value)
  }

  func provider(
    more: [String: JSONValue] = [:], secrets: [String: Secret] = ["env:NEW": Secret(AnthropicExchanges.fresh)]
  ) throws -> any CredentialProvider {
    let settings: [String: JSONValue] = [
      "base_url": .string(server.url), "admin_key": "env:ADMIN", "replacement": "env:NEW",
    ]
    return try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "claude", kind: AnthropicKey.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(
        http: CurlTransport(),
        secrets: secrets.merging(["env:ADMIN": Secret(Self.admin)]) { _, new in new }))
  }

  private static func answer(_ request: LoopbackServer.Request, _ state: inout State) -> LoopbackServer.Reply
  {
    if state.isBusy {
      state.isBusy = false
      return error(429, "rate_limit_error", headers: ["retry-after": "7"])
    }
    guard request.headers["anthropic-version"] == "2023-06-01" else {
      return error(400, "invalid_request_error")
    }
    let shown = request.headers["x-api-key"] ?? ""
    if request.path == "/v1/models" {
      let isKnown = state.keys.contains { $0.value == shown && $0.status == "active" }
      guard isKnown, !state.refusesAll else { return error(401, "authentication_error") }
      return .json(200, #"{"data":[],"has_more":false}"#)
    }
    guard shown == admin else { return error(401, "authentication_error") }
    let path = "/v1/organizations/api_keys"
    if request.method == "GET", request.path == path { return list(request, state) }
    if request.path == "/v1/organizations/usage_report/messages" { return usage }
    let id = request.path.dropFirst(path.count + 1).removingPercentEncoding ?? ""
    guard let index = state.keys.firstIndex(where: { $0.id == id }) else {
      return error(404, "not_found_error")
    }
    if request.method == "POST" {
      guard let status = (try? JSONValue(parsing: request.body))?["status"]?.string else {
        return error(400, "invalid_request_error")
      }
      state.keys[index].status = status
      state.changes.append("\(id) \(status)")
    }
    return .json(200, json(state.keys[index]).canonicalText)
  }

  private static func list(_ request: LoopbackServer.Request, _ state: State) -> LoopbackServer.Reply {
    let limit = Int(request.query["limit"] ?? "") ?? 20
    let after = request.query["after_id"]
    let start = after.flatMap { id in state.keys.firstIndex { $0.id == id }.map { $0 + 1 } } ?? 0
    let page = state.keys[start...].prefix(limit)
    let body: JSONValue = [
      "data": .array(page.map(json)), "has_more": .boolean(start + page.count < state.keys.count),
      "first_id": page.first.map { .string($0.id) } ?? .null,
      "last_id": page.last.map { .string($0.id) } ?? .null,
    ]
    return .json(200, body.canonicalText)
  }

  private static func json(_ key: Key) -> JSONValue {
    [
      "id": .string(key.id), "type": "api_key", "name": "Developer Key",
      "created_at": "2024-10-30T23:58:27.427722Z",
      "created_by": ["id": "user_01WCz1FkmYMm4gnmykNKUu3Q", "type": "user"],
      "partial_key_hint": .string(key.hint), "status": .string(key.status),
      "workspace_id": "wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ",
    ]
  }

  /// Two days of one key, and one whose counts have another form.
  private static let usage = LoopbackServer.Reply.json(
    200,
    """
    {"data":[
      {"starting_at":"2026-11-01T00:00:00Z","ending_at":"2026-11-02T00:00:00Z","results":[
        {"uncached_input_tokens":100,"output_tokens":150,"cache_read_input_tokens":50,
         "cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0}}]},
      {"starting_at":"2026-11-02T00:00:00Z","ending_at":"2026-11-03T00:00:00Z","results":[
        {"uncached_input_tokens":5000,"output_tokens":300,"cache_read_input_tokens":0,
         "cache_creation":{"ephemeral_5m_input_tokens":60,"ephemeral_1h_input_tokens":40}}]},
      {"starting_at":"2026-11-03T00:00:00Z","ending_at":"2026-11-04T00:00:00Z","results":[
        {"uncached_input_tokens":"9000","output_tokens":null}]}],
     "has_more":false,"next_page":null}
    """)

  private static func error(_ status: Int, _ type: String, headers: [String: String] = [:])
    -> LoopbackServer.Reply
  { .json(status, #"{"type":"error","error":{"type":"\#(type)","message":"…"}}"#, headers: headers) }
}
