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

@Suite struct AzureStorageKeyContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(AzureStorageWorld.self)
  }
  @Test func `docs CONTRACT md says what is checked`() async throws {
    try await ContractTable.check(AzureStorageWorld.self)
  }
}

/// Against the simulator of ``AzureStorageWorld``, over libcurl.
@Suite struct AzureStorageKeyTests {
  @Test func `the slot that did not leak is set anew, then the leaked one, and neither twice`() async throws {
    let world = try AzureStorageWorld()
    let issued = try await world.provider.issue(
      IssueOrder(marker: "m", replacing: world.leak), under: .forTests())
    #expect(issued.ref.rawValue == "key2")
    _ = world.loseNextReply()
    for _ in 0..<2 {
      try await world.provider.disable(
        CredentialRef("key1"), leak: world.leak, replacedBy: issued.ref, under: .forTests())
    }
    #expect(world.front.simulator.world.calls == ["set key2", "set key1"])
    let probe = try await world.provider.verify(world.leak.requireValue(to: "test"), ref: nil)
    #expect(probe == CredentialProbe(.dead, code: "403 AuthenticationFailed"))
    #expect(probe.evidence?.controls == 2)
    let error = await #expect(throws: CapabilityError.self) {
      try await world.provider.disable(issued.ref, leak: Leak(), replacedBy: issued.ref, under: .forTests())
    }
    #expect(error?.class == .unsafe)
  }

  @Test func `a connection string is the key that it holds`() async throws {
    let world = try AzureStorageWorld()
    let key = try world.leak.requireValue(to: "test").exposeAsText()
    let text = Secret(
      "DefaultEndpointsProtocol=https;AccountName=shopstore;AccountKey=\(key);EndpointSuffix=core.windows.net"
    )
    #expect(try await world.provider.identify(Leak(text)).identity.rawValue == "key1")
    #expect(try await world.provider.verify(text, ref: nil).state == .alive)
  }

  @Test(
    arguments: [
      (
        "AuthenticationFailed", "<AuthenticationErrorDetail>Request date header too old: 'Mon, 30 Nov 2026'",
        "403 AuthenticationFailed, the clock of this machine and Azure's differ"
      ),
      ("AuthenticationFailed", "<Error/>", "403 AuthenticationFailed, for another reason than the signature"),
      (
        "AuthenticationFailed", "<AuthenticationErrorDetail>The MAC signature found in the HTTP request",
        "403 AuthenticationFailed, but the account lists it as key1"
      ),
      (
        "KeyBasedAuthenticationNotPermitted", "",
        "403 KeyBasedAuthenticationNotPermitted: keys are switched off, and work again when switched on"
      ),
      ("AuthorizationFailure", "", "403 AuthorizationFailure"), ("\u{1b}[2J", "", "403"),
    ])
  func `a refusal with another cause than the key is unknown, with the reason`(
    word: String, body: String, code: String
  ) async throws {
    let world = try AzureStorageWorld()
    world.say(.answer(403, headers: ["x-ms-error-code": word], body: Data(body.utf8)))
    let probe = try await world.provider.verify(world.leak.requireValue(to: "test"), ref: nil)
    #expect(probe == CredentialProbe(.unknown, code: code))
  }

  @Test func `a service that refuses everybody proves nothing`() async throws {
    let world = try AzureStorageWorld()
    try await world.provider.disable(
      CredentialRef("key1"), leak: world.leak, replacedBy: nil, under: .forTests())
    world.say(
      .answer(
        403, headers: ["x-ms-error-code": "AuthenticationFailed"],
        body: Data("The MAC signature found in the HTTP request".utf8)))
    let probe = try await world.provider.verify(world.leak.requireValue(to: "test"), ref: nil)
    #expect(probe.state == .unknown)
    #expect(probe.code == "403 AuthenticationFailed, but a key that the account lists is refused as well")
  }

  @Test func `without the value nobody guesses which slot leaked, and a wrong account is said`() async throws
  {
    let world = try AzureStorageWorld()
    let error = await #expect(throws: CapabilityError.self) {
      try await world.provider.identify(Leak(handle: "shopstore"))
    }
    #expect(error?.class == .notFound)
    #expect(try await world.provider.identify(Leak(handle: "shopstore/key2")).identity.rawValue == "key2")
    let elsewhere = try AzureStorageWorld(["resource_group": "other"])
    let missing = await #expect(throws: CapabilityError.self) { try await elsewhere.provider.existing() }
    #expect(missing?.because == "the subscription has no such account there (ResourceGroupNotFound)")
  }

  @Test(
    arguments: [
      (
        [
          "Microsoft.Storage/storageAccounts/listkeys/action",
          "Microsoft.Storage/storageAccounts/regeneratekey/action",
        ], []
      ),
      (
        ["Microsoft.Storage/storageAccounts/listKeys/action"],
        ["the runner lacks Microsoft.Storage/storageAccounts/regenerateKey/action"]
      ),
      (
        ["Microsoft.Storage/*"],
        [
          "the runner may do Microsoft.Storage/storageAccounts/delete, Microsoft.Storage/storageAccounts/write, which no run needs"
        ]
      ),
    ] as [([String], [String])])
  func `doctor asks for each action, both ways`(actions: [String], missing: [String]) async throws {
    let world = try AzureStorageWorld()
    world.allow(actions)
    let found = await world.provider.readiness().compactMap {
      if case .missing(let because, _) = $0.verdict { because } else { nil }
    }
    #expect(found == missing)
  }
}

