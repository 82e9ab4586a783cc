import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import Secrets
import TestSupport
import Testing

/// On a real RabbitMQ: what `playbooks/providers/rabbitmq.yaml` says of it.
@Suite struct RabbitMQTests {
  private let server: RabbitMQServer

  init() throws { server = try RabbitMQServer.shared() }

  /// The trap: to a user without a tag the management API answers 401, whether the password is right or wrong.
  @Test func `the right password of a user without a tag is alive, although the answer is 401`() async throws
  {
    let user = try await server.makeUser()
    let provider = try server.provider(of: user.name)
    let alive = try await provider.verify(user.password, ref: nil)
    #expect(alive == CredentialProbe(.alive, code: "401 Not management user"))
    let wrong = try await provider.verify(Secret("another"), ref: nil)
    #expect(wrong.state == .dead)
    #expect(wrong.code == "401 Login failed")
    #expect((wrong.evidence?.controls ?? 0) > 0, "the administrator is accepted between the refusals")
  }

  @Test func `a connection outlives its password and its lock, until it is closed and counted again`()
    async throws
  {
    let user = try await server.makeUser()
    let provider = try server.provider(of: user.name)
    let ref = CredentialRef(user.name)
    let connection = try server.connect(user.name, user.password)
    let issued = try await provider.issue(
      IssueOrder(marker: "it", generated: try provider.generate()), under: .forTests())
    #expect(try await provider.verify(user.password, ref: ref).state == .dead)
    #expect(try await connection.state() == "open", "the old password is dead, and its session works on")
    try await provider.disable(ref, leak: Leak(user.password), replacedBy: nil, under: .forTests())
    #expect(try await provider.verify(issued.secret, ref: ref).state == .dead)
    #expect(try await connection.state() == "open")
    let count = try await provider.endSessions(ref, before: Date(), under: .forTests())
    #expect(count.found == 1)
    #expect(
      try await connection.state() == "ended: (320, 'CONNECTION_FORCED - Closed via management plugin')")
    #expect(try await settled(provider, ref).left == 0)
  }

  /// The threat: a client that does not read keeps the server waiting, and its connection in the list.
  @Test func `a connection whose client does not listen is counted as left, and can do nothing`() async throws
  {
    let user = try await server.makeUser()
    let provider = try server.provider(of: user.name)
    let ref = CredentialRef(user.name)
    let connection = try server.connect(user.name, user.password, isDeaf: true)
    let count = try await provider.endSessions(ref, before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 0, left: 1))
    #expect(try await connection.state().hasPrefix("ended: "))
    #expect(try await settled(provider, ref).left == 0)
  }

  /// A PUT replaces the user: one without its tags would take rights away, or be refused.
  @Test func `a new password leaves the user's tags as they are`() async throws {
    let user = try await server.makeUser(tags: ["monitoring"])
    let provider = try server.provider(of: user.name)
    let issued = try await provider.issue(
      IssueOrder(marker: "it", generated: try provider.generate()), under: .forTests())
    #expect(try await provider.verify(issued.secret, ref: nil).code == "200")
    let ref = CredentialRef(user.name)
    #expect(try await provider.inspect(ref).facts["tags"] == ["monitoring"])
    try await provider.disable(ref, leak: Leak(user.password), replacedBy: nil, under: .forTests())
    #expect(try await provider.inspect(ref).facts["tags"] == ["monitoring"])
    #expect(try await provider.verify(Secret(""), ref: nil).state == .dead, "no password is no login")
  }

  @Test func `doctor names a runner that is no administrator`() async throws {
    let user = try await server.makeUser()
    let monitor = try await server.makeUser(tags: ["monitoring"])
    let ready = await (try server.provider(of: user.name)).readiness()
    #expect(ready.first?.what == "the tag administrator")
    if case .ready? = ready.first?.verdict {} else { Issue.record("\(ready)") }
    let poor = await (try server.provider(of: user.name, as: monitor)).readiness()
    if case .missing? = poor.first?.verdict {} else { Issue.record("\(poor)") }
  }

  /// The threat: the holder has made the leaked password the runner's own.
  @Test func `the administrator's own password is not stopped by itself`() async throws {
    let provider = try server.provider(of: server.admin)
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.identify(Leak(server.adminPassword))
    }
    #expect(error?.class == .unsafe)
  }

  /// A closed connection leaves the server's list a moment later. - Returns: the last count.
  private func settled(_ provider: any CredentialProvider, _ ref: CredentialRef) async throws -> SessionCount
  {
    var count = try await provider.endSessions(ref, before: Date(), under: .forTests())
    for _ in 0..<100 where count.left > 0 {
      count = try await provider.endSessions(ref, before: Date(), under: .forTests())
    }
    return count
  }
}

@Suite struct RabbitMQContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(RabbitMQFixture.self)
  }
}

private struct RabbitMQFixture: ContractFixture {
  static let against = "a real server"
  let provider: any CredentialProvider
  let leak: Leak

  static func make() async throws -> Self {
    let server = try RabbitMQServer.shared()
    let user = try await server.makeUser()
    return Self(
      provider: try server.provider(of: user.name), leak: Leak(user.password, handle: user.name))
  }
}

extension RabbitMQServer {
  /// - Parameter runner: another one than the administrator.
  fileprivate func provider(of user: String, as runner: (name: String, password: Secret)? = nil) throws
    -> any CredentialProvider
  {
    try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "queue", kind: "rabbitmq",
        settings: [
          "base_url": .string(url), "username": .string(user), "admin": .string(runner?.name ?? admin),
          "admin_password": "env:ADMIN",
        ], position: "staunch.yaml:1:1"),
      in: .forTests(http: CurlTransport(), secrets: ["env:ADMIN": runner?.password ?? adminPassword]))
  }
}
