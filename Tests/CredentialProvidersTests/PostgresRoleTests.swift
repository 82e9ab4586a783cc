import Capabilities
import CredentialProviders
import Foundation
import Incidents
import JSON
import PostgresClient
import Secrets
import TestSupport
import Testing

/// The rotation of a role's password on a real server, with a rotator that has just the documented rights.
@Suite struct PostgresRoleTests {
  private let server: PostgresServer
  private let connector = PostgresConnector()

  init() throws { server = try PostgresServer.shared() }

  private struct Case {
    let provider: PostgresRole
    let role: SQLLogin
    let leaked: Secret
    let ref: CredentialRef
  }

  /// A role and a rotator. `rights` is what the rotator is granted besides CREATEROLE.
  private func makeCase(
    rights: [String] = ["pg_signal_backend", "pg_read_all_stats"], role options: String = "LOGIN",
    settings: [String: JSONValue] = [:]
  ) async throws -> Case {
    let role = try await server.makeRole(options)
    let rotator = try await server.makeRole("LOGIN CREATEROLE")
    for right in rights { try await server.sql("GRANT \(right) TO \(rotator.user)") }
    let provider = try provider(role: role.user, rotator: rotator, settings)
    return Case(
      provider: provider, role: role, leaked: try #require(role.password), ref: CredentialRef(role.user))
  }

  private func provider(role: String, rotator: SQLLogin, _ settings: [String: JSONValue] = [:]) throws
    -> PostgresRole
  {
    var all: [String: JSONValue] = [
      "host": .string(server.host), "port": .integer(server.port), "database": .string(server.database),
      "role": .string(role), "admin_user": .string(rotator.user), "admin_password": "env:ROTATOR",
    ]
    all.merge(settings) { _, new in new }
    return try PostgresRole(
      TargetConfiguration(name: "db", kind: "postgres", settings: all, position: "staunch.yaml:1:1"),
      in: .forTests(postgres: connector, secrets: ["env:ROTATOR": try #require(rotator.password)]))
  }

  private func rotate(_ it: Case) async throws -> IssuedCredential {
    let value = try #require(try it.provider.generate())
    return try await it.provider.issue(marker: "staunch-1", generated: value, under: .forTests())
  }

  @Test func `the whole rotation: replaced, old one dead, sessions ended, new one alive`() async throws {
    let it = try await makeCase()
    #expect(try await it.provider.identify(it.leaked) == it.ref)
    #expect(try await it.provider.verify(it.leaked, ref: it.ref).state == .alive)
    let old = try await connector.connect(it.role)

    let issued = try await rotate(it)
    #expect(issued.ref == it.ref)
    try await it.provider.disable(it.ref, leaked: it.leaked, replacedBy: issued.ref, under: .forTests())
    #expect(
      try await it.provider.verify(it.leaked, ref: it.ref)
        == CredentialProbe(.dead, code: "28P01", isReplaced: true))
    #expect(try await it.provider.verify(issued.secret, ref: issued.ref).state == .alive)

    // The trap: the old session still works until it is ended.
    #expect(try await old.query("SELECT 1", []) == [["1"]])
    let new = try await connector.connect(server.login(it.role.user, issued.secret))
    let count = try await it.provider.endSessions(it.ref, before: Date(), under: .forTests())
    #expect(count.found == count.ended)
    #expect(count.ended >= 1)
    #expect(count.left == 0)
    await #expect(throws: CapabilityError.self) { try await old.query("SELECT 1", []) }
    _ = new
  }

  @Test func `no plaintext reaches the server's log, whatever it logs`() async throws {
    let it = try await makeCase()
    let issued = try await rotate(it)
    _ = try await it.provider.verify(issued.secret, ref: nil)
    _ = try await it.provider.verify(it.leaked, ref: nil)
    let log = try server.log()
    #expect(log.contains("ALTER ROLE \"\(it.role.user)\" PASSWORD 'SCRAM-SHA-256$"))
    let redactor = Redactor()
    redactor.register(issued.secret)
    redactor.register(it.leaked)
    let isFound = redactor.finds(in: Array(log.utf8))
    #expect(!isFound)
  }

  @Test func `disabling a role that has its new password is only a proof, never NOLOGIN`() async throws {
    let it = try await makeCase()
    let issued = try await rotate(it)
    for replacedBy in [issued.ref, nil] {
      try await it.provider.disable(it.ref, leaked: it.leaked, replacedBy: replacedBy, under: .forTests())
    }
    #expect(try await server.sql("SELECT rolcanlogin FROM pg_roles WHERE rolname = '\(it.ref)'") == "t")
    #expect(try await it.provider.verify(issued.secret, ref: issued.ref).state == .alive)
  }

  @Test func `a role that claims to be replaced but accepts the leaked password is a conflict`() async throws
  {
    let it = try await makeCase()
    let error = await #expect(throws: CapabilityError.self) {
      try await it.provider.disable(it.ref, leaked: it.leaked, replacedBy: it.ref, under: .forTests())
    }
    #expect(error?.class == .conflict)
  }

  @Test func `contained first, the role cannot log in, and its replacement can`() async throws {
    let it = try await makeCase()
    try await it.provider.disable(it.ref, leaked: it.leaked, replacedBy: nil, under: .forTests())
    #expect(try await it.provider.verify(it.leaked, ref: nil) == CredentialProbe(.dead, code: "28000"))
    #expect(try await it.provider.identify(it.leaked) == it.ref)  // still told apart from a stranger's
    let issued = try await rotate(it)
    #expect(try await it.provider.verify(issued.secret, ref: nil).state == .alive)
    #expect(
      try await it.provider.verify(it.leaked, ref: nil)
        == CredentialProbe(.dead, code: "28P01", isReplaced: true))
  }

  @Test func `sessions opened with the new password are spared`() async throws {
    let it = try await makeCase()
    let old = try await connector.connect(it.role)
    let issued = try await rotate(it)
    let moment = Date()
    // The server\'s clock moves on, past the margin of one exchange.
    try await server.sql("SELECT pg_sleep(0.2)")
    let new = try await connector.connect(server.login(it.role.user, issued.secret))
    let count = try await it.provider.endSessions(it.ref, before: moment, under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 1, left: 0))
    #expect(try await new.query("SELECT 1", []) == [["1"]])
    await #expect(throws: CapabilityError.self) { try await old.query("SELECT 1", []) }
  }

