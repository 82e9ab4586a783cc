import Capabilities
import CredentialProviders
import Foundation
import HTTP
import Incidents
import JSON
import PostgresClient
import RESTClient
import Secrets
import Synchronization
import TestSupport
import Testing

/// moto's control plane, and a real PostgreSQL server that asks for MD5, as Redshift does, and follows it.
@Suite(.timeLimit(.minutes(3))) struct RedshiftMasterPasswordTests {
  private let world: RedshiftWorld

  init() async throws { world = try await RedshiftWorld() }

  @Test func `the new password ends the old one, and then the sessions that were opened with it`()
    async throws
  {
    let provider = try world.provider()
    let old = try await PostgresConnector().connect(world.login)
    let bystander = try await PostgresConnector().connect(world.server.makeRole())
    #expect(try await provider.subject(of: Leak(handle: world.login.user)).identity == world.ref)
    #expect(try await provider.inspect(world.ref).facts["status"] == "available")
    let issued = try await provider.issue(
      IssueOrder(marker: "m", generated: try provider.generate()), under: .forTests())
    #expect(try await provider.verify(issued.secret, ref: issued.ref).state == .alive)
    #expect(try await provider.verify(world.password, ref: nil).state == .dead)
    let count = try await provider.endSessions(
      issued.ref, before: Date().addingTimeInterval(1), under: .forTests())
    // Logins that were just tried may be counted, too.
    #expect(count.found >= 1 && count.left == 0)
    await #expect(throws: CapabilityError.self) { try await old.query("SELECT 1", []) }
    #expect(try await bystander.query("SELECT 1", []) == [["1"]])
    await bystander.close()
  }

  @Test func `without a password that is accepted no session is called ended`() async throws {
    let provider = try world.provider()
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await provider.endSessions(world.ref, before: Date(), under: .forTests())
    }
    #expect(error?.class == .refused)
  }

  @Test(arguments: [("verify-full", true), ("require", false)])
  func `MD5 goes to a server that was verified, and to no other`(tls: String, takesMD5: Bool) async throws {
    let connector = RecordedLogins()
    let provider = try world.provider(
      ["host": "lake.example.org", "database_tls": .string(tls)], at: connector)
    #expect(try await provider.verify(world.password, ref: nil).state == .unknown)
    #expect(connector.logins.withLock { $0.map(\.takesMD5) } == [takesMD5])
  }

  @Test func `a cluster that is not there is said`() async throws {
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await world.provider(["cluster": "sea"]).state()
    }
    #expect(error?.class == .notFound)
  }
}

/// A server that answers nobody.
private final class RecordedLogins: SQLConnector {
  let logins = Mutex<[SQLLogin]>([])

  func connect(_ login: SQLLogin) async throws(CapabilityError) -> any SQLSession {
    throw CapabilityError(.network, "test", because: "nobody answers")
  }
  func tryLogin(_ login: SQLLogin) async -> LoginOutcome {
    logins.withLock { $0.append(login) }
    return .undecided(code: "nobody answers")
  }
}

/// The contract suite on both.
@Suite(.timeLimit(.minutes(3))) struct RedshiftMasterPasswordContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(RedshiftMasterPasswordFixture.self)
  }

  @Test func `docs say what it is checked for`() async throws {
    try await ContractTable.check(RedshiftMasterPasswordFixture.self)
  }
}

private struct RedshiftMasterPasswordFixture: ContractFixture {
  static let against = "an emulator, and a real server behind it"
  let transport: ShakyTransport
  let provider: any CredentialProvider
  let leak: Leak

  static func make() async throws -> Self {
    let world = try await RedshiftWorld()
    let transport = ShakyTransport(over: world.http)
    return Self(
      transport: transport, provider: try world.provider(over: transport),
      leak: Leak(world.password, handle: world.name))
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

/// A cluster of moto's and the role that stands for its master user.
private struct RedshiftWorld: Sendable {
  private static let moto = Result { try MotoServer() }
  private static let database = Result {
    try PostgresServer(
      settings: ["password_encryption": "md5"], rules: ["host all all 127.0.0.1/32 md5"])
  }
  private static let sessions = Task { try await makeSessionsTable() }

  /// Redshift's table of sessions, over PostgreSQL's own.
  private static func makeSessionsTable() async throws {
    try await database.get().sql(
      """
      SET allow_system_table_mods = on;
      CREATE VIEW pg_catalog.stv_sessions AS
        SELECT backend_start AT TIME ZONE 'UTC' AS starttime, pid AS process,
          usename::char(50) AS user_name, datname::char(50) AS db_name
        FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend';
      GRANT SELECT ON pg_catalog.stv_sessions TO PUBLIC
      """)
  }
  let url: String
  let server: PostgresServer
  let name = MiniStackServer.name("lake")
  let login: SQLLogin
  let http: FollowedByPostgres
  var password: Secret { login.password ?? Secret("") }
  var ref: CredentialRef { CredentialRef(name) }

  init() async throws {
    url = try Self.moto.get().url
    server = try Self.database.get()
    try await Self.sessions.value
    login = try await server.makeRole()
    http = FollowedByPostgres(server, login.user)
    let client = AWSClient(try .init(target()), in: .forTests(http: CurlTransport(), secrets: Self.secrets))
    try await client.change(
      .redshift, "CreateCluster",
      [
        ("ClusterIdentifier", name), ("NodeType", "ra3.large"), ("MasterUsername", login.user),
        ("MasterUserPassword", "Not-0f-the-role"),
      ], under: .forTests())
  }

  private static let secrets = [
    "env:ID": Secret("AKIAIOSFODNN7EXAMPLE"), "env:SECRET": Secret("secret"),
  ]

  private func target(_ more: [String: JSONValue] = [:]) -> TargetConfiguration {
    let settings: [String: JSONValue] = [
      "cluster": .string(name), "region": "us-east-1", "base_url": .string(url),
      "access_key_id": "env:ID", "secret_access_key": "env:SECRET", "propagation_seconds": 0,
      "database": .string(server.database), "host": .string(server.host), "port": .integer(server.port),
      "database_tls": "disable",
    ]
    return TargetConfiguration(
      name: "lake", kind: RedshiftMasterPassword.kind, settings: settings.merging(more) { _, new in new },
      position: "staunch.yaml:1:1")
  }

  func provider(
    _ more: [String: JSONValue] = [:], over transport: (any HTTPTransport)? = nil,
    at connector: any SQLConnector = PostgresConnector()
  ) throws -> RedshiftMasterPassword {
    try RedshiftMasterPassword(
      target(more),
      in: .forTests(http: transport ?? http, postgres: connector, secrets: Self.secrets))
  }
}
