import Capabilities
import CredentialProviders
import Foundation
import Incidents
import JSON
import RedisClient
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
        redis: RESPConnector(), secrets: ["env:A": servers[0].adminPassword])
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
        redis: RESPConnector(), secrets: ["env:A": admin]))
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
    let known = await both.readiness().first { $0.what == "servers that have the user" }
    #expect(known?.verdict == .unknown(because: "no connection to the server"))
    // Two names of one server are one.
    let twice = try Self.provider(
      name, server.adminPassword, ["addresses": ["127.0.0.1:\(port)".json, "localhost:\(port)".json]])
    #expect(try await twice.verify(Secret("wrong"), ref: ref).code.contains("one of 2 servers"))
    // A server that stands alone is no replica of it.
    let strangerPort = try SupervisedServer.freePort()
    let stranger = try RedisServer(port: strangerPort, adminPassword: server.adminPassword)
    try await stranger.run("ACL SETUSER \(name) on >\(leaked.exposeAsText()) ~* +@all -@admin")
    let strange = try Self.provider(
      name, server.adminPassword,
      ["addresses": ["127.0.0.1:\(port)".json, "127.0.0.1:\(strangerPort)".json]])
    let verdict = try await strange.verify(Secret("wrong"), ref: ref)
    #expect(verdict.state == .unknown && verdict.code.contains("one of 2 servers"), "\(verdict)")
  }

  /// A cluster of two, as its nodes keep it in their files: nothing has to be waited for.
  @Test func `a cluster is whole when every node is named, by whatever name`() async throws {
    let directory = try TemporaryDirectory()
    var ports: [Int] = []
    while ports.count < 4 { ports.append(try SupervisedServer.freePort()) }
    let ids = ["a", "b"].map { String(repeating: $0, count: 40) }
    let password = Secret("Adm" + UUID().uuidString)
    var servers: [RedisServer] = []
    for own in 0...1 {
      let lines = (0...1).map { node in
        "\(ids[node]) 127.0.0.1:\(ports[node])@\(ports[node + 2]) \(own == node ? "myself,master" : "master") - 0 0 \(node + 1) "
          + (own == node ? "connected" : "disconnected") + (node == 0 ? " 0-8191" : " 8192-16383")
      }
      let file = directory.path("nodes-\(own).conf")
      try (lines + ["vars currentEpoch 2 lastVoteEpoch 0", ""]).joined(separator: "\n").write(
        toFile: file, atomically: true, encoding: .utf8)
      servers.append(
        try RedisServer(
          settings: [
            "cluster-enabled yes", "cluster-port \(ports[own + 2])", "cluster-config-file \(file)",
            "cluster-node-timeout 600000",
          ], port: ports[own], adminPassword: password))
    }
    let (name, leaked) = try await servers[0].makeUser()
    try await servers[1].run("ACL SETUSER \(name) on >\(leaked.exposeAsText()) ~* +@all -@admin")
    let half = try Self.provider(name, password, ["addresses": ["127.0.0.1:\(ports[0])".json]])
    let probe = try await half.verify(Secret("wrong"), ref: nil)
    #expect(probe.state == .unknown && probe.code.contains("it tells of 127.0.0.1:\(ports[1])"), "\(probe)")
    let whole = try Self.provider(
      name, password, ["addresses": ["127.0.0.1:\(ports[0])".json, "localhost:\(ports[1])".json]])
    #expect(try await whole.verify(Secret("wrong"), ref: nil).state == .dead)
    let issued = try await whole.issue(marker: "m", generated: Secret("N3w"), under: .forTests())
    try await whole.disable(
      CredentialRef(name), leak: Leak(leaked), replacedBy: issued.ref, under: .forTests())
    #expect(try await whole.verify(leaked, ref: nil).state == .dead)
    // A node that has gone may still have the password.
    servers[1].stop()
    #expect(try await whole.verify(leaked, ref: nil).state == .unknown)
  }

  @Test func `a cluster that answers CLUSTER in another command's name is not believed`() async throws {
    let (port, bus) = (try SupervisedServer.freePort(), try SupervisedServer.freePort())
    let server = try RedisServer(
      settings: [
        "cluster-enabled yes", "cluster-port \(bus)", "rename-command CLUSTER \"\"",
        "rename-command ECHO CLUSTER",
      ], port: port)
    let (name, _) = try await server.makeUser()
    let probe = try await Self.provider(name, server.adminPassword, ["port": .integer(port)])
      .verify(Secret("wrong"), ref: nil)
    #expect(probe.state == .unknown && probe.code.contains("another command"), "\(probe)")
  }

  @Test func `a replica that only the Sentinels know of has to be named, too`() async throws {
    let port = try SupervisedServer.freePort()
    let server = try RedisServer(port: port)
    let (name, _) = try await server.makeUser()
    let sentinel = try RedisSentinel(
      master: port, password: server.adminPassword, replicas: [UnusedPort.number])
    func provider(_ more: [String: JSONValue]) throws -> any CredentialProvider {
      let own: [String: JSONValue] = [
        "port": .integer(port), "sentinels": ["127.0.0.1:\(sentinel.port)".json],
        "sentinel_master": "mymaster",
      ]
      return try Self.provider(
        name, server.adminPassword, own.merging(more) { _, new in new })
    }
    let probe = try await provider([:]).verify(Secret("wrong"), ref: nil)
    #expect(
      probe.state == .unknown && probe.code.contains("it tells of 127.0.0.1:\(UnusedPort.number)"), "\(probe)"
    )
    let unknown = try await provider(["sentinel_master": "other"]).verify(Secret("wrong"), ref: nil)
    #expect(unknown.state == .unknown && unknown.code.contains("Sentinel"), "\(unknown)")
    // One that cannot be asked may know more than the others.
    let away = try await provider([
      "sentinels": ["127.0.0.1:\(sentinel.port)".json, "127.0.0.1:\(UnusedPort.number)".json]
    ]).verify(Secret("wrong"), ref: nil)
    #expect(away.state == .unknown, "\(away)")
    try await sentinel.forgetReplicas()
    #expect(try await provider([:]).verify(Secret("wrong"), ref: nil).state == .dead)
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
