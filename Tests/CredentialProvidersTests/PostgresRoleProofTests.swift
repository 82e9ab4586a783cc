import Capabilities
import CredentialProviders
import Foundation
import Incidents
import JSON
import PostgresClient
import Secrets
import TestSupport
import Testing

/// What fooled "dead" on real servers.
@Suite struct PostgresRoleProofTests {
  private func provider(
    _ server: PostgresServer, role: String, _ rotator: SQLLogin, _ more: [String: JSONValue] = [:]
  ) throws -> PostgresRole {
    var settings: [String: JSONValue] = [
      "host": .string(server.host), "port": .integer(server.port), "database": .string(server.database),
      "role": .string(role), "admin_user": .string(rotator.user), "admin_password": "env:A",
    ]
    settings.merge(more) { _, new in new }
    return try PostgresRole(
      TargetConfiguration(name: "it", kind: "postgres", settings: settings, position: "s:1:1"),
      in: .forTests(postgres: PostgresConnector(), secrets: ["env:A": try #require(rotator.password)]))
  }

  @Test(arguments: [
    "ldap ldapserver=127.0.0.1 ldapport=9 ldapprefix=x ldapsuffix=y",
    #"radius radiusservers="127.0.0.1" radiussecrets="s" radiusports="9""#,
    "pam pamservice=staunch-no-such-service",
  ])
  func `pg_hba set to ldap, radius or pam with that server down is no death`(method: String) async throws {
    let server = try PostgresServer()
    defer { server.stop() }
    let role = try await server.makeRole()
    let rotator = try await server.makeRole("LOGIN CREATEROLE")
    let provider = try provider(server, role: role.user, rotator)
    let leaked = try #require(role.password)
    #expect(try await provider.verify(leaked, ref: nil).state == .alive)
    try await server.addHostRule("host all \(role.user) 127.0.0.1/32 \(method)")
    let probe = try await provider.verify(leaked, ref: nil)
    #expect(probe.state == .unknown, "\(probe)")
    let error = await #expect(throws: CapabilityError.self) { try await provider.identify(leaked) }
    #expect(error?.class == .network)
  }

  @Test func `a rule that refuses the runner's address is no death`() async throws {
    let server = try PostgresServer()
    defer { server.stop() }
    let role = try await server.makeRole()
    let rotator = try await server.makeRole("LOGIN CREATEROLE")
    try await server.addHostRule("host all \(role.user) 127.0.0.1/32 reject")
    let probe = try await provider(server, role: role.user, rotator).verify(
      try #require(role.password), ref: nil)
    #expect(probe.state == .unknown, "\(probe)")
  }

  @Test func `a role that was renamed, or is a typo in the entry, is no death`() async throws {
    let server = try PostgresServer.shared()
    let role = try await server.makeRole()
    let rotator = try await server.makeRole("LOGIN CREATEROLE")
    let provider = try provider(server, role: role.user, rotator)
    try await server.sql("ALTER ROLE \(role.user) RENAME TO \(role.user)_renamed")
    let probe = try await provider.verify(try #require(role.password), ref: nil)
    #expect(probe.state == .unknown, "\(probe)")
    #expect(probe.code.contains("no such role"))
  }

  /// Two servers with the same role; only the first has the new password.
  private func pair() async throws -> (new: PostgresServer, old: PostgresServer, SQLLogin, SQLLogin) {
    let (new, old) = (try PostgresServer(), try PostgresServer())
    let role = try await new.makeRole()
    let rotator = try await new.makeRole("LOGIN CREATEROLE IN ROLE pg_signal_backend")
    for login in [role, rotator] {
      let password = try #require(login.password).exposeAsText()
      try await old.sql("CREATE ROLE \(login.user) LOGIN PASSWORD '\(password)'", isLogged: false)
    }
    try await new.sql("ALTER ROLE \(role.user) PASSWORD 'An0ther'", isLogged: false)
    return (new, old, role, rotator)
  }

  @Test func `two servers behind a balancer, of which one accepts, are never called dead`() async throws {
    let (new, old, role, rotator) = try await pair()
    defer {
      new.stop()
      old.stop()
    }
    let leaked = try #require(role.password)
    // In turn, by chance, and with long rows of refusals before the one that accepts.
    var random = SystemRandomNumberGenerator()
    let dice = (0..<4096).map { _ in Int.random(in: 0...1, using: &random) }
    let choices: [(String, @Sendable (Int) -> Int)] = [
      ("in turn", { $0 % 2 }), ("in turn, the other first", { ($0 + 1) % 2 }), ("by chance", { dice[$0] }),
      ("one in five", { $0 % 5 == 4 ? 1 : 0 }),
    ]
    for (name, choose) in choices {
      let balancer = try TCPBalancer([new.port, old.port], choose: choose)
      let provider = try provider(new, role: role.user, rotator, ["port": .integer(balancer.port)])
      for _ in 0..<3 {
        let probe = try await provider.verify(leaked, ref: nil)
        #expect(probe.state == .alive, "\(name): \(probe)")
      }
      withExtendedLifetime(balancer) {}
    }
  }

  @Test func `connections stuck to one of two servers: every named address is asked`() async throws {
    let (new, old, role, rotator) = try await pair()
    defer {
      new.stop()
      old.stop()
    }
    let leaked = try #require(role.password)
    let stuck = try TCPBalancer([new.port, old.port]) { _ in 0 }
    let addresses: JSONValue = ["127.0.0.1:\(new.port)".json, "127.0.0.1:\(old.port)".json]
    let provider = try provider(
      new, role: role.user, rotator, ["port": .integer(stuck.port), "addresses": addresses])
    let probe = try await provider.verify(leaked, ref: nil)
    #expect(probe.state == .alive, "\(probe)")
    #expect(probe.code.contains("127.0.0.1:\(old.port)"))
    try await old.sql("ALTER ROLE \(role.user) PASSWORD 'An0ther'", isLogged: false)
    let dead = try await provider.verify(leaked, ref: nil)
    #expect(dead.state == .dead)
    #expect(dead.evidence?.addresses == ["127.0.0.1:\(new.port)", "127.0.0.1:\(old.port)"])
    withExtendedLifetime(stuck) {}
    #expect(dead.evidence.map { $0.refusals >= 12 && $0.controls > $0.refusals } == true)
  }

  @Test func `a server that is away makes the verdict unknown, whatever the other says`() async throws {
    let (new, old, role, rotator) = try await pair()
    defer { new.stop() }
    let addresses: JSONValue = ["127.0.0.1:\(new.port)".json, "127.0.0.1:\(old.port)".json]
    let provider = try provider(new, role: role.user, rotator, ["addresses": addresses])
    old.stop()
    #expect(try await provider.verify(try #require(role.password), ref: nil).state == .unknown)
  }

  @Test func `sessions are ended at every named server`() async throws {
    let (new, old, role, rotator) = try await pair()
    defer {
      new.stop()
      old.stop()
    }
    try await old.sql("GRANT pg_signal_backend TO \(rotator.user)")
    let session = try await PostgresConnector().connect(old.login(role.user, role.password))
    let addresses: JSONValue = ["127.0.0.1:\(new.port)".json, "127.0.0.1:\(old.port)".json]
    let provider = try provider(new, role: role.user, rotator, ["addresses": addresses])
    let count = try await provider.endSessions(CredentialRef(role.user), before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 1, left: 0))
    await #expect(throws: CapabilityError.self) { try await session.query("SELECT 1", []) }
  }

  @Test func `somebody else's new password is told from a role that was locked`() async throws {
    let server = try PostgresServer.shared()
    let role = try await server.makeRole()
    let rotator = try await server.makeRole("LOGIN CREATEROLE")
    let provider = try provider(server, role: role.user, rotator)
    let leaked = try #require(role.password)
    try await server.sql("ALTER ROLE \(role.user) NOLOGIN")
    #expect(try await provider.verify(leaked, ref: nil).isReplaced == false)
    try await server.sql("ALTER ROLE \(role.user) LOGIN PASSWORD 'Th3irs'", isLogged: false)
    #expect(try await provider.verify(leaked, ref: nil).isReplaced)
  }
}

extension String { fileprivate var json: JSONValue { .string(self) } }
