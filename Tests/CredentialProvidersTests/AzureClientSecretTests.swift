import Capabilities
import CredentialProviders
import Cryptography
import Foundation
import HTTP
import Incidents
import JSON
import Secrets
import Simulators
import Synchronization
import TestSupport
import Testing

@Suite struct AzureClientSecretContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(EntraWorld.self)
  }
  @Test func `docs CONTRACT md says what is checked`() async throws {
    try await ContractTable.check(EntraWorld.self)
  }
}

/// Against the simulator of ``EntraWorld``, over libcurl.
@Suite struct AzureClientSecretTests {
  @Test func `a removed secret is dead, once and again, and its tokens live on, which is said`() async throws
  {
    let world = try EntraWorld()
    let leaked = try world.leak.requireValue(to: "test")
    let ref = try await world.provider.identify(world.leak).identity
    let facts = try await world.provider.inspect(ref).facts
    #expect(
      facts["survives"]?.string?.contains("access tokens that were drawn with it, for 60 to 90 minutes")
        == true)
    _ = world.loseNextReply()
    for _ in 0..<2 {
      try await world.provider.disable(ref, leak: world.leak, replacedBy: nil, under: .forTests())
    }
    #expect(world.front.simulator.world.calls == ["delete doc-0"])
    let probe = try await world.provider.verify(leaked, ref: ref)
    #expect(probe == CredentialProbe(.dead, code: "401 AADSTS7000215"))
    #expect(probe.evidence?.controls == 2)
  }

  @Test(
    arguments: [
      (401, 7_000_215, "401 AADSTS7000215, but the application still lists doc-0"),
      (401, 7_000_222, "401 AADSTS7000222 (expired), but the application still lists doc-0"),
      (400, 700_016, "400 AADSTS700016 (no such application), but the application still lists doc-0"),
      (400, 53003, "400 AADSTS53003"), (400, 90002, "400 AADSTS90002"), (503, 90033, "503"),
    ])
  func `a refusal that Graph does not explain, or of another kind, is unknown`(
    status: Int, number: Int, code: String
  )
    async throws
  {
    let world = try EntraWorld()
    world.say(EntraWorld.refusal(status, number))
    let probe = try await world.provider.verify(world.leak.requireValue(to: "test"), ref: nil)
    #expect(probe == CredentialProbe(.unknown, code: code))
  }

  @Test func `a gateway's refusal is no word of Entra's`() async throws {
    let world = try EntraWorld()
    world.say(.json(401, "<html>"))
    let probe = try await world.provider.verify(world.leak.requireValue(to: "test"), ref: nil)
    #expect(probe == CredentialProbe(.unknown, code: "401"))
  }

  /// The threat: the holder has made a secret that begins alike, so that the wrong one is removed.
  @Test func `several that begin alike are a person's question, and an id answers it`() async throws {
    let world = try EntraWorld()
    world.front.simulator.world.add(CredentialRef("doc-9"), "document-twin")
    world.twin("doc-9")
    let value = try world.leak.requireValue(to: "test")
    let error = await #expect(throws: CapabilityError.self) {
      try await world.provider.identify(Leak(value))
    }
    #expect(error?.class == .conflict)
    #expect(error?.because == "several secrets begin alike: doc-0, doc-9")
    #expect(try await world.provider.identify(Leak(value, handle: "doc-0")).identity.rawValue == "doc-0")
  }

  @Test func `other secrets and certificates made since are named, and no name of theirs is shown`()
    async throws
  {
    let world = try EntraWorld()
    let made = try await world.provider.issue(IssueOrder(marker: "\u{1b}[2Jours"), under: .forTests())
    let since = Date(timeIntervalSince1970: 1_793_491_200)  // 2026-11-01
    let found = try await world.provider.successors(CredentialRef("doc-0"), since: since)
    #expect(
      found.found.map { "\($0.ref): \($0.what)" } == [
        "\(made.ref): client secret of the application", "cert-1: certificate of the application",
      ])
    #expect(found.covered == nil)
  }

  @Test func `the runner's own secret is no leak, and a wrong application is said`() async throws {
    let world = try EntraWorld()
    let own = try EntraWorld(
      ["login_client_secret": "env:OWN", "login_tenant": "t", "login_client_id": "c"],
      own: world.leak.requireValue(to: "test"))
    let error = await #expect(throws: CapabilityError.self) { try await own.provider.identify(own.leak) }
    #expect(error?.class == .unsafe)
    let elsewhere = try EntraWorld(["application": "other-app"])
    let missing = await #expect(throws: CapabilityError.self) { try await elsewhere.provider.existing() }
    #expect(missing?.class == .notFound)
    #expect(missing?.because == "the tenant has no such application")
  }

  @Test(
    arguments: [
      ("eyJ.runner", nil),
      (EntraWorld.token("Application.ReadWrite.OwnedBy"), "ready"),
      (EntraWorld.token("User.Read.All"), "the runner lacks it"),
      (
        EntraWorld.token("Application.ReadWrite.All"),
        "the runner has Application.ReadWrite.All: it may change every application"
      ),
    ] as [(String, String?)])
  func `doctor reads the rights out of the runner's token, both ways`(token: String, verdict: String?)
    async throws
  {
    let world = try EntraWorld(runner: token)
    let said: String? =
      switch await world.provider.readiness().last?.verdict {
      case .ready?: "ready"
      case .missing(let because, _)?: because
      case .unknown?, nil: nil
      }
    #expect(said == verdict)
  }
}

