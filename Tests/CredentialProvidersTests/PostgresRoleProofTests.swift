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
    // Superusers see how the password is stored, at either server.
    let rotator = try await new.makeRole("LOGIN SUPERUSER")
    for (login, rights) in [(role, ""), (rotator, "SUPERUSER")] {
      let password = try #require(login.password).exposeAsText()
      try await old.sql("CREATE ROLE \(login.user) LOGIN \(rights) PASSWORD '\(password)'", isLogged: false)
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
    let session = try await PostgresConnector().connect(old.login(role.user, role.password))
    let addresses: JSONValue = ["127.0.0.1:\(new.port)".json, "127.0.0.1:\(old.port)".json]
    let provider = try provider(new, role: role.user, rotator, ["addresses": addresses])
    let count = try await provider.endSessions(CredentialRef(role.user), before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 1, left: 0))
    await #expect(throws: CapabilityError.self) { try await session.query("SELECT 1", []) }
  }

  @Test func `behind a balancer the sessions of one server are not all sessions`() async throws {
    let (new, old, role, rotator) = try await pair()
    defer {
      new.stop()
      old.stop()
    }
    let session = try await PostgresConnector().connect(old.login(role.user, role.password))
    let balancer = try TCPBalancer([new.port, old.port]) { $0 % 2 }
    let provider = try provider(new, role: role.user, rotator, ["port": .integer(balancer.port)])
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.endSessions(CredentialRef(role.user), before: Date(), under: .forTests())
    }
    #expect(error?.class == .configuration)
    #expect(error?.fix?.contains("addresses") == true)
    #expect(try await session.query("SELECT 1", []) == [["1"]])  // nothing was done
    withExtendedLifetime(balancer) {}
    await session.close()
  }

  /// On a server of its own: a dropped role's session of another test would be found here.
  @Test func `the sessions of a role that was renamed are not "none"`() async throws {
    let server = try PostgresServer(rules: [])
    defer { server.stop() }
    let role = try await server.makeRole()
    let rotator = try await server.makeRole("LOGIN SUPERUSER")
    let living = try await PostgresConnector().connect(role)
    // What is left of another one is no session of this one.
    let dropped = try await server.makeRole()
    let orphan = try await PostgresConnector().connect(dropped)
    try await server.sql("DROP ROLE \(dropped.user)")
    try await server.sql("ALTER ROLE \(role.user) RENAME TO \(role.user)_renamed")
    let provider = try provider(server, role: role.user, rotator)
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.endSessions(CredentialRef(role.user), before: Date(), under: .forTests())
    }
    #expect(error?.class == .notFound)
    #expect(error?.because.contains("of 1 sessions of dropped roles 1 were ended") == true)
    #expect(try await living.query("SELECT 1", []) == [["1"]])
    await #expect(throws: CapabilityError.self) { try await orphan.query("SELECT 1", []) }
    await living.close()
  }

  @Test func `somebody else's new password is told from a role that was locked`() async throws {
    let server = try PostgresServer.shared()
    let role = try await server.makeRole()
    let rotator = try await server.makeRole("LOGIN SUPERUSER")
    let provider = try provider(server, role: role.user, rotator)
    let leaked = try #require(role.password)
    try await server.sql("ALTER ROLE \(role.user) NOLOGIN")
    #expect(try await provider.verify(leaked, ref: nil).isReplaced == false)
    try await server.sql("ALTER ROLE \(role.user) LOGIN PASSWORD 'Th3irs'", isLogged: false)
    let knowing = provider.knowing { [Secret("Th3irs")] }
    let known = try await knowing.verify(leaked, ref: nil)
    #expect(known.isReplaced && !known.isForeign)
  }

  @Test func `a password that no store holds may be that of whoever holds the leaked one`() async throws {
    let server = try PostgresServer.shared()
    let role = try await server.makeRole()
    let rotator = try await server.makeRole("LOGIN SUPERUSER")
    let leaked = try #require(role.password)
    // A role may change its own password.
    let attacker = try await PostgresConnector().connect(role)
    _ = try await attacker.execute("ALTER ROLE \(role.user) PASSWORD 'Att4ckers'", [], under: .forTests())
    let provider = try provider(server, role: role.user, rotator).knowing { [leaked, Secret("an-old-one")] }
    let probe = try await provider.verify(leaked, ref: nil)
    #expect(probe.state == .dead && probe.isForeign && !probe.isReplaced, "\(probe)")
    #expect(probe.code == "28P01: the password that it has now is not known here")
    // Stopped by its name, it can be given a new one.
    try await provider.disable(
      CredentialRef(role.user), leak: Leak(handle: role.user, values: []), replacedBy: nil, under: .forTests()
    )
    #expect(try await provider.verify(leaked, ref: nil).isForeign == false)
    await attacker.close()
  }

  // MARK: Whether the server compared anything

  /// A server on which the role's password is stored as MD5: a line for `training` compares SCRAM verifiers, and others
  /// come after it.
  private func md5(_ more: [String] = [], rights: String = "CREATEROLE") async throws -> (
    PostgresServer, SQLLogin, rotator: SQLLogin
  ) {
    let server = try PostgresServer(
      rules: ["host training md5role 127.0.0.1/32 scram-sha-256"]
        + more.map { "host \($0) md5role 127.0.0.1/32 md5" })
    let password = "Pw" + UUID().uuidString
    try await server.sql(
      "SET password_encryption = 'md5'; CREATE ROLE md5role LOGIN PASSWORD '\(password)'", isLogged: false)
    return (
      server, server.login("md5role", Secret(password)), rotator: try await server.makeRole("LOGIN \(rights)")
    )
  }

  @Test(arguments: [
    (["postgres"], "CREATEROLE"), ([] as [String], "CREATEROLE"), ([] as [String], "SUPERUSER"),
  ])
  func `a password stored as MD5 is not dead because a line of pg_hba compares SCRAM verifiers`(
    lines: [String], rights: String
  ) async throws {
    let (server, role, rotator) = try await md5(lines, rights: rights)
    defer { server.stop() }
    let provider = try provider(server, role: role.user, rotator)
    let leaked = try #require(role.password)
    let probe = try await provider.verify(leaked, ref: nil)
    #expect(probe.state == .unknown && !probe.isReplaced, "\(probe)")
    // Known to be stored as MD5, it is not called a stranger's either.
    if rights == "SUPERUSER" {
      #expect(probe.code.contains("stored as MD5"))
      let error = await #expect(throws: CapabilityError.self) { try await provider.identify(leaked) }
      #expect(error?.class == .network)
    }
    // Set anew by the runner it is a SCRAM verifier, and the old one is compared with it and refused everywhere.
    let value = try #require(try provider.generate())
    _ = try await provider.issue(marker: "m", generated: value, under: .forTests())
    let dead = try await provider.verify(leaked, ref: nil)
    #expect(dead == CredentialProbe(.dead, code: "28P01", isReplaced: true), "\(dead)")
  }

  @Test func `the store's value, where it is accepted, shows that another one was compared`() async throws {
    let server = try PostgresServer.shared()
    let role = try await server.makeRole()
    let rotator = try await server.makeRole("LOGIN CREATEROLE")
    let leaked = try #require(role.password)
    let alone = try provider(server, role: role.user, rotator)
    try await server.sql("ALTER ROLE \(role.user) PASSWORD 'Th3irs'", isLogged: false)
    let unseen = try await alone.verify(leaked, ref: nil)
    #expect(unseen.state == .unknown && unseen.code.contains("GRANT SELECT"), "\(unseen)")
    #expect(try await alone.knowing { [Secret("Wr0ng")] }.verify(leaked, ref: nil).state == .unknown)
    let knowing = alone.knowing { [Secret("Th3irs")] }
    #expect(
      try await knowing.verify(leaked, ref: nil) == CredentialProbe(.dead, code: "28P01", isReplaced: true))
    // What is granted to look is enough, too.
    _ = try await Program.run(
      [
        "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", server.directory, "-p", "\(server.port)", "-U",
        "postgres", "-d", "postgres", "-c",
        "GRANT SELECT (rolname, rolpassword) ON pg_catalog.pg_authid TO \(rotator.user)",
      ], in: "/", environment: [:])
    #expect(try await alone.verify(leaked, ref: nil).state == .dead)
  }

  @Test func `a role past VALID UNTIL is not dead: no password is compared, and each comes back`()
    async throws
  {
    let server = try PostgresServer.shared()
    let role = try await server.makeRole("LOGIN VALID UNTIL '2001-01-01'")
    let rotator = try await server.makeRole("LOGIN SUPERUSER")
    let probe = try await provider(server, role: role.user, rotator).verify(
      try #require(role.password), ref: nil)
    #expect(probe.state == .unknown && probe.code.contains("VALID UNTIL"), "\(probe)")
  }

  @Test func `a role without a password is dead, and not replaced`() async throws {
    let server = try PostgresServer.shared()
    let role = try await server.makeRole()
    let rotator = try await server.makeRole("LOGIN SUPERUSER")
    try await server.sql("ALTER ROLE \(role.user) PASSWORD NULL")
    let probe = try await provider(server, role: role.user, rotator).verify(
      try #require(role.password), ref: nil)
    #expect(probe.state == .dead && !probe.isReplaced, "\(probe)")
  }

  @Test(arguments: ["database", "connect", "limit"])
  func `what is refused behind the password is a password that works`(what: String) async throws {
    let server = try PostgresServer.shared()
    let role = try await server.makeRole(what == "limit" ? "LOGIN CONNECTION LIMIT 0" : "LOGIN")
    let rotator = try await server.makeRole("LOGIN CREATEROLE")
    var database = "nowhere"
    if what == "connect" {
      database = "closed_" + role.user
      try await server.sql("CREATE DATABASE \(database)")
      try await server.sql("REVOKE CONNECT ON DATABASE \(database) FROM PUBLIC")
    }
    let more: [String: JSONValue] = what == "limit" ? [:] : ["database": .string(database)]
    let provider = try provider(server, role: role.user, rotator, more)
    let probe = try await provider.verify(try #require(role.password), ref: nil)
    #expect(probe.state == .alive, "\(probe)")
    #expect(try await provider.identify(try #require(role.password)) == CredentialRef(role.user))
    #expect(try await provider.verify(Secret("wrong"), ref: nil).state == .unknown)
  }

  @Test func `another database that accepts it, or asks somebody else, is no death`() async throws {
    let server = try PostgresServer(rules: [
      "host training other 127.0.0.1/32 reject", "host training third 127.0.0.1/32 scram-sha-256",
      "host postgres third 127.0.0.1/32 ldap ldapserver=127.0.0.1 ldapport=9 ldapprefix=x ldapsuffix=y",
      "host all fourth 192.0.2.0/24 pam pamservice=nobody",
    ])
    defer { server.stop() }
    let rotator = try await server.makeRole("LOGIN SUPERUSER")
    for name in ["other", "third", "fourth"] {
      try await server.sql("CREATE ROLE \(name) LOGIN PASSWORD 'N3w'", isLogged: false)
    }
    let accepted = try await provider(server, role: "other", rotator).verify(Secret("N3w"), ref: nil)
    #expect(accepted.state == .alive && accepted.code.contains("postgres"), "\(accepted)")
    let judged = try await provider(server, role: "third", rotator).verify(Secret("0ld"), ref: nil)
    #expect(judged.state == .unknown && judged.code.contains("postgres"), "\(judged)")
    // From another network only: the lines of pg_hba.conf say it.
    let far = try await provider(server, role: "fourth", rotator).verify(Secret("0ld"), ref: nil)
    #expect(far.state == .unknown && far.code.contains("pam"), "\(far)")
  }
}

extension String { fileprivate var json: JSONValue { .string(self) } }
