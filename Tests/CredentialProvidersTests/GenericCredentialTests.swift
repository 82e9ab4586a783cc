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

@Suite struct GenericCredentialTests {
  private static func provider(_ settings: [String: JSONValue], secrets: [String: Secret] = [:]) throws
    -> GenericCredential
  {
    try GenericCredential(
      TargetConfiguration(name: "token", kind: "generic", settings: settings, position: "staunch.yaml:3:1"),
      in: .forTests(http: CurlTransport(), secrets: secrets))
  }

  @Test func `a person's replacement is taken from where it was put`() async throws {
    let provider = try Self.provider(["replacement": "file:/new"], secrets: ["file:/new": Secret("fresh")])
    let issued = try await provider.issue(marker: "m", generated: nil, under: .forTests())
    #expect(issued.secret.exposeAsText() == "fresh")
    #expect(try await provider.identify(Secret("leaked")) != issued.ref)
    #expect(provider.capabilities.issuing == .human)
  }

  @Test func `while the person has not put it there the error says what to do where`() async throws {
    let provider = try Self.provider([
      "console": "https://provider.example.org/tokens", "replacement": "file:/new",
    ])
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.issue(marker: "m", generated: nil, under: .forTests())
    }
    #expect(error?.class == .awaitsPerson)
    #expect(error?.fix?.contains("https://provider.example.org/tokens") == true)
  }

  @Test func `without calls the verdict is unknown and revoking is a person's work`() async throws {
    let provider = try Self.provider(["console": "https://provider.example.org/tokens"])
    #expect(try await provider.verify(Secret("x"), ref: nil).state == .unknown)
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.disable(
        CredentialRef("token"), leaked: Secret("x"), replacedBy: nil, under: .forTests())
    }
    #expect(error?.class == .unsupported)
    #expect(error?.fix?.contains("https://provider.example.org/tokens") == true)
  }

  @Test func `described calls verify and revoke`() async throws {
    let live = Secret("the/leaked one")
    let server = try LoopbackServer { request in
      switch request.path {
      case "/whoami": .answer(request.headers["x-key"] == "Token the/leaked one" ? 200 : 401)
      case "/tokens/a%2Fb": .answer(request.headers["authorization"] == "Bearer adm1n" ? 204 : 403)
      default: .answer(404)
      }
    }
    let provider = try Self.provider(
      [
        "id": "a/b",
        "verify": [
          "url": .string(server.url + "/whoami"), "header": "X-Key", "prefix": "Token ",
          "control": "env:LIVE",
        ],
        "revoke": [
          "url": .string(server.url + "/tokens/{ref}"), "method": "DELETE", "credential": "env:ADMIN",
          "success": [204],
        ],
      ], secrets: ["env:ADMIN": Secret("adm1n"), "env:LIVE": live])
    #expect(try await provider.identify(live) == CredentialRef("a/b"))
    #expect(try await provider.verify(Secret("other"), ref: nil) == CredentialProbe(.dead, code: "401"))
    try await provider.disable(CredentialRef("a/b"), leaked: live, replacedBy: nil, under: .forTests())
    #expect(server.requests.last?.method == "DELETE")
  }

  @Test func `a body may carry the secret, as JSON and never in the URL`() async throws {
    let server = try LoopbackServer { _ in .answer(202) }
    let provider = try Self.provider([
      "revoke": [
        "url": .string(server.url + "/revoke"), "body": ["credentials": ["{secret}"], "id": "{ref}"],
      ]
    ])
    try await provider.disable(
      CredentialRef("token"), leaked: Secret("a\"b{ref}"), replacedBy: nil, under: .forTests())
    let request = try #require(server.requests.first)
    #expect(try JSONValue(parsing: request.body) == ["credentials": ["a\"b{ref}"], "id": "token"])
    #expect(request.headers["authorization"] == nil)
  }

  @Test(arguments: [500, 429, 418])
  func `a status in neither list decides nothing`(status: Int) async throws {
    let server = try LoopbackServer { _ in .answer(status) }
    let provider = try Self.provider(["verify": ["url": .string(server.url)]])
    #expect(try await provider.verify(Secret("x"), ref: nil) == CredentialProbe(.unknown, code: "\(status)"))
  }

  @Test func `revoking with the leaked credential itself as the runner's own is refused`() async throws {
    let provider = try Self.provider(
      ["revoke": ["url": "https://x.invalid/", "credential": "env:A"]], secrets: ["env:A": Secret("same")])
    let error = await #expect(throws: CapabilityError.self) { try await provider.identify(Secret("same")) }
    #expect(error?.class == .unsafe)
  }

  @Test(
    arguments: [
      ["verify": "https://x"], ["verify": ["method": "GET"]], ["verify": ["url": "https://x/{secret}"]],
      ["verify": ["url": "https://x", "methd": "GET"]], ["revoke": ["url": "https://x", "method": "PURGE"]],
      ["id": "a", "replacement_id": "a"],
    ] as [[String: JSONValue]])
  func `wrong settings are refused with place and remedy`(settings: [String: JSONValue]) {
    let error = #expect(throws: CapabilityError.self) { try Self.provider(settings) }
    #expect(error?.class == .configuration)
    #expect(error?.operation.contains("staunch.yaml:3:1") == true)
    #expect(error?.fix != nil)
  }

  @Test func `a gateway that refuses everybody proves nothing`() async throws {
    let server = try LoopbackServer { _ in .answer(401) }
    let provider = try Self.provider(
      ["verify": ["url": .string(server.url + "/whoami"), "control": "env:OTHER"]],
      secrets: ["env:OTHER": Secret("works")])
    let probe = try await provider.verify(Secret("leaked"), ref: nil)
    #expect(probe == CredentialProbe(.unknown, code: "401, but the control gets 401"))
  }

  @Test func `without a control a refusal is unknown, and says what to write`() async throws {
    let server = try LoopbackServer { _ in .answer(401) }
    let provider = try Self.provider(["verify": ["url": .string(server.url + "/whoami")]])
    let probe = try await provider.verify(Secret("leaked"), ref: nil)
    #expect(probe.state == .unknown)
    #expect(probe.code.contains("control: REFERENCE"))
  }

  @Test func `four refusals and then an acceptance are no death`() async throws {
    let asked = Counter()
    let server = try LoopbackServer { request in
      guard request.headers["authorization"] == "Bearer leaked" else { return .answer(200) }
      return .answer(asked.next() < 4 ? 401 : 200)
    }
    let provider = try Self.provider(
      ["verify": ["url": .string(server.url + "/whoami"), "control": "env:OTHER"]],
      secrets: ["env:OTHER": Secret("works")])
    // One verdict is three refusals; the next one meets the acceptance.
    #expect(try await provider.verify(Secret("leaked"), ref: nil).state == .dead)
    let second = try await provider.verify(Secret("leaked"), ref: nil)
    #expect(second.state == .alive && second.code.contains("disagree"))
  }
}

