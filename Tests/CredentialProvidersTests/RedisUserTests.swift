import Capabilities
import CredentialProviders
import Foundation
import Incidents
import JSON
import RedisClient
import Secrets
import TestSupport
import Testing

/// On a real Redis server.
@Suite struct RedisUserTests {
  private let server: RedisServer

  init() throws { server = try RedisServer.shared() }

  static func provider(
    _ server: RedisServer, user: String, _ more: [String: JSONValue] = [:], admin: Secret? = nil
  )
    throws -> RedisUser
  {
    let settings: [String: JSONValue] = [
      "socket": .string(server.socket), "user": .string(user), "admin_user": "admin",
      "admin_password": "env:A",
    ]
    return try RedisUser(
      TargetConfiguration(
        name: "cache", kind: "redis", settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(
        redis: RESPConnector(), secrets: ["env:A": admin ?? server.adminPassword]))
  }

  @Test func `both passwords live until the leaked one is taken away, and its connections with it`()
    async throws
  {
    let (name, leaked) = try await server.makeUser()
    let provider = try Self.provider(server, user: name)
    let ref = try await provider.identify(leaked)
    let issued = try await provider.issue(marker: "m", generated: try provider.generate(), under: .forTests())
    #expect(try await provider.verify(leaked, ref: ref).state == .alive)
    #expect(try await provider.verify(issued.secret, ref: issued.ref).state == .alive)
    let connection = try server.openConnection(name, leaked)
    try #require(connection.announcement == "OK")
    try await provider.disable(ref, leaked: leaked, replacedBy: issued.ref, under: .forTests())
    #expect(try await provider.verify(leaked, ref: ref) == CredentialProbe(.dead, code: "WRONGPASS"))
    // The trap: the connection lives on.
    #expect(try await provider.inspect(ref).facts["sessions"] == 1)
    let count = try await provider.endSessions(ref, before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 1, left: 0))
    #expect(try await provider.inspect(ref).facts["sessions"] == 0)
    connection.stop()
  }

