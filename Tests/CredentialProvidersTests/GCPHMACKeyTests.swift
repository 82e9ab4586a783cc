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

@Suite struct GCPHMACKeyContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(GCPHMACWorld.self)
  }
  @Test func `docs CONTRACT md says what is checked`() async throws {
    try await ContractTable.check(GCPHMACWorld.self)
  }
}

/// Against the simulator of ``GCPHMACWorld``, over libcurl.
@Suite struct GCPHMACKeyTests {
  @Test func `an inactive key is dead, and a wrong secret of an active one is not`() async throws {
    let world = try GCPHMACWorld()
    let leaked = try world.leak.requireValue(to: "test")
    let ref = CredentialRef("doc-0")
    let strange = try await world.provider.verify(Secret("another-secret-0123456789"), ref: ref)
    #expect(strange.state == .unknown)
    #expect(strange.code == "403 SignatureDoesNotMatch, but its record says that it is ACTIVE")
    try await world.provider.disable(ref, leak: world.leak, replacedBy: nil, under: .forTests())
    #expect(
      try await world.provider.verify(leaked, ref: ref) == CredentialProbe(.dead, code: "403 InvalidSecurity")
    )
  }

  @Test(
    arguments: [
      (403, "<Error><Code>AccessDenied</Code></Error>", .alive, "403"),
      (403, "<html>forbidden</html>", .unknown, "403"),
      (403, "<Error><Code>RequestTimeTooSkewed</Code></Error>", .unknown, "403 RequestTimeTooSkewed"),
      (429, "<Error><Code>TooManyRequests</Code></Error>", .unknown, "429 TooManyRequests"),
      (503, "", .unknown, "503"),
    ] as [(Int, String, CredentialState, String)])
  func `only a refusal of the signature speaks of the key`(
    status: Int, body: String, state: CredentialState, code: String
  ) async throws {
    let world = try GCPHMACWorld()
    world.say(.answer(status, body: Data(body.utf8)))
    let probe = try await world.provider.verify(
      world.leak.requireValue(to: "test"), ref: CredentialRef("doc-0"))
    #expect(probe == CredentialProbe(state, code: code))
  }

  /// The threat: a report that names an innocent key beside a secret of something else.
  @Test func `an id with another secret is nobody's, and the id alone suffices`() async throws {
    let world = try GCPHMACWorld()
    let error = await #expect(throws: CapabilityError.self) {
      try await world.provider.identify(Leak(Secret("another-secret-0123456789"), handle: "doc-0"))
    }
    #expect(error?.class == .notFound)
    #expect(try await world.provider.identify(Leak(handle: "doc-0")).identity.rawValue == "doc-0")
  }

  @Test func `a key is switched off before it is deleted, and lost replies are settled by asking`()
    async throws
  {
    let world = try GCPHMACWorld()
    _ = world.loseNextReply()
    try await world.provider.delete(CredentialRef("doc-0"), under: .forTests())
    #expect(world.front.simulator.world.calls == ["disable doc-0", "delete doc-0"])
  }
}

/// Cloud Storage's HMAC keys in the words of the documentation (read on 2026-11-30), over the simulator of a document that is
/// one text here. No Google stands behind it.
///
/// - https://cloud.google.com/storage/docs/json_api/v1/projects/hmacKeys
/// - https://cloud.google.com/storage/docs/authentication/signatures
/// - https://cloud.google.com/storage/docs/xml-api/reference-status
private struct GCPHMACWorld: ContractFixture {
  static let against = "a simulator in the words of the documentation"
  static let account = "app@shop-project.iam.gserviceaccount.com"
  private static let path = "/storage/v1/projects/shop-project/hmacKeys"

  final class Override: Sendable {
    let held = Mutex<LoopbackServer.Reply?>(nil)
  }

  let front: SimulatorFront<SimulatedDocument>
  private let override: Override
  let server: LoopbackServer
  let provider: any CredentialProvider
  /// The XML API says something else.
  func say(_ reply: LoopbackServer.Reply) { override.held.withLock { $0 = reply } }
  var leak: Leak { Leak(Secret(Self.secret("doc-0")), handle: "doc-0") }

  static func secret(_ id: String) -> String { "hmac-secret-of-\(id)-0123456789abcdef" }

