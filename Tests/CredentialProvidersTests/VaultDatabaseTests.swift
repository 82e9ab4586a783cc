import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import PostgresClient
import Secrets
import TestSupport
import Synchronization
import Testing

/// On real OpenBao and PostgreSQL servers: users that are leased, and what they leave behind.
@Suite struct VaultDatabaseTests {
  private let world: LeaseWorld

  init() async throws { world = try await LeaseWorld() }

  @Test func `a session outlives its lease and its user, until it is ended at the database`() async throws {
    let leaked = try await world.draw()
    let provider = try world.provider()
    let subject = try await provider.identify(leaked.leak)
    #expect(subject.identity.rawValue == leaked.user)
    let session = try await PostgresConnector().connect(world.postgres.login(leaked.user, leaked.password))
    try await provider.disable(subject.identity, leak: leaked.leak, replacedBy: nil, under: .forTests())
    #expect(
      try await provider.verify(leaked.password, ref: subject.identity)
        == CredentialProbe(.dead, code: "28P01, no such user"))
    // The trap: the user is gone, and its session reads on.
    #expect(try await session.query("SELECT 1", []) == [["1"]])
    let count = try await provider.endSessions(subject.identity, before: Date(), under: .forTests())
    #expect(count.ended >= 1)
    #expect(count.left == 0)
    await #expect(throws: CapabilityError.self) { try await session.query("SELECT 1", []) }
    #expect(
      try await provider.endSessions(subject.identity, before: Date(), under: .forTests()).left == 0)
  }

  /// One table is enough to keep the server from dropping its owner.
  @Test func `a user that made itself undroppable is locked at the database, and what it owns is counted`()
    async throws
  {
    let leaked = try await world.draw()
    try await world.postgres.sql("GRANT CREATE ON SCHEMA public TO \"\(leaked.user)\"")
    let session = try await PostgresConnector().connect(world.postgres.login(leaked.user, leaked.password))
    let table = "mine_" + UUID().uuidString.prefix(8).lowercased()
    _ = try await session.execute("CREATE TABLE public.\(table) (a int)", [], under: .forTests())
    let provider = try world.provider()
    let subject = try await provider.identify(leaked.leak)
    try await provider.disable(subject.identity, leak: leaked.leak, replacedBy: nil, under: .forTests())
    #expect(
      try await world.vault.answer(
        "POST", "sys/leases/revoke", ["lease_id": .string(leaked.lease), "sync": true]
      ).status == 400)
    let probe = try await provider.verify(leaked.password, ref: subject.identity)
    #expect(probe == CredentialProbe(.dead, code: "28000"))
    let facts = try await provider.inspect(subject.identity).facts
    #expect((facts["owns"]?.integer ?? 0) >= 1)
    #expect(facts["can_login"] == false)
    #expect(try await provider.endSessions(subject.identity, before: Date(), under: .forTests()).left == 0)
    try await world.postgres.sql(
      "DROP TABLE public.\(table); REVOKE CREATE ON SCHEMA public FROM \"\(leaked.user)\"")
  }

  /// A role may change its own password: the leaked one is refused then, and the user lives on.
  @Test func `a login whose holder has set another password is known by its name, and dropped`() async throws
  {
    let leaked = try await world.draw()
    let session = try await PostgresConnector().connect(world.postgres.login(leaked.user, leaked.password))
    _ = try await session.execute("ALTER ROLE CURRENT_USER PASSWORD 'theirs-now'", [], under: .forTests())
    let provider = try world.provider()
    let subject = try await provider.identify(leaked.leak)
    try await provider.disable(subject.identity, leak: leaked.leak, replacedBy: nil, under: .forTests())
    #expect(try await provider.verify(Secret("theirs-now"), ref: subject.identity).state == .dead)
    #expect(try await provider.existing().isEmpty)
  }

  /// Whoever owns a database can prepare what an administrator meets there.
  @Test func `the runner does not work in a database that the leased user owns`() async throws {
    try await world.makeRole(ttl: "1h", grants: "IN ROLE postgres")
    let leaked = try await world.draw()
    let provider = try world.provider()
    let ref = CredentialRef(leaked.user)
    let error = await #expect(throws: CapabilityError.self) { try await provider.inspect(ref) }
    #expect(error?.class == .unsafe)
    #expect(try await provider.verify(leaked.password, ref: ref).state == .unknown)
    // Vault drops it all the same.
    try await provider.disable(ref, leak: leaked.leak, replacedBy: nil, under: .forTests())
    #expect(try await provider.verify(leaked.password, ref: ref).state == .dead)
  }

  @Test func `other leases of the role live on, unless all of them are meant`() async throws {
    let leaked = try await world.draw()
    let other = try await world.draw()
    let provider = try world.provider()
    let ref = CredentialRef(leaked.user)
    try await provider.disable(ref, leak: leaked.leak, replacedBy: nil, under: .forTests())
    #expect(try await provider.existing() == [CredentialRef(other.user)])
    #expect(try await provider.verify(other.password, ref: nil).state == .alive)
    let third = try await world.draw()
    let whole = try world.provider(["revokes": "role"])
    try await whole.disable(
      CredentialRef(third.user), leak: Leak(third.password), replacedBy: nil, under: .forTests())
    #expect(try await whole.existing().isEmpty)
    let nobody = try await whole.verify(other.password, ref: nil)
    #expect(nobody == CredentialProbe(.dead, code: "no lease and no user of the role is left"))
    #expect(nobody.evidence?.refusals == 0)
  }

  @Test func `the lease is found by the second in the user's name, in whatever zone the server tells it`()
    async throws
  {
    let leaked = try await world.draw()
    let told = try await world.vault.answer(
      "POST", "sys/leases/lookup", ["lease_id": .string(leaked.lease)]
    ).body["data"]?["issue_time"]?.string
    try #require(told?.hasSuffix("+05:30") == true)
    let provider = try world.provider()
    try await provider.disable(
      CredentialRef(leaked.user), leak: Leak(leaked.password), replacedBy: nil, under: .forTests())
    #expect(try await provider.existing().isEmpty)
    #expect(
      try await world.vault.answer("LIST", "sys/leases/lookup/database/creds/\(world.role)").status == 404)
  }

  @Test func `a lease whose beginning cannot be read is not passed over`() async throws {
    let gateway = try LoopbackServer { request in
      .json(200, #"{"data":{"\#(request.method == "GET" ? #"keys":["abc"]"# : #"issue_time":"today""#)}}"#)
    }
    let leaked = try await world.draw()
    let provider = try world.provider(["base_url": .string(gateway.url)])
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.disable(
        CredentialRef(leaked.user), leak: Leak(leaked.password), replacedBy: nil, under: .forTests())
    }
    #expect(error?.class == .serverError)
    #expect(error?.fix?.contains("revokes: role") == true)
  }

  @Test func `an answer that lists no leases is not taken for there being none`() async throws {
    let gateway = try LoopbackServer { _ in .json(200, #"{"data":{}}"#) }
    let elsewhere = try world.provider([
      "base_url": .string(gateway.url), "user_pattern": "nobody-has-this-%",
    ])
    #expect(try await elsewhere.verify(Secret("x"), ref: nil).state == .unknown)
  }

  @Test func `a user that no lease of the role made is left as it is`() async throws {
    let stranger = try await world.postgres.makeRole("LOGIN").user
    let error = await #expect(throws: CapabilityError.self) {
      try await world.provider().delete(CredentialRef(stranger), under: .forTests())
    }
    #expect(error?.class == .unsafe)
    #expect(
      try await world.postgres.sql("SELECT rolcanlogin FROM pg_roles WHERE rolname = '\(stranger)'") == "t")
  }

  @Test(arguments: ["%", "_%", "%-%"]) func `a pattern that everybody's name fits is none`(pattern: String) {
    let error = #expect(throws: CapabilityError.self) {
      try world.provider(["user_pattern": .string(pattern)])
    }
    #expect(error?.class == .configuration)
  }

  @Test func `a lease that ends by itself takes the user along`() async throws {
    try await world.makeRole(ttl: "2s")
    let leaked = try await world.draw()
    let provider = try world.provider()
    let ref = CredentialRef(leaked.user)
    for _ in 0..<40 {
      if try await world.postgres.sql("SELECT count(*) FROM pg_roles WHERE rolname = '\(leaked.user)'") == "0"
      {
        break
      }
      try await Task.sleep(for: .milliseconds(250))
    }
    #expect(try await provider.verify(leaked.password, ref: ref).state == .dead)
  }

  @Test func `names of a template of somebody's own must be told, or nobody would ever be found`()
    async throws
  {
    try await world.configure(["username_template": "own-{{random 8}}-{{unix_time}}"])
    let leaked = try await world.draw()
    #expect(leaked.user.hasPrefix("own-"))
    let error = await #expect(throws: CapabilityError.self) {
      try await world.provider().verify(leaked.password, ref: nil)
    }
    #expect(error?.class == .configuration)
    #expect(error?.fix?.contains("user_pattern") == true)
    let told = try world.provider(["user_pattern": "own-%"])
    #expect(try await told.verify(leaked.password, ref: nil).state == .alive)
    try await told.disable(
      CredentialRef(leaked.user), leak: leaked.leak, replacedBy: nil, under: .forTests())
    #expect(try await told.verify(leaked.password, ref: CredentialRef(leaked.user)).state == .dead)
  }

  @Test func `leases without a user at the database prove nothing`() async throws {
    let leaked = try await world.draw()
    let elsewhere = try world.provider(["user_pattern": "nobody-%"])
    let probe = try await elsewhere.verify(leaked.password, ref: nil)
    #expect(probe.state == .unknown)
    #expect(probe.code.hasPrefix("1 leases are listed"))
  }

  @Test func `the rights that doctor lists are enough, and one that is missing is named`() async throws {
    let role = world.role
    let policy = try await world.vault.makePolicy([
      "database/creds/\(role)": ["read"], "sys/leases/lookup/database/creds/\(role)/": ["list", "sudo"],
      "sys/leases/lookup": ["update"], "sys/leases/revoke": ["update"], "database/roles/\(role)": ["read"],
      "database/config/pg": ["read"],
    ])
    let provider = try world.provider(as: try await world.vault.makeToken([policy]).value)
    for need in await provider.readiness() {
      guard case .ready = need.verdict else {
        Issue.record("\(need)")
        continue
      }
    }
    let asked = await provider.readiness().map(\.what)
    #expect(asked.contains("SELECT (rolname, rolpassword) ON pg_catalog.pg_authid"))
    let issued = try await provider.issue(IssueOrder(marker: "m"), under: .forTests())
    try await provider.disable(issued.ref, leak: Leak(issued.secret), replacedBy: nil, under: .forTests())
    #expect(try await provider.verify(issued.secret, ref: issued.ref).state == .dead)
    let bare = try world.provider(as: try await world.vault.makeToken(["default"]).value)
    let missing = await bare.readiness().first { $0.what == "revoking" }
    #expect(
      missing?.verdict
        == .missing(
          because: "the runner's token lacks update on sys/leases/revoke",
          fix: "add to its policy: path \"sys/leases/revoke\" { capabilities = [\"update\"] }"))
  }
}

