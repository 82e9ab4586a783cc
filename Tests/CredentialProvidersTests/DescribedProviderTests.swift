import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import Playbooks
import Secrets
import Synchronization
import TestSupport
import Testing

/// What no file can decide: the world is SendGrid's, as its documentation tells it.
@Suite struct DescribedProviderTests {
  private let api: SendGridExchanges
  private let provider: any CredentialProvider

  init() throws {
    api = try SendGridExchanges()
    provider = try api.provider()
  }

  @Test func `a gateway that refuses everybody proves nothing`() async throws {
    api.answer = .json(401, #"{"errors":[{"message":"authorization required"}]}"#)
    let probe = try await provider.verify(api.leaked, ref: nil)
    #expect(probe.state == .unknown)
    #expect(probe.isRefused)
  }

  @Test(arguments: [301, 408, 429, 500, 502, 503])
  func `no redirect, time-out or failure is a verdict`(_ status: Int) async throws {
    api.answer = .json(status, #"{"errors":[]}"#)
    #expect(try await provider.verify(api.leaked, ref: nil).state == .unknown)
  }

  @Test func `a key that is refused and accepted in turn is alive`() async throws {
    api.revoke(api.leakedID)
    api.takesTurns = true
    let probe = try await provider.verify(api.leaked, ref: nil)
    #expect(probe.state == .alive)
    #expect(probe.code.contains("its servers disagree"))
  }

  @Test func `the value in the store is the control where none is named`() async throws {
    api.revoke(api.leakedID)
    let bare = try api.provider(more: [:], hasControl: false)
    #expect(try await bare.verify(api.leaked, ref: nil).state == .unknown)
    let control = Secret(SendGridExchanges.control)
    #expect(try await bare.knowing { [control] }.verify(api.leaked, ref: nil).state == .dead)
  }

  @Test func `the runner's own key is not stopped by itself`() async throws {
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.identify(Leak(Secret(SendGridExchanges.admin)))
    }
    #expect(error?.class == .unsafe)
  }

  @Test func `an id that the API does not know is no death while the value works`() async throws {
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.disable(
        CredentialRef("another"), leak: Leak(api.leaked), replacedBy: nil, under: .forTests())
    }
    #expect(error?.class == .notFound)
    #expect(error?.because.contains("the leaked value works") == true)
    #expect(try await provider.verify(api.leaked, ref: nil).state == .alive)
  }

  @Test func `what an id holds stays one part of the address`() async throws {
    try await provider.delete(CredentialRef("x/../../v3/user?all=1#"), under: .forTests())
    #expect(api.server.requests.last?.target == "/v3/api_keys/x%2F..%2F..%2Fv3%2Fuser%3Fall%3D1%23")
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.delete(CredentialRef(".."), under: .forTests())
    }
    #expect(error?.class == .invalid)
  }

  @Test func `a name that its holder chose is compared, and neither shown nor sent`() async throws {
    let name = "staunch-1\u{1B}[2J; DROP"
    _ = api.add(named: name, id: "theirs")
    #expect(try await provider.issued(marker: name, before: []) == [CredentialRef("theirs")])
    let found = try await provider.successors(CredentialRef(api.leakedID), since: nil).found
    #expect(found.contains { $0.ref.rawValue == "theirs" })
    #expect(!found.contains { "\($0)".contains("DROP") })
  }

  @Test func `an id that is no plain word is refused`() async throws {
    _ = api.add(named: "x", id: "the irs\n")
    let error = await #expect(throws: CapabilityError.self) { try await provider.existing() }
    #expect(error?.class == .invalid)
    #expect(error.map { "\($0)".contains("the irs") } == false)
  }

  @Test func `a delete whose reply is lost is settled by asking, and sent once`() async throws {
    _ = api.loseNextReply()
    try await provider.disable(
      CredentialRef(api.leakedID), leak: Leak(api.leaked), replacedBy: nil, under: .forTests())
    #expect(api.server.requests.filter { $0.method == "DELETE" }.count == 1)
    #expect(try await provider.verify(api.leaked, ref: nil).state == .dead)
  }

  @Test func `a new key whose answer cannot be read is an unknown outcome`() async throws {
    api.answersNothingNew = true
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await provider.issue(IssueOrder(marker: "staunch-1"), under: .forTests())
    }
    #expect(error?.class == .unknownOutcome)
    #expect(try await provider.issued(marker: "staunch-1", before: []).count == 1)
  }

  @Test func `doctor asks for each right and tries the control`() async throws {
    let ready = await provider.readiness()
    #expect(ready.map(\.what) == ["api_keys.create", "api_keys.delete", "control", "disable", "delete"])
    let verdicts = ready.prefix(3).map { if case .ready = $0.verdict { true } else { false } }
    #expect(verdicts == [true, true, true])
  }

  @Test func `a kind whose address is every installation's own wants it`() {
    let error = #expect(throws: CapabilityError.self) {
      try CredentialProviderRegistry.make(
        TargetConfiguration(name: "it", kind: "grafana", settings: [:], position: "staunch.yaml:1:1"),
        in: .forTests())
    }
    #expect(error?.class == .configuration)
    #expect(error?.fix?.contains("base_url") == true)
  }
}