  @Test func `the new password can be taken back by its ref`() async throws {
    let (name, leaked) = try await server.makeUser()
    let provider = try Self.provider(server, user: name)
    let issued = try await provider.issue(marker: "m", generated: try provider.generate(), under: .forTests())
    for _ in 0..<2 { try await provider.delete(issued.ref, under: .forTests()) }
    #expect(try await provider.verify(issued.secret, ref: nil).state == .dead)
    #expect(try await provider.verify(leaked, ref: nil).state == .alive)
    await #expect(throws: CapabilityError.self) {
      try await provider.delete(CredentialRef(name), under: .forTests())
    }
  }

  @Test func `a user that is not there is never made`() async throws {
    let provider = try Self.provider(server, user: "no-such-user")
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.issue(marker: "m", generated: Secret("x"), under: .forTests())
    }
    #expect(error?.class == .notFound)
    #expect(try await !server.run("ACL USERS").contains("no-such-user"))
  }

  @Test func `a user that takes any password is refused`() async throws {
    let (name, leaked) = try await server.makeUser("nopass ~* +@all")
    let error = await #expect(throws: CapabilityError.self) {
      try await Self.provider(server, user: name).disable(
        CredentialRef(name), leaked: leaked, replacedBy: nil, under: .forTests())
    }
    #expect(error?.class == .unsafe)
  }

  @Test func `a further password of the user is told, because its holder may have added it`() async throws {
    let (name, _) = try await server.makeUser()
    let provider = try Self.provider(server, user: name)
    func isTold() async throws -> Bool {
      try await provider.searchAbuse(CredentialRef(name), since: nil).findings
        .contains { $0.hasPrefix("2 passwords of \(name)") }
    }
    #expect(try await !isTold())
    try await server.run("ACL SETUSER \(name) >of-the-attacker")
    #expect(try await isTold())
  }

  @Test func `neither a wrong admin password nor a server that is away makes anything dead`() async throws {
    let (name, _) = try await server.makeUser()
    let provider = try Self.provider(server, user: name, admin: Secret("wrong"))
    #expect(try await provider.verify(Secret("x"), ref: nil).state == .unknown)
    let error = await #expect(throws: CapabilityError.self) { try await provider.existing() }
    #expect(error?.class == .refused)
    let away = try Self.provider(server, user: name, ["socket": "/nonexistent/socket"])
    #expect(try await away.verify(Secret("x"), ref: nil).state == .unknown)
  }

  @Test func `the change outlives a restart: it is in the ACL file`() async throws {
    let server = try RedisServer()  // of its own: loading the file forgets users that other tests have made
    let (name, leaked) = try await server.makeUser()
    let provider = try Self.provider(server, user: name)
    let issued = try await provider.issue(marker: "m", generated: try provider.generate(), under: .forTests())
    try await provider.disable(
      CredentialRef(name), leaked: leaked, replacedBy: issued.ref, under: .forTests())
    try await server.run("ACL LOAD")
    #expect(try await provider.verify(issued.secret, ref: nil).state == .alive)
    #expect(try await provider.verify(leaked, ref: nil).state == .dead)
  }

  /// Its line in the configuration file stays, and would set the leaked password again.
  @Test func `what a server calls requirepass is the password of default, and stays dead over a restart`()
    async throws
  {
    let leaked = Secret("Leaked" + UUID().uuidString)
    let server = try RedisServer(
      settings: ["requirepass \(leaked.exposeAsText())"], keepsUsersInConfiguration: true)
    let provider = try Self.provider(server, user: "default")
    let ref = try await provider.identify(leaked)
    let issued = try await provider.issue(marker: "m", generated: try provider.generate(), under: .forTests())
    try await provider.disable(ref, leaked: leaked, replacedBy: issued.ref, under: .forTests())
    let lines = try server.configuration()
    #expect(lines.contains { $0.hasPrefix("requirepass") })
    server.stop()
    let again = try RedisServer(
      settings: lines, keepsUsersInConfiguration: true, adminPassword: server.adminPassword)
    let later = try Self.provider(again, user: "default", admin: server.adminPassword)
    #expect(try await later.verify(leaked, ref: ref).state == .dead)
    #expect(try await later.verify(issued.secret, ref: issued.ref).state == .alive)
  }

  /// It has left the road on which commands are answered one by one.
  @Test(arguments: ["MONITOR", "SUBSCRIBE news"])
  func `a connection that listens is found and ended like every other one`(command: String) async throws {
    let (name, leaked) = try await server.makeUser("~* &* +@all")
    let provider = try Self.provider(server, user: name)
    let connection = try server.openConnection(name, leaked, command)
    try #require(connection.announcement == "OK")
    let count = try await provider.endSessions(CredentialRef(name), before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 1, left: 0))
    connection.stop()
  }

  @Test func `a reply that was lost leaves the outcome open, and the value is found by trying it`()
    async throws
  {
    let (name, _) = try await server.makeUser()
    let provider = try RedisUser(
      TargetConfiguration(
        name: "cache", kind: "redis",
        settings: [
          "socket": .string(server.socket), "user": .string(name), "admin_user": "admin",
          "admin_password": "env:A",
        ], position: "staunch.yaml:1:1"),
      in: .forTests(
        redis: LosesReplies(), secrets: ["env:A": server.adminPassword]))
    let value = try #require(try provider.generate())
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.issue(marker: "m", generated: value, under: .forTests())
    }
    #expect(error?.class == .unknownOutcome)
    #expect(try await provider.verify(value, ref: nil).state == .alive)
    // The ref is the one that issuing would have given: the new value can be taken back, and only it.
    let ref = try await provider.ref(ofIssued: value)
    #expect(ref.rawValue.hasPrefix(name + "/"))
  }

  @Test func `a user that is not there is no dead password`() async throws {
    let probe = try await Self.provider(server, user: "no-such-user").verify(Secret("x"), ref: nil)
    #expect(probe.state == .unknown, "\(probe)")
  }

  @Test func `the runner's own login is asked between refusals`() async throws {
    let (name, _) = try await server.makeUser()
    let probe = try await Self.provider(server, user: name).verify(Secret("not-its-password"), ref: nil)
    #expect(probe.state == .dead)
    #expect(probe.evidence == ProbeEvidence(refusals: 4, controls: 5))
  }
}

/// Carries out what changes something, and loses what was answered.
private struct LosesReplies: RedisConnector {
  private let real = RESPConnector()
  func connect(_ login: RedisLogin) async throws(CapabilityError) -> any RedisSession {
    Session(real: try await real.connect(login))
  }
  func tryLogin(_ login: RedisLogin) async -> LoginOutcome { await real.tryLogin(login) }
  func addresses(of host: String) async throws(CapabilityError) -> [String] { [] }

  private struct Session: RedisSession {
    let real: any RedisSession
    func ask(_ questions: [RedisQuestion]) async throws(CapabilityError) -> [RedisReply] {
      try await real.ask(questions)
    }
    func change(_ commands: [[String]], under authority: borrowing ExecutionAuthority)
      async throws(CapabilityError) -> [RedisReply]
    {
      _ = try await real.change(commands, under: authority)
      throw CapabilityError(.unknownOutcome, "test", because: "the answer is lost")
    }
    func close() async { await real.close() }
  }
}

@Suite struct RedisUserContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(RedisUserFixture.self)
  }
  @Test func `docs CONTRACT md says what is checked`() async throws {
    try await ContractTable.check(RedisUserFixture.self)
  }
}

private struct RedisUserFixture: ContractFixture {
  static let against = "a real server"
  let provider: any CredentialProvider
  let leak: Leak

  static func make() async throws -> Self {
    let server = try RedisServer.shared()
    let user = try await server.makeUser()
    let target = TargetConfiguration(
      name: "it", kind: RedisUser.kind,
      settings: [
        "socket": .string(server.socket), "user": .string(user.name), "admin_user": "admin",
        "admin_password": "env:A",
      ], position: "staunch.yaml:1:1")
    return Self(
      provider: try CredentialProviderRegistry.make(
        target,
        in: .forTests(
          redis: RESPConnector(), secrets: ["env:A": server.adminPassword])),
      leak: Leak(user.password))
  }
}