@Suite struct VaultDatabaseContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(VaultDatabaseFixture.self)
  }
  @Test func `docs CONTRACT md says what is checked`() async throws {
    try await ContractTable.check(VaultDatabaseFixture.self)
  }
}

private struct VaultDatabaseFixture: ContractFixture {
  static let against = "a real server"
  let transport: ShakyTransport
  let provider: any CredentialProvider
  let leak: Leak
  var canPassADay: Bool { false }

  static func make() async throws -> Self {
    let world = try await LeaseWorld()
    let transport = ShakyTransport()
    return Self(
      transport: transport, provider: try world.provider(over: transport), leak: try await world.draw().leak)
  }

  func loseNextReply() -> Bool {
    transport.losesReply.withLock { $0 = true }
    return true
  }

  func refuseNextCall() -> Bool {
    transport.isBusy.withLock { $0 = true }
    return true
  }
}

/// A namespace of OpenBao with a database engine for PostgreSQL, and a runner's user there.
private struct LeaseWorld {
  /// A login as its program draws it.
  struct Lease {
    let user: String
    let password: Secret
    let lease: String
    let leak: Leak
  }

  let vault: OpenBaoServer
  let postgres: PostgresServer
  /// Nobody else's: users bear its name.
  let role = "r" + UUID().uuidString.prefix(7).lowercased()
  private let rotator: SQLLogin

