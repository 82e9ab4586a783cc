import Capabilities
import HTTP
import JSON
import SecretStores
import Secrets
import TestSupport
import Testing

/// Against exchanges written from the documentation.
@Suite struct NamedTextsTests {
  private let world: NamedTextSimulation

  init() { world = NamedTextSimulation() }

  private func onePassword(before change: @escaping @Sendable () -> Void = {}) throws -> (
    OnePasswordItem, LoopbackServer
  ) {
    let world = world
    let server = try LoopbackServer { request in
      if request.method == "PATCH" { change() }
      return world.onePassword(request)
    }
    let settings: [String: JSONValue] = [
      "base_url": .string(server.url), "token": "env:TOKEN", "vault": "v", "item": "i",
    ]
    return (try OnePasswordItem(Self.target(OnePasswordItem.kind, settings), in: Self.environment), server)
  }

  private func infisical(before change: @escaping @Sendable () -> Void = {}) throws -> (
    InfisicalFolder, LoopbackServer
  ) {
    let world = world
    let server = try LoopbackServer { request in
      if request.method == "PATCH" { change() }
      return world.infisical(request)
    }
    let settings: [String: JSONValue] = [
      "base_url": .string(server.url), "token": "env:TOKEN", "project": "p", "environment": "prod",
    ]
    return (try InfisicalFolder(Self.target(InfisicalFolder.kind, settings), in: Self.environment), server)
  }

  private static func target(_ kind: String, _ settings: [String: JSONValue]) -> TargetConfiguration {
    TargetConfiguration(name: "s", kind: kind, settings: settings, position: "staunch.yaml:1:1")
  }

  private static var environment: AdapterEnvironment {
    .forTests(http: CurlTransport(), secrets: ["env:TOKEN": Secret(NamedTextSimulation.token)])
  }

  private static let entries = [
    StoreEntry("ID", Secret("new-id"), replacing: []),
    StoreEntry("KEY", Secret("fresh"), replacing: [Secret("leaked-value-0123456")]),
  ]

  @Test func `fields of an item change in one patch, by their ids`() async throws {
    world.write("ID", "old-id")
    world.write("URL", "https://u:leaked-value-0123456@h")
    let (store, server) = try onePassword()
    #expect(try await store.put(Self.entries, sparing: [], marker: "m", under: .forTests()) == "3")
    #expect(
      world.bodies == [
        [
          ["op": "replace", "path": "/fields/id-ID/value", "value": "new-id"],
          [
            "op": "add", "path": "/fields", "value": ["label": "KEY", "type": "CONCEALED", "value": "fresh"],
          ],
          ["op": "replace", "path": "/fields/id-URL/value", "value": "https://u:fresh@h"],
        ]
      ])
    server.stop()
  }

  @Test func `secrets of a folder change in one batch`() async throws {
    world.write("ID", "old-id")
    world.write("URL", "https://u:leaked-value-0123456@h")
    let (store, server) = try infisical()
    _ = try await store.put(Self.entries, sparing: [], marker: "m", under: .forTests())
    #expect(
      world.bodies.map { $0["secrets"] } == [
        [
          ["secretKey": "ID", "secretValue": "new-id"], ["secretKey": "KEY", "secretValue": "fresh"],
          ["secretKey": "URL", "secretValue": "https://u:fresh@h"],
        ]
      ])
    server.stop()
  }

  @Test func `a write at the same moment is told`() async throws {
    world.write("KEY", "old")
    let world = world
    let (item, first) = try onePassword { world.write("OTHER", "theirs") }
    let (folder, second) = try infisical { world.write("KEY", "theirs") }
    for store in [item, folder] as [any SecretStore] {
      let error = await #expect(throws: CapabilityError.self) {
        try await store.put(
          "KEY", Secret("fresh"), replacing: [], sparing: [], marker: "m", under: .forTests())
      }
      #expect(error?.class == .conflict)
      world.write("KEY", "old")
    }
    for server in [first, second] { server.stop() }
  }

  @Test func `two fields of one label are refused`() async throws {
    world.write("KEY", "a")
    world.write("KEY", "b", again: true)
    let (store, server) = try onePassword()
    let error = await #expect(throws: CapabilityError.self) { try await store.currentVersion("KEY") }
    #expect(error?.class == .unsafe)
    server.stop()
  }

  @Test func `a change that a policy holds back waits for a person`() async throws {
    world.write("KEY", "old")
    world.wantApproval()
    let (store, server) = try infisical()
    let error = await #expect(throws: CapabilityError.self) {
      try await store.put("KEY", Secret("fresh"), replacing: [], sparing: [], marker: "m", under: .forTests())
    }
    #expect(error?.class == .awaitsPerson)
    #expect(world.text("KEY") == "old")
    server.stop()
  }

  @Test func `a hidden value is named, not replaced unseen, and told by doctor`() async throws {
    world.write("KEY", nil)
    let (store, server) = try infisical()
    #expect(
      try await store.copies(of: [Secret("leaked-value-0123456")], besides: nil).map(\.canFollow) == [false])
    let error = await #expect(throws: CapabilityError.self) {
      try await store.put("KEY", Secret("fresh"), replacing: [], sparing: [], marker: "m", under: .forTests())
    }
    #expect(error?.class == .unsupported)
    #expect(world.bodies.isEmpty)
    guard case .missing? = await store.readiness().first?.verdict else {
      Issue.record("it counts as ready")
      return
    }
    server.stop()
  }
}