@Suite struct DescribedProviderContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(DescribedFixture.self)
  }
  @Test func `docs CONTRACT md says what is checked`() async throws {
    try await ContractTable.check(DescribedFixture.self)
  }
}

private struct DescribedFixture: ContractFixture {
  static let against = "a mock written from the documentation (SendGrid)"
  let api: SendGridExchanges
  let provider: any CredentialProvider
  let leak: Leak

  static func make() throws -> Self {
    let api = try SendGridExchanges()
    return Self(api: api, provider: try api.provider(), leak: Leak(api.leaked, handle: api.leakedID))
  }

  func loseNextReply() -> Bool { api.loseNextReply() }
  func refuseNextCall() -> Bool { api.beBusy() }
}

/// Keys of SendGrid: https://www.twilio.com/docs/sendgrid/api-reference/api-keys
private final class SendGridExchanges: Sendable {
  static let admin = "SG.admin.runners-own-0123456789"
  static let control = "SG.control.of-the-same-kind-0123456789"

  private struct State: Sendable {
    var keys: [String: (name: String, secret: String)] = [:]
    var answer: LoopbackServer.Reply?
    var isLosing = false
    var isBusy = false
    var answersNothingNew = false
    /// Nil: every server agrees.
    var turn: Int?
    var made = 0
  }

  let leakedID = "leakedid"
  var leaked: Secret { Secret("SG.leakedid.made-up-secret-0123456789") }
  private let state: Reference<State>
  let server: LoopbackServer

  init() throws {
    let state = Reference(State())
    state.with {
      $0.keys["leakedid"] = ("mailer", "SG.leakedid.made-up-secret-0123456789")
      $0.keys["admin"] = ("runner", Self.admin)
      $0.keys["control"] = ("other", Self.control)
    }
    self.state = state
    server = try LoopbackServer { request in state.with { Self.reply(request, &$0) } }
  }

