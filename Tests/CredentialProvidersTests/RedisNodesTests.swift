import Capabilities
import CredentialProviders
import Foundation
import Incidents
import JSON
import LocalSystem
import Secrets
import TestSupport
import Testing

/// One user at two real servers that share nothing: "dead" was about the one node that the entry names.
@Suite struct RedisNodesTests {
  private struct World {
    let servers: [RedisServer]
    let places: [String]
    let name: String
    let leaked: Secret
    let provider: any CredentialProvider
    let direct: [any CredentialProvider]

    init() async throws {
      var servers: [RedisServer] = []
      var places: [String] = []
      while servers.count < 2 {
        let port = try SupervisedServer.freePort()
        servers.append(try RedisServer(port: port))
        places.append("127.0.0.1:\(port)")
      }
      let (name, leaked) = try await servers[0].makeUser()
      // The same user and the same runner at the other one.
      try await servers[1].run(
        "ACL SETUSER \(name) on >\(leaked.exposeAsText()) ~* +@all -@admin\n"
          + "ACL SETUSER admin >\(servers[0].adminPassword.exposeAsText())")
      self.servers = servers
      self.places = places
      self.name = name
      self.leaked = leaked
      let environment = AdapterEnvironment.forTests(
        processes: SubprocessRunner(environment: ["PATH": "/usr/bin:/bin"], redact: { $0 }),
        secrets: ["env:A": servers[0].adminPassword])
      func make(_ more: [String: JSONValue]) throws -> any CredentialProvider {
        let settings: [String: JSONValue] = [
          "user": .string(name), "admin_user": "admin", "admin_password": "env:A",
        ]
        return try CredentialProviderRegistry.make(
          TargetConfiguration(
            name: "cache", kind: "redis", settings: settings.merging(more) { _, new in new },
            position: "staunch.yaml:1:1"), in: environment)
      }
      provider = try make(["addresses": .array(places.map { .string($0) })])
      direct = try places.map { place in
        try make(["port": .integer(Int(place.split(separator: ":").last ?? "") ?? 0)])
      }
    }
  }