  /// Who may see how passwords are stored, in the database where the runner works: granted once, for two grants at the same
  /// time fail.
  private static let lookers = Task { () async throws -> Void in
    try await PostgresServer.shared().sql(
      "CREATE ROLE lease_lookers; GRANT SELECT (rolname, rolpassword) ON pg_catalog.pg_authid TO lease_lookers"
    )
  }

  init() async throws {
    vault = try await OpenBaoServer.shared().makeNamespace()
    postgres = try PostgresServer.shared()
    try await Self.lookers.value
    rotator = try await postgres.makeRole(
      "LOGIN CREATEROLE IN ROLE pg_signal_backend, pg_read_all_stats, lease_lookers")
    try await vault.call("POST", "sys/mounts/database", ["type": "database"])
    try await configure()
    try await makeRole(ttl: "1h")
  }

  func configure(_ more: [String: JSONValue] = [:]) async throws {
    let settings: [String: JSONValue] = [
      "plugin_name": "postgresql-database-plugin", "allowed_roles": .string(role),
      "connection_url": .string(
        "postgresql://{{username}}:{{password}}@\(postgres.host):\(postgres.port)/\(postgres.database)?sslmode=disable"
      ),
      "username": .string(postgres.superuser.user),
      "password": .string(postgres.superuser.password?.exposeAsText() ?? ""),
      "password_authentication": "scram-sha-256",
    ]
    try await vault.call("POST", "database/config/pg", .object(settings.merging(more) { _, new in new }))
  }