  func provider(more: [String: JSONValue] = [:], hasControl: Bool = true) throws -> any CredentialProvider {
    var settings: [String: JSONValue] = [
      "base_url": .string(server.url), "admin_key": "env:ADMIN", "scope": "mail.send",
    ]
    if hasControl { settings["control"] = "env:CONTROL" }
    return try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "mail", kind: "sendgrid", settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(
        http: CurlTransport(),
        secrets: ["env:ADMIN": Secret(Self.admin), "env:CONTROL": Secret(Self.control)]))
  }

  func add(named name: String, id: String) -> Secret {
    let secret = "SG.\(id).made-by-somebody-0123456789"
    state.with { $0.keys[id] = (name, secret) }
    return Secret(secret)
  }

  func revoke(_ id: String) { state.with { $0.keys[id] = nil } }
  var answer: LoopbackServer.Reply? {
    get { state.with { $0.answer } }
    set { state.with { $0.answer = newValue } }
  }
  var takesTurns: Bool {
    get { state.with { $0.turn != nil } }
    set { state.with { $0.turn = newValue ? 0 : nil } }
  }
  var answersNothingNew: Bool {
    get { state.with { $0.answersNothingNew } }
    set { state.with { $0.answersNothingNew = newValue } }
  }
  func loseNextReply() -> Bool {
    state.with { $0.isLosing = true }
    return true
  }
  func beBusy() -> Bool {
    state.with { $0.isBusy = true }
    return true
  }

  private static func reply(_ request: LoopbackServer.Request, _ state: inout State) -> LoopbackServer.Reply {
    if let answer = state.answer { return answer }
    if state.isBusy {
      state.isBusy = false
      return .json(429, "{}", headers: ["retry-after": "7"])
    }
    let token = request.headers["authorization"].map { String($0.dropFirst("Bearer ".count)) } ?? ""
    var isKnown = state.keys.values.contains { $0.secret == token }
    if !isKnown, let turn = state.turn {
      state.turn = turn + 1
      isKnown = turn % 2 == 1
    }
    guard isKnown else { return .json(401, #"{"errors":[{"message":"authorization required"}]}"#) }
    let isAdmin = token == admin
    let answer = changed(request, isAdmin, &state)
    if state.isLosing, request.method != "GET" {
      state.isLosing = false
      return .hangUp
    }
    return answer
  }

  private static func changed(_ request: LoopbackServer.Request, _ isAdmin: Bool, _ state: inout State)
    -> LoopbackServer.Reply
  {
    let id = String(request.path.dropFirst("/v3/api_keys/".count)).removingPercentEncoding ?? ""
    switch (request.method, request.path) {
    case ("GET", "/v3/scopes"):
      let scopes = isAdmin ? #""api_keys.create","api_keys.delete","api_keys.read""# : #""mail.send""#
      return .json(200, "{\"scopes\":[\(scopes)]}")
    case _ where !isAdmin: return .json(403, #"{"errors":[{"message":"access forbidden"}]}"#)
    case ("GET", "/v3/api_keys"):
      let keys: [JSONValue] = state.keys.sorted { $0.key < $1.key }.map {
        ["api_key_id": .string($0.key), "name": .string($0.value.name)]
      }
      return .json(200, JSONValue.object(["result": .array(keys)]).canonicalText)
    case ("POST", "/v3/api_keys"):
      guard let wanted = try? JSONValue(parsing: request.body), let name = wanted["name"]?.string,
        wanted["scopes"]?.array?.compactMap(\.string) == ["mail.send"]
      else { return .json(400, #"{"errors":[]}"#) }
      state.made += 1
      let (id, secret) = ("new\(state.made)", "SG.new\(state.made).fresh-0123456789")
      state.keys[id] = (name, secret)
      guard !state.answersNothingNew else { return .json(201, "{}") }
      return .json(
        201,
        JSONValue.object(["api_key": .string(secret), "api_key_id": .string(id), "name": .string(name)])
          .canonicalText)
    case ("GET", _) where state.keys[id] != nil: return .json(200, #"{"result":{"scopes":["mail.send"]}}"#)
    case ("DELETE", _) where state.keys[id] != nil:
      state.keys[id] = nil
      return .answer(204)
    default: return .json(404, #"{"errors":[{"message":"not found"}]}"#)
    }
  }
}

private final class Reference<Value: Sendable>: Sendable {
  private let held: Mutex<Value>
  init(_ value: Value) { held = Mutex(value) }
  func with<Result: Sendable>(_ body: (inout Value) -> Result) -> Result { held.withLock { body(&$0) } }
}