/// Graph's applications and Entra's token endpoint in the words of the documentation (read on 2026-11-30), over the simulator
/// of a document that is one text here. No Entra stands behind it.
///
/// - https://learn.microsoft.com/graph/api/application-addpassword and …-removepassword
/// - https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
/// - https://learn.microsoft.com/entra/identity-platform/reference-error-codes
private struct EntraWorld: ContractFixture {
  static let against = "a simulator in the words of the documentation"

  final class Whims: Sendable {
    let grant = Mutex<LoopbackServer.Reply?>(nil)
    /// Key id → the name that it was made under.
    let names = Mutex<[String: String]>([:])
    /// A secret that is listed with the leaked one's beginning.
    let twin = Mutex<String?>(nil)
  }

  let front: SimulatorFront<SimulatedDocument>
  let whims: Whims
  let server: LoopbackServer
  let provider: any CredentialProvider
  var leak: Leak { Leak(Secret(Self.secret("doc-0")), handle: "doc-0") }

  private static let path = "/v1.0/applications(appId='app-1')"
  /// Entra's secrets begin at random.
  private static func secret(_ id: String) -> String {
    Data(SHA256.hash(data: Array(id.utf8))).base64EncodedString() + "~\(id)"
  }

  static func token(_ role: String) -> String {
    "eyJ0." + Data(#"{"roles":["\#(role)"]}"#.utf8).base64EncodedString().replacing("=", with: "") + ".sig"
  }

  init(_ more: [String: JSONValue] = [:], own: Secret? = nil, runner: String = "eyJ.runner") throws {
    let front = SimulatorFront { SimulatedDocument(conditions: $0) { id, _ in Self.secret(id) } }
    let whims = Whims()
    (self.front, self.whims) = (front, whims)
    server = try LoopbackServer { request in Self.answer(request, front, whims, runner) }
    var settings: [String: JSONValue] = [
      "base_url": .string(server.url), "login_url": .string(server.url), "tenant": "tenant-1",
      "application": "app-1",
    ]
    if own == nil { settings["login_token"] = "env:LOGIN" }
    var secrets = ["env:LOGIN": Secret(runner)]
    secrets["env:OWN"] = own
    provider = try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "entra", kind: AzureClientSecret.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"), in: .forTests(http: CurlTransport(), secrets: secrets))
  }

  static func make() throws -> Self { try Self() }
  func say(_ reply: LoopbackServer.Reply) { whims.grant.withLock { $0 = reply } }
  func twin(_ id: String) { whims.twin.withLock { $0 = id } }
  func loseNextReply() -> Bool { front.loseNextReply() }
  func refuseNextCall() -> Bool { front.refuseNextCall() }
  func answerOldThings(takingTurns: Bool) -> Duration? { front.answerOldThings(takingTurns: takingTurns) }
  func pass(_ time: Duration) { front.conditions.advance(by: time) }

  static func refusal(_ status: Int, _ number: Int) -> LoopbackServer.Reply {
    .json(
      status,
      #"{"error":"invalid_client","error_description":"AADSTS\#(number): as documented","error_codes":[\#(number)]}"#
    )
  }

  private static func answer(
    _ request: LoopbackServer.Request, _ front: SimulatorFront<SimulatedDocument>, _ whims: Whims,
    _ runner: String
  ) -> LoopbackServer.Reply {
    let path = request.path.removingPercentEncoding ?? ""
    if path.hasSuffix("/oauth2/v2.0/token") { return grant(request, front, whims, runner) }
    guard request.headers["authorization"] == "Bearer \(runner)" else {
      return .json(401, #"{"error":{"code":"InvalidAuthenticationToken"}}"#)
    }
    let body = try? JSONValue(parsing: request.body)
    switch (request.method, path) {
    case ("GET", Self.path): return record(front, whims)
    case ("POST", Self.path + "/addPassword"):
      switch awaited({ try await front.simulator.issue(IssueOrder(marker: ""), under: .forTests()) }) {
      case .success(let issued):
        name(issued.ref.rawValue, body, whims)
        return .json(
          200,
          JSONValue.object([
            "keyId": .string(issued.ref.rawValue), "secretText": .string(issued.secret.exposeAsText()),
            "hint": .string(String(issued.secret.exposeAsText().prefix(3))),
            "endDateTime": "2027-05-30T00:00:00Z",
          ]).canonicalText)
      case .failure(let error):
        // Its reply is lost, and it was made all the same.
        if let last = front.simulator.world.entries.last { name(last.ref.rawValue, body, whims) }
        return SimulatorFront<SimulatedDocument>.reply(to: error)
      }
    case ("POST", Self.path + "/removePassword"):
      let ref = CredentialRef(body?["keyId"]?.string ?? "")
      guard front.simulator.world.entry(ref) != nil else {
        return .json(
          400, #"{"error":{"code":"Request_BadRequest","message":"No password credential found"}}"#)
      }
      switch awaited({ try await front.simulator.delete(ref, under: .forTests()) }) {
      case .success: return .answer(204)
      case .failure(let error): return SimulatorFront<SimulatedDocument>.reply(to: error)
      }
    default: return .json(404, #"{"error":{"code":"Request_ResourceNotFound","message":"as documented"}}"#)
    }
  }

  private static func name(_ id: String, _ body: JSONValue?, _ whims: Whims) {
    whims.names.withLock { $0[id] = body?["passwordCredential"]?["displayName"]?.string }
  }

  private static func record(_ front: SimulatorFront<SimulatedDocument>, _ whims: Whims)
    -> LoopbackServer.Reply
  {
    let names = whims.names.withLock { $0 }
    let twin = whims.twin.withLock { $0 }
    let secrets = front.simulator.world.entries.map { entry -> JSONValue in
      let id = entry.ref.rawValue
      return [
        "keyId": .string(id), "displayName": names[id].map { .string($0) } ?? .null,
        "hint": .string(String((id == twin ? secret("doc-0") : entry.value).prefix(3))), "secretText": nil,
        "startDateTime": id == "doc-0" ? "2026-01-01T00:00:00Z" : "2026-11-20T00:00:00Z",
        "endDateTime": "2099-01-01T00:00:00Z",
      ]
    }
    return .json(
      200,
      JSONValue.object([
        "id": "object-1", "appId": "app-1", "passwordCredentials": .array(secrets),
        "keyCredentials": [["keyId": "cert-1", "startDateTime": "2026-11-21T00:00:00Z"]],
      ]).canonicalText)
  }

  private static func grant(
    _ request: LoopbackServer.Request, _ front: SimulatorFront<SimulatedDocument>, _ whims: Whims,
    _ runner: String
  ) -> LoopbackServer.Reply {
    let form =
      URLComponents(string: "http://x/?" + String(decoding: request.body, as: UTF8.self))?.queryItems ?? []
    let fields = Dictionary(form.map { ($0.name, $0.value ?? "") }) { _, last in last }
    guard fields["grant_type"] == "client_credentials" else { return refusal(400, 70003) }
    let granted = LoopbackServer.Reply.json(
      200, #"{"token_type":"Bearer","expires_in":3599,"access_token":"\#(runner)"}"#)
    if fields["client_id"] == "c" { return granted }
    if let obstacle = front.obstacle() { return obstacle }
    if let reply = whims.grant.withLock({ $0 }) { return reply }
    guard fields["client_id"] == "app-1",
      request.path.removingPercentEncoding == "/tenant-1/oauth2/v2.0/token"
    else {
      return refusal(400, 700_016)
    }
    return front.accepts(fields["client_secret"] ?? "") ? granted : refusal(401, 7_000_215)
  }
}