  /// - Parameter grants: what its users get beside LOGIN.
  func makeRole(ttl: String, grants: String = "") async throws {
    let create =
      #"CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"#
      + " \(grants);"
    try await vault.call(
      "POST", "database/roles/\(role)",
      [
        "db_name": "pg", "default_ttl": .string(ttl), "max_ttl": "24h",
        "creation_statements": [.string(create)],
      ])
  }

  func draw() async throws -> Lease {
    let answer = try await vault.answer("GET", "database/creds/\(role)").body
    let user = answer["data"]?["username"]?.string ?? ""
    let password = Secret(answer["data"]?["password"]?.string ?? "")
    let lease = answer["lease_id"]?.string ?? ""
    return Lease(
      user: user, password: password, lease: lease,
      leak: Leak(
        handle: "\(user)@\(postgres.host)/\(postgres.database)", values: [password],
        fields: ["lease_id": lease]))
  }

  func provider(
    _ more: [String: JSONValue] = [:], as token: Secret? = nil, over http: any HTTPTransport = CurlTransport()
  ) throws -> any CredentialProvider {
    let settings: [String: JSONValue] = [
      "base_url": .string(vault.url), "namespace": .string(vault.namespace ?? ""), "admin_token": "env:TOKEN",
      "vault_role": .string(role), "host": .string(postgres.host),
      "port": .integer(postgres.port), "database": .string(postgres.database),
      "admin_database": .string(postgres.database), "admin_user": .string(rotator.user),
      "admin_password": "env:ROTATOR",
    ]
    var secrets = ["env:TOKEN": token ?? vault.root]
    secrets["env:ROTATOR"] = rotator.password
    return try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "leases", kind: VaultDatabase.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(http: http, postgres: PostgresConnector(), secrets: secrets))
  }
}