/// A storage account in the words of the documentation (read on 2026-11-30), over the simulator of two fixed slots. No Azure
/// stands behind it. A value of the simulator is the base64 of its text here.
///
/// - https://learn.microsoft.com/rest/api/storagerp/storage-accounts/list-keys and …/regenerate-key
/// - https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
/// - https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
private struct AzureStorageWorld: ContractFixture {
  static let against = "a simulator in the words of the documentation"

  final class Whims: Sendable {
    let blobs = Mutex<LoopbackServer.Reply?>(nil)
    let actions = Mutex<[String]>([])
  }

  let front: SimulatorFront<SimulatedFixedSlots>
  let whims: Whims
  let server: LoopbackServer
  let provider: any CredentialProvider
  var leak: Leak { Leak(Secret(Self.key(front.simulator.leak.value?.exposeAsText() ?? ""))) }

  private static let path =
    "/subscriptions/0000-1111/resourceGroups/shop/providers/Microsoft.Storage/storageAccounts/shopstore"
  private static func key(_ value: String) -> String { Data(value.utf8).base64EncodedString() }

  init(_ more: [String: JSONValue] = [:]) throws {
    let front = SimulatorFront<SimulatedFixedSlots>()
    let whims = Whims()
    (self.front, self.whims) = (front, whims)
    server = try LoopbackServer { request in Self.answer(request, front, whims) }
    let settings: [String: JSONValue] = [
      "base_url": .string(server.url), "blob_url": .string(server.url), "subscription": "0000-1111",
      "resource_group": "shop", "account": "shopstore", "login_token": "env:LOGIN",
    ]
    provider = try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "storage", kind: AzureStorageKey.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(http: CurlTransport(), secrets: ["env:LOGIN": Secret("eyJ.runner")]))
  }

  static func make() throws -> Self { try Self() }
  func say(_ reply: LoopbackServer.Reply) { whims.blobs.withLock { $0 = reply } }
  func allow(_ actions: [String]) { whims.actions.withLock { $0 = actions } }
  func loseNextReply() -> Bool { front.loseNextReply() }
  func refuseNextCall() -> Bool { front.refuseNextCall() }
  func answerOldThings(takingTurns: Bool) -> Duration? { front.answerOldThings(takingTurns: takingTurns) }
  func pass(_ time: Duration) { front.conditions.advance(by: time) }

  private static func answer(
    _ request: LoopbackServer.Request, _ front: SimulatorFront<SimulatedFixedSlots>, _ whims: Whims
  ) -> LoopbackServer.Reply {
    let path = request.path.removingPercentEncoding ?? ""
    if path == "/" {
      if let obstacle = front.obstacle() { return obstacle }
      return whims.blobs.withLock { $0 } ?? blobs(request, front)
    }
    guard request.headers["authorization"] == "Bearer eyJ.runner" else { return .json(401, "{}") }
    switch (request.method, path) {
    case ("POST", Self.path + "/listKeys"): return list(front)
    case ("POST", Self.path + "/regenerateKey"):
      let body = try? JSONValue(parsing: request.body)
      guard let name = body?["keyName"]?.string, ["key1", "key2"].contains(name) else {
        return .json(400, "{}")
      }
      let done = awaited {
        try await front.simulator.disable(
          CredentialRef(name), leak: Leak(handle: name), replacedBy: nil, under: .forTests())
      }
      switch done {
      case .success: return list(front)
      case .failure(let error): return SimulatorFront<SimulatedFixedSlots>.reply(to: error)
      }
    case ("GET", Self.path + "/providers/Microsoft.Authorization/permissions"):
      let actions = whims.actions.withLock { $0 }.map { JSONValue.string($0) }
      return .json(
        200,
        JSONValue.object(["value": [["actions": .array(actions), "notActions": []]]]).canonicalText)
    default: return .json(404, #"{"error":{"code":"ResourceGroupNotFound","message":"as documented"}}"#)
    }
  }

  private static func list(_ front: SimulatorFront<SimulatedFixedSlots>) -> LoopbackServer.Reply {
    let keys = front.simulator.world.entries.map { entry -> JSONValue in
      [
        "creationTime": "2026-01-01T00:00:00.0000000Z", "keyName": .string(entry.ref.rawValue),
        "value": .string(key(entry.value)), "permissions": "FULL",
      ]
    }
    return .json(200, JSONValue.object(["keys": .array(keys)]).canonicalText)
  }

  /// Signs the request again with every value that ever was, and compares.
  private static func blobs(_ request: LoopbackServer.Request, _ front: SimulatorFront<SimulatedFixedSlots>)
    -> LoopbackServer.Reply
  {
    let text =
      "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:\(request.headers["x-ms-date"] ?? "")\n"
      + "x-ms-version:\(request.headers["x-ms-version"] ?? "")\n/shopstore/\ncomp:list\nmaxresults:1"
    let signed = front.simulator.world.values.first { value in
      let code = HMAC<SHA256>.authenticationCode(
        for: Array(text.utf8), using: SymmetricKey(data: Array(value.utf8)))
      return request.headers["authorization"] == "SharedKey shopstore:\(Data(code).base64EncodedString())"
    }
    guard let signed, front.accepts(signed) else {
      return .answer(
        403, headers: ["x-ms-error-code": "AuthenticationFailed"],
        body: Data(
          "<Error><Code>AuthenticationFailed</Code><AuthenticationErrorDetail>The MAC signature found in the HTTP request 'x' is not the same as any computed signature.</AuthenticationErrorDetail></Error>"
            .utf8))
    }
    return .answer(200, body: Data("<EnumerationResults/>".utf8))
  }
}