  @Test func `without the right to see when sessions began all are ended, not none`() async throws {
    let it = try await makeCase(rights: ["pg_signal_backend"])
    let old = try await connector.connect(it.role)
    let count = try await it.provider.endSessions(it.ref, before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 1, left: 0))
    await #expect(throws: CapabilityError.self) { try await old.query("SELECT 1", []) }
  }

  @Test func `without the right to end sessions it is refused, with the grant that is missing`() async throws
  {
    let it = try await makeCase(rights: [])
    let old = try await connector.connect(it.role)
    let error = await #expect(throws: CapabilityError.self) {
      try await it.provider.endSessions(it.ref, before: Date(), under: .forTests())
    }
    #expect(error?.class == .refused)
    #expect(error?.fix?.contains("pg_signal_backend") == true)
    #expect(try await old.query("SELECT 1", []) == [["1"]])
  }

  @Test func `a dropped role's session has no user name and is ended all the same`() async throws {
    let it = try await makeCase()
    let orphan = try await connector.connect(it.role)
    try await server.sql("DROP ROLE \(it.ref)")
    #expect(try await orphan.query("SELECT 1", []) == [["1"]])  // the trap: it lives on
    // And no count: a role that was renamed would look the same.
    let error = await #expect(throws: CapabilityError.self) {
      try await it.provider.endSessions(it.ref, before: Date(), under: .forTests())
    }
    #expect(error?.class == .notFound)
    await #expect(throws: CapabilityError.self) { try await orphan.query("SELECT 1", []) }
  }

  @Test func `the runner never rotates what it logs in with itself`() async throws {
    let rotator = try await server.makeRole("LOGIN CREATEROLE")
    let own = try provider(role: rotator.user, rotator: rotator)
    let error = await #expect(throws: CapabilityError.self) {
      try await own.identify(try #require(rotator.password))
    }
    #expect(error?.class == .unsafe)
    let same = try provider(role: "another", rotator: rotator)
    let second = await #expect(throws: CapabilityError.self) {
      try await same.identify(try #require(rotator.password))
    }
    #expect(second?.class == .unsafe)
  }

  @Test func `a stranger's password is not this target's`() async throws {
    let it = try await makeCase()
    let error = await #expect(throws: CapabilityError.self) {
      try await it.provider.identify(Secret("Str4nger"))
    }
    #expect(error?.class == .notFound)
  }

  @Test func `while the server is away nothing is dead`() async throws {
    let own = try PostgresServer()
    let role = try await own.makeRole()
    let rotator = try await own.makeRole("LOGIN SUPERUSER")  // may see how the password is stored
    let provider = try provider(role: role.user, rotator: rotator, ["port": .integer(own.port)])
    #expect(try await provider.verify(Secret("wrong"), ref: nil).state == .dead)
    own.stop()
    #expect(try await provider.verify(Secret("wrong"), ref: nil).state == .unknown)
  }

  @Test func `a control login that fails makes the verdict unknown`() async throws {
    let role = try await server.makeRole()
    let rotator = try await server.makeRole("LOGIN CREATEROLE")
    let provider = try provider(role: role.user, rotator: server.login(rotator.user, Secret("Wr0ng")))
    let probe = try await provider.verify(Secret("also wrong"), ref: nil)
    #expect(probe.state == .unknown)
    #expect(probe.code.hasPrefix("control login: ") && probe.code.contains("28P01"))
  }

  @Test func `facts tell rights, groups and who is logged in`() async throws {
    let it = try await makeCase(role: "LOGIN CREATEDB IN ROLE pg_monitor")
    let session = try await connector.connect(it.role)
    let facts = try await it.provider.inspect(it.ref).facts
    #expect(facts["privilege"] == ["createdb"])
    #expect(facts["scopes"]?.array?.contains("pg_monitor") == true)
    #expect(facts["scopes"]?.array?.contains("pg_read_all_stats") == true)  // a group's group
    #expect(facts["sessions"] == ["127.0.0.1": 1])
    await session.close()
  }

  @Test(arguments: [("127.0.0.0/8", Bool?.none), ("10.1.0.0/16", true)])
  func `open sessions from unexpected places are abuse; none is no evidence`(network: String, seen: Bool?)
    async throws
  {
    let it = try await makeCase(settings: ["expected_clients": [.string(network)]])
    let session = try await connector.connect(it.role)
    let report = try await it.provider.searchAbuse(it.ref, since: .distantPast)
    #expect(report.seen == seen)
    #expect(report.covered == nil)
    await session.close()
  }

  @Test func `deleting a role is a person's decision`() async throws {
    let it = try await makeCase()
    let error = await #expect(throws: CapabilityError.self) {
      try await it.provider.delete(it.ref, under: .forTests())
    }
    #expect(error?.class == .unsupported)
    #expect(try await server.sql("SELECT count(*) FROM pg_roles WHERE rolname = '\(it.ref)'") == "1")
  }

  @Test func `a role that is not there, or that the runner may not change, says so`() async throws {
    let rotator = try await server.makeRole("LOGIN CREATEROLE")
    let missing = try provider(role: "no_such_role", rotator: rotator)
    let first = await #expect(throws: CapabilityError.self) {
      try await missing.issue(marker: "m", generated: Secret("x"), under: .forTests())
    }
    #expect(first?.class == .notFound)
    let mighty = try await server.makeRole("LOGIN SUPERUSER")
    let second = await #expect(throws: CapabilityError.self) {
      try await provider(role: mighty.user, rotator: rotator).issue(
        marker: "m", generated: Secret("x"), under: .forTests())
    }
    #expect(second?.class == .refused)
  }
}

@Suite struct PostgresRoleContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(PostgresRoleFixture.self)
  }
  @Test func `docs CONTRACT md says what is checked`() async throws {
    try await ContractTable.check(PostgresRoleFixture.self)
  }
}

private struct PostgresRoleFixture: ContractFixture {
  static let against = "a real server"
  let provider: any CredentialProvider
  let leak: Leak

  static func make() async throws -> Self {
    let server = try PostgresServer.shared()
    let role = try await server.makeRole()
    let rotator = try await server.makeRole("LOGIN CREATEROLE IN ROLE pg_signal_backend, pg_read_all_stats")
    let target = TargetConfiguration(
      name: "it", kind: PostgresRole.kind,
      settings: [
        "host": .string(server.host), "port": .integer(server.port), "database": .string(server.database),
        "role": .string(role.user), "admin_user": .string(rotator.user), "admin_password": "env:A",
      ], position: "staunch.yaml:1:1")
    return Self(
      provider: try CredentialProviderRegistry.make(
        target,
        in: .forTests(postgres: PostgresConnector(), secrets: ["env:A": try #require(rotator.password)])),
      leak: Leak(try #require(role.password), handle: "\(role.user)@\(server.host)/\(server.database)"))
  }
}