  @Test func `a password is dead when every node refuses it, and a new one counts when every node has it`()
    async throws
  {
    let world = try await World()
    let (provider, leaked) = (world.provider, world.leaked)
    let ref = try await provider.identify(leaked)
    let issued = try await provider.issue(marker: "m", generated: try provider.generate(), under: .forTests())
    for node in world.direct {
      #expect(try await node.verify(issued.secret, ref: nil).state == .alive)
    }
    // Taken away at one node alone, it is not dead.
    try await world.direct[0].disable(ref, leaked: leaked, replacedBy: issued.ref, under: .forTests())
    let half = try await provider.verify(leaked, ref: ref)
    #expect(half.state == .alive && half.code.contains(world.places[1]), "\(half)")
    let connection = try world.servers[1].openConnection(world.name, leaked)
    try await provider.disable(ref, leaked: leaked, replacedBy: issued.ref, under: .forTests())
    let dead = try await provider.verify(leaked, ref: ref)
    #expect(dead.state == .dead && dead.evidence?.addresses == world.places, "\(dead)")
    let count = try await provider.endSessions(ref, before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 1, left: 0))
    connection.stop()
    // A new password that one node lacks is found to be missing there.
    #expect(try await provider.ref(ofIssued: issued.secret) == issued.ref)
    try await world.servers[1].run("ACL SETUSER \(world.name) <\(issued.secret.exposeAsText())")
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.ref(ofIssued: issued.secret)
    }
    #expect(error?.class == .notFound && error?.because.contains(world.places[1]) == true)
  }

  @Test func `a node that is away makes the verdict unknown, and is named by what could not be done there`()
    async throws
  {
    let world = try await World()
    world.servers[1].stop()
    #expect(try await world.provider.verify(Secret("wrong"), ref: nil).state == .unknown)
    #expect(try await world.provider.verify(world.leaked, ref: nil).state == .alive)
    let error = await #expect(throws: CapabilityError.self) {
      try await world.provider.issue(marker: "m", generated: Secret("N3w"), under: .forTests())
    }
    #expect(
      error?.because.contains("not at \(world.name) at \(world.places[1])") == true, "\(error?.because ?? "")"
    )
  }

  private static func provider(_ name: String, _ admin: Secret, _ more: [String: JSONValue]) throws
    -> any CredentialProvider
  {
    let settings: [String: JSONValue] = [
      "user": .string(name), "admin_user": "admin", "admin_password": "env:A",
    ]
    return try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "cache", kind: "redis", settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(
        processes: SubprocessRunner(environment: ["PATH": "/usr/bin:/bin"], redact: { $0 }),
        secrets: ["env:A": admin]))
  }

  /// Each keeps its own passwords: refused here, the leaked one may open the others.
  @Test(arguments: ["replica", "cluster"])
  func `one server of several says nothing of the others`(kind: String) async throws {
    let (port, bus) = (try SupervisedServer.freePort(), try SupervisedServer.freePort())
    let settings =
      kind == "cluster"
      ? ["cluster-enabled yes", "cluster-port \(bus)", "cluster-node-timeout 600000"]
      : ["replicaof 127.0.0.1 \(UnusedPort.number)"]
    let server = try RedisServer(settings: settings, port: port)
    let (name, leaked) = try await server.makeUser()
    // A node that is being met counts from the first moment.
    if kind == "cluster" { try await server.run("CLUSTER MEET 127.0.0.1 \(UnusedPort.number)") }
    let connection = try server.openConnection(name, leaked)
    let alone = try Self.provider(name, server.adminPassword, ["socket": .string(server.socket)])
    let ref = try await alone.identify(leaked)
    #expect(try await alone.verify(leaked, ref: ref).state == .alive)
    let probe = try await alone.verify(Secret("wrong"), ref: ref)
    #expect(probe.state == .unknown && probe.code.contains("one of 2 servers"), "\(probe)")
    for call in [
      { _ = try await alone.issue(marker: "m", generated: Secret("N3w"), under: .forTests()) },
      { _ = try await alone.endSessions(ref, before: Date(), under: .forTests()) },
    ] as [@Sendable () async throws -> Void] {
      let error = await #expect(throws: CapabilityError.self) { try await call() }
      #expect(error?.class == .configuration && error?.fix?.contains("addresses") == true)
    }
    #expect(try await alone.inspect(ref).facts["sessions"] == 1)  // nothing was done
    let missing = await alone.readiness().filter { if case .missing = $0.verdict { true } else { false } }
    #expect(missing.map(\.what) == ["servers that have the user"])
    connection.stop()
    // Both named, the other one out of reach: it is asked, and nobody can say.
    let both = try Self.provider(
      name, server.adminPassword,
      ["addresses": ["127.0.0.1:\(port)".json, "127.0.0.1:\(UnusedPort.number)".json]])
    #expect(try await both.verify(Secret("wrong"), ref: ref).state == .unknown)
    #expect(try await both.verify(leaked, ref: ref).state == .alive)
    let known = await both.readiness().first { $0.what == "servers that have the user at 127.0.0.1:\(port)" }
    #expect(known?.verdict == .ready("2 stand in the entry"))
  }

  @Test func `a list of nodes stands alone`() throws {
    for settings: [String: JSONValue] in [
      ["addresses": []], ["addresses": ["127.0.0.1:1"], "host": "127.0.0.1"], ["addresses": ["nowhere"]],
    ] {
      let all: [String: JSONValue] = ["user": "app", "admin_user": "admin", "admin_password": "env:A"]
      let error = #expect(throws: CapabilityError.self) {
        try CredentialProviderRegistry.make(
          TargetConfiguration(
            name: "cache", kind: "redis", settings: all.merging(settings) { _, new in new },
            position: "staunch.yaml:1:1"), in: .forTests())
      }
      #expect(error?.class == .configuration)
    }
  }
}

/// Of the discard service, which nobody here runs.
private enum UnusedPort { static let number = 9 }

extension String { fileprivate var json: JSONValue { .string(self) } }