/// Counts requests.
private final class Counter: Sendable {
  private let state = Atomic(0)
  func next() -> Int { state.add(1, ordering: .sequentiallyConsistent).oldValue }
}

@Suite struct GenericCredentialContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(GenericCredentialFixture.self)
  }
  @Test func `docs CONTRACT md says what is checked`() async throws {
    try await ContractTable.check(GenericCredentialFixture.self)
  }
}

/// An API that knows a leaked token, which can revoke itself, and the one that a person has issued.
private struct GenericCredentialFixture: ContractFixture {
  static let against = "a mock"
  let server: LoopbackServer
  let isBusy: Once
  let provider: any CredentialProvider
  let leak: Leak

  /// Something that happens once.
  final class Once: Sendable {
    private let state = Atomic(false)
    var isSet: Bool { state.load(ordering: .sequentiallyConsistent) }
    func set() { state.store(true, ordering: .sequentiallyConsistent) }
    /// True the first time after it was set.
    func take() -> Bool { state.exchange(false, ordering: .sequentiallyConsistent) }
  }

  static func make() throws -> Self {
    let leaked = "leaked-\(UUID().uuidString)"
    let fresh = "fresh-\(UUID().uuidString)"
    let (isRevoked, isBusy) = (Once(), Once())
    let server = try LoopbackServer { request in
      if isBusy.take() { return .answer(429) }
      let bearer = request.headers["authorization"]
      if request.path == "/revoke" {
        isRevoked.set()
        return .answer(204)
      }
      return .answer(
        bearer == "Bearer \(fresh)" || (bearer == "Bearer \(leaked)" && !isRevoked.isSet) ? 200 : 401)
    }
    let target = TargetConfiguration(
      name: "it", kind: GenericCredential.kind,
      settings: [
        "replacement": "env:NEW", "verify": ["url": .string(server.url + "/whoami")],
        "revoke": ["url": .string(server.url + "/revoke"), "credential": "leaked"],
      ], position: "staunch.yaml:1:1")
    return Self(
      server: server, isBusy: isBusy,
      provider: try CredentialProviderRegistry.make(
        target, in: .forTests(http: CurlTransport(), secrets: ["env:NEW": Secret(fresh)])),
      leak: Leak(Secret(leaked), handle: "it"))
  }

  func refuseNextCall() -> Bool {
    isBusy.set()
    return true
  }
}