  init() throws {
    let front = SimulatorFront { SimulatedDocument(conditions: $0) { id, _ in Self.secret(id) } }
    let override = Override()
    (self.front, self.override) = (front, override)
    server = try LoopbackServer { request in Self.answer(request, front, override) }
    provider = try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "hmac", kind: GCPHMACKey.kind,
        settings: [
          "base_url": .string(server.url), "resource_manager_url": .string(server.url),
          "project": "shop-project", "account": .string(Self.account), "login_token": "env:LOGIN",
        ], position: "staunch.yaml:1:1"),
      in: .forTests(http: CurlTransport(), secrets: ["env:LOGIN": Secret("ya29.runner")]))
  }

  static func make() throws -> Self { try Self() }
  func loseNextReply() -> Bool { front.loseNextReply() }
  func refuseNextCall() -> Bool { front.refuseNextCall() }
  func answerOldThings(takingTurns: Bool) -> Duration? { front.answerOldThings(takingTurns: takingTurns) }
  func pass(_ time: Duration) { front.conditions.advance(by: time) }

  private static let missing = LoopbackServer.Reply.json(
    404, #"{"error":{"code":404,"message":"Not Found","errors":[{"reason":"notFound"}]}}"#)

  private static func answer(
    _ request: LoopbackServer.Request, _ front: SimulatorFront<SimulatedDocument>, _ override: Override
  ) -> LoopbackServer.Reply {
    let path = request.path.removingPercentEncoding ?? ""
    if path == "/" {
      if let obstacle = front.obstacle() { return obstacle }
      return override.held.withLock { $0 } ?? buckets(request, front)
    }
    guard request.headers["authorization"] == "Bearer ya29.runner" else { return .json(401, "{}") }
    let simulator = front.simulator
    let id = path.hasPrefix(Self.path + "/") ? String(path.dropFirst(Self.path.count + 1)) : ""
    let ref = CredentialRef(id)
    switch (request.method, path) {
    case ("GET", Self.path):
      guard request.query["serviceAccountEmail"] == account else { return .json(400, "{}") }
      let items = simulator.world.entries.map { metadata($0, front) }
      return .json(
        200,
        JSONValue.object(
          ["kind": "storage#hmacKeysMetadata"].merging(items.isEmpty ? [:] : ["items": .array(items)]) {
            _, new in new
          }
        ).canonicalText)
    case ("POST", Self.path):
      switch awaited({ try await simulator.issue(IssueOrder(marker: ""), under: .forTests()) }) {
      case .success(let issued):
        guard let entry = simulator.world.entry(issued.ref) else { return missing }
        return .json(
          200,
          JSONValue.object([
            "kind": "storage#hmacKey", "metadata": metadata(entry, front),
            "secret": .string(issued.secret.exposeAsText()),
          ]).canonicalText)
      case .failure(let error): return SimulatorFront<SimulatedDocument>.reply(to: error)
      }
    case ("GET", _):
      guard let entry = simulator.world.entry(ref) else { return missing }
      return .json(200, metadata(entry, front).canonicalText)
    case ("PUT", _):
      guard let entry = simulator.world.entry(ref) else { return missing }
      let body = try? JSONValue(parsing: request.body)
      guard body?["state"]?.string == "INACTIVE", body?["etag"]?.string == "CAE=" else {
        return .json(412, "{}")
      }
      switch awaited({ try await simulator.disable(ref, leak: Leak(), replacedBy: nil, under: .forTests()) })
      {
      case .success: return .json(200, metadata(entry, front).canonicalText)
      case .failure(let error): return SimulatorFront<SimulatedDocument>.reply(to: error)
      }
    case ("DELETE", _):
      guard let entry = simulator.world.entry(ref) else { return missing }
      guard !simulator.world.isAccepted(entry.value) else { return .json(400, "{}") }
      switch awaited({ try await simulator.delete(ref, under: .forTests()) }) {
      case .success: return .answer(204)
      case .failure(let error): return SimulatorFront<SimulatedDocument>.reply(to: error)
      }
    default: return missing
    }
  }

  private static func metadata(_ entry: SimulatedAccount.Entry, _ front: SimulatorFront<SimulatedDocument>)
    -> JSONValue
  {
    [
      "kind": "storage#hmacKeyMetadata", "accessId": .string(entry.ref.rawValue), "projectId": "shop-project",
      "serviceAccountEmail": .string(account), "timeCreated": "2026-11-20T00:00:00.000Z", "etag": "CAE=",
      "state": front.simulator.world.isAccepted(entry.value) ? "ACTIVE" : "INACTIVE",
    ]
  }

  /// Signs the request again, with what the documentation says, and compares.
  private static func buckets(_ request: LoopbackServer.Request, _ front: SimulatorFront<SimulatedDocument>)
    -> LoopbackServer.Reply
  {
    func refusal(_ code: String) -> LoopbackServer.Reply {
      .answer(403, body: Data("<?xml version='1.0'?><Error><Code>\(code)</Code></Error>".utf8))
    }
    let words = (request.headers["authorization"] ?? "").split { " =,".contains($0) }.map(String.init)
    guard words.count == 7, words[0] == "GOOG4-HMAC-SHA256" else { return refusal("InvalidSecurity") }
    let scope = words[2].split(separator: "/").map(String.init)
    let value = secret(scope[0])
    let headers = words[4].split(separator: ";").map { "\($0):\(request.headers[String($0)] ?? "")\n" }
      .joined()
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    let canonical = "GET\n/\n\n\(headers)\n\(words[4])\n\(empty)"
    func hex(_ bytes: [UInt8]) -> String { bytes.map { String(format: "%02x", $0) }.joined() }
    let text =
      "GOOG4-HMAC-SHA256\n\(request.headers["x-goog-date"] ?? "")\n\(scope.dropFirst().joined(separator: "/"))\n"
      + hex(SHA256.hash(data: Array(canonical.utf8)))
    var key = Array("GOOG4\(value)".utf8)
    for part in scope.dropFirst() {
      key = HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: SymmetricKey(data: key))
    }
    let right = hex(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: key)))
    guard words[6] == right else { return refusal("SignatureDoesNotMatch") }
    guard front.accepts(value) else { return refusal("InvalidSecurity") }
    return .answer(200, body: Data("<ListAllMyBucketsResult/>".utf8))
  }
}
