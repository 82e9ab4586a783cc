import Capabilities
import Foundation
import HTTP
import JSON
import SecretStores
import Secrets
import Synchronization
import TestSupport
import Testing

/// Exchanges written from GitHub's documentation, not recorded from api.github.com; what is sealed is opened by PyNaCl.
/// Source: https://docs.github.com/en/rest/actions/secrets (API version 2022-11-28)
@Suite struct GitHubActionsSecretTests {
  /// One owner's secrets, as the documentation says that they answer.
  private final class World: Sendable {
    struct State: Sendable {
      var written: [String: String] = [:]
      var bodies: [JSONValue] = []
      var clock = 0
      /// Somebody writes at the second look.
      var looks = 0
      var interferes = false
      var status: Int?
    }
    let state = Mutex(State())
    let publicKey: String

    init(publicKey: String) { self.publicKey = publicKey }

    func answer(_ request: LoopbackServer.Request, below path: String) -> LoopbackServer.Reply {
      guard request.headers["authorization"] == "Bearer runner-token" else { return .json(401, "{}") }
      guard request.path.hasPrefix(path + "/") else { return .json(404, "{\"message\":\"Not Found\"}") }
      let rest = request.path.dropFirst(path.count + 1).split(separator: "/").map(String.init)
      return state.withLock { state in
        if let status = state.status, request.method == "PUT" { return .json(status, "{}") }
        switch (request.method, rest.first, rest.count) {
        case ("GET", "public-key"?, 1):
          return .json(200, "{\"key_id\":\"568250167242549743\",\"key\":\"\(publicKey)\"}")
        case ("GET", let name?, 2) where rest[1] == "repositories" && state.written[name] != nil:
          let page = request.query["page"] ?? ""
          return .json(200, "{\"total_count\":2,\"repositories\":[{\"id\":\(page == "1" ? 11 : 22)}]}")
        case ("GET", let name?, 1):
          state.looks += 1
          if state.interferes, state.looks == 2 { state.written[name] = "2026-01-01T00:09:09Z" }
          guard let at = state.written[name] else { return .json(404, "{\"message\":\"Not Found\"}") }
          return .json(200, "{\"name\":\"\(name)\",\"updated_at\":\"\(at)\",\"visibility\":\"selected\"}")
        case ("PUT", let name?, 1):
          guard let body = try? JSONValue(parsing: Array(request.body)) else { return .json(422, "{}") }
          state.bodies.append(body)
          state.clock += 1
          let isNew = state.written[name] == nil
          state.written[name] = "2026-01-01T00:00:0\(state.clock)Z"
          return isNew ? .json(201, "{}") : .answer(204)
        default: return .json(404, "{\"message\":\"Not Found\"}")
        }
      }
    }
  }

  private static let python = """
    import sys, base64, nacl.public
    key = nacl.public.PrivateKey(bytes(range(1, 33)))
    if len(sys.argv) == 1: print(base64.b64encode(key.public_key.encode()).decode())
    else: print(nacl.public.SealedBox(key).decrypt(base64.b64decode(sys.argv[1])).decode(), end='')
    """

  private static func nacl(_ arguments: String...) async throws -> String {
    try await Program.run(["env", "/usr/bin/python3", "-c", python] + arguments, in: "/")
  }

  private static func world() async throws -> World {
    World(publicKey: try await nacl().trimmingCharacters(in: .whitespacesAndNewlines))
  }

  private func store(_ server: LoopbackServer, _ settings: [String: JSONValue]) throws -> GitHubActionsSecret
  {
    try GitHubActionsSecret(
      TargetConfiguration(
        name: "s", kind: GitHubActionsSecret.kind,
        settings: settings.merging(["base_url": .string(server.url), "token": "env:TOKEN"]) { own, _ in own },
        position: "staunch.yaml:1:1"),
      in: .forTests(http: CurlTransport(), secrets: ["env:TOKEN": Secret("runner-token")]))
  }

  private func put(_ store: GitHubActionsSecret, _ key: String, _ value: String) async throws -> String {
    try await store.put(
      key, Secret(value), replacing: [], sparing: [], marker: "run-1", under: .forTests())
  }

  @Test(
    arguments: [
      (["repository": "acme/shop"], "/repos/acme/shop/actions/secrets"),
      (["repository": "acme/shop", "environment": "pro d"], "/repos/acme/shop/environments/pro%20d/secrets"),
    ] as [([String: JSONValue], String)])
  func `a value is sealed to the owner's key, made with 201 and replaced with 204`(
    settings: [String: JSONValue], path: String
  ) async throws {
    let world = try await Self.world()
    let server = try LoopbackServer { world.answer($0, below: path) }
    let store = try store(server, settings)
    #expect(try await store.currentVersion("API_KEY") == nil)
    #expect(try await put(store, "API_KEY", "fresh-väluë") == "2026-01-01T00:00:01Z")
    #expect(try await put(store, "API_KEY", "second") == "2026-01-01T00:00:02Z")
    let bodies = world.state.withLock { $0.bodies }
    var opened: [String] = []
    for body in bodies {
      #expect(body["key_id"] == "568250167242549743")
      opened.append(try await Self.nacl(try #require(body["encrypted_value"]?.string)))
    }
    #expect(opened == ["fresh-väluë", "second"])
    for request in server.requests {
      #expect(!String(decoding: request.body, as: UTF8.self).contains("fresh"))
    }
  }

  @Test func `an organisation's secret keeps who may use it, and none is made`() async throws {
    let world = try await Self.world()
    let server = try LoopbackServer { world.answer($0, below: "/orgs/acme/actions/secrets") }
    let store = try store(server, ["organization": "acme"])
    let error = await #expect(throws: CapabilityError.self) { try await put(store, "API_KEY", "fresh") }
    #expect(error?.class == .notFound)
    #expect(error?.fix?.contains("gh secret set API_KEY --org acme") == true)
    world.state.withLock { $0.written["API_KEY"] = "2026-01-01T00:00:00Z" }
    _ = try await put(store, "API_KEY", "fresh")
    let body = try #require(world.state.withLock { $0.bodies.last })
    #expect(body["visibility"] == "selected")
    #expect(body["selected_repository_ids"] == [11, 22])
  }

  @Test func `what somebody has written since is not overwritten`() async throws {
    let world = try await Self.world()
    world.state.withLock {
      $0.written["API_KEY"] = "2026-01-01T00:00:00Z"
      $0.interferes = true
    }
    let server = try LoopbackServer { world.answer($0, below: "/repos/acme/shop/actions/secrets") }
    let error = await #expect(throws: CapabilityError.self) {
      try await put(store(server, ["repository": "acme/shop"]), "API_KEY", "fresh")
    }
    #expect(error?.class == .conflict)
    #expect(world.state.withLock { $0.bodies.isEmpty })
  }

  @Test func `a value is never shown, so nothing is said about copies`() async throws {
    let world = try await Self.world()
    let server = try LoopbackServer { world.answer($0, below: "/repos/acme/shop/actions/secrets") }
    let store = try store(server, ["repository": "acme/shop"])
    #expect(!store.canBeRead)
    let error = await #expect(throws: CapabilityError.self) { try await store.read("API_KEY") }
    #expect(error?.class == .unsupported)
    guard case .unread? = try await store.copies(of: [Secret("x")], besides: "API_KEY").first?.kind else {
      Issue.record("copies count as read")
      return
    }
    let several = await #expect(throws: CapabilityError.self) {
      try await store.put(
        [StoreEntry("A", Secret("1"), replacing: []), StoreEntry("B", Secret("2"), replacing: [])],
        sparing: [], marker: "m", under: .forTests())
    }
    #expect(several?.class == .unsupported)
    #expect(world.state.withLock { $0.bodies.isEmpty })
  }

  @Test(arguments: [(403, CapabilityError.Class.refused), (422, .invalid), (202, .unknownOutcome)])
  func `a write that is not 201 or 204 is no success`(status: Int, expected: CapabilityError.Class)
    async throws
  {
    let world = try await Self.world()
    world.state.withLock { $0.status = status }
    let server = try LoopbackServer { world.answer($0, below: "/repos/acme/shop/actions/secrets") }
    let error = await #expect(throws: CapabilityError.self) {
      try await put(store(server, ["repository": "acme/shop"]), "API_KEY", "fresh")
    }
    #expect(error?.class == expected)
  }

  /// GitHub answers 404 for both.
  @Test func `an owner that the token may not see is not taken for a missing secret`() async throws {
    let world = try await Self.world()
    let server = try LoopbackServer { world.answer($0, below: "/repos/acme/shop/actions/secrets") }
    let store = try store(server, ["repository": "acme/other"])
    let error = await #expect(throws: CapabilityError.self) { try await store.currentVersion("API_KEY") }
    #expect(error?.class == .notFound)
    guard case .missing? = await store.readiness().first?.verdict else {
      Issue.record("doctor says that it is ready")
      return
    }
  }

  @Test(arguments: ["", "1A", "GITHUB_X", "github_x", "A-B", "A/B", "../A"])
  func `a key that is no secret's name is refused before anything is asked`(key: String) async throws {
    let world = try await Self.world()
    let server = try LoopbackServer { world.answer($0, below: "/") }
    let error = await #expect(throws: CapabilityError.self) {
      try await put(store(server, ["repository": "acme/shop"]), key, "fresh")
    }
    #expect(error?.class == .configuration)
    #expect(server.requests.isEmpty)
  }

  @Test(
    arguments: [
      [:], ["repository": "acme"], ["repository": "acme/.."], ["repository": "a/b", "organization": "c"],
      ["organization": "c", "environment": "e"],
    ] as [[String: JSONValue]])
  func `settings that name no owner are refused`(settings: [String: JSONValue]) throws {
    let server = try LoopbackServer { _ in .hangUp }
    let error = #expect(throws: CapabilityError.self) { try store(server, settings) }
    #expect(error?.class == .configuration)
  }
}
