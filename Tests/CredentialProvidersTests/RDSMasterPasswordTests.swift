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
import Synchronization
import TestSupport
import Testing

/// MiniStack's control plane, and a real PostgreSQL server whose role follows it, as RDS's own does.
@Suite struct RDSMasterPasswordTests {
  private let world: RDSWorld

  init() async throws { world = try await RDSWorld() }

  @Test func `the new password ends the old one, and only a comparison proves it`() async throws {
    let provider = try world.provider()
    #expect(try await provider.verify(world.password, ref: nil).state == .alive)
    let issued = try await provider.issue(
      IssueOrder(marker: "m", generated: try provider.generate()), under: .forTests())
    #expect(try await provider.verify(issued.secret, ref: issued.ref).state == .alive)
    let probe = try await provider.verify(world.password, ref: nil)
    #expect(probe == CredentialProbe(.dead, code: "28P01"))
    #expect(probe.evidence?.controls == probe.evidence?.refusals)
    // Another process, without the store: the refusal alone says nothing.
    let blind = try await world.provider().verify(world.password, ref: nil)
    #expect(blind.state == .unknown)
    #expect(blind.isRefused)
    let new = issued.secret
    let told = try await world.provider().knowing { [new] }.verify(world.password, ref: nil)
    #expect(told.state == .dead)
    #expect(told.isReplaced)
  }

  @Test func `sessions outlive the password until the new one ends them`() async throws {
    let provider = try world.provider()
    let session = try await PostgresConnector().connect(world.login)
    let issued = try await provider.issue(
      IssueOrder(marker: "m", generated: try provider.generate()), under: .forTests())
    #expect(try await session.query("SELECT 1", []) == [["1"]])
    let count = try await provider.endSessions(issued.ref, before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 1, left: 0))
    await #expect(throws: CapabilityError.self) { try await session.query("SELECT 1", []) }
  }

  @Test func `stopped without a successor, nobody knows what it is`() async throws {
    let provider = try world.provider()
    try await provider.disable(world.ref, leak: Leak(world.password), replacedBy: nil, under: .forTests())
    let changes = world.http.changes.value
    try await provider.disable(world.ref, leak: Leak(world.password), replacedBy: nil, under: .forTests())
    #expect(world.http.changes.value == changes)
    #expect(try await provider.verify(world.password, ref: nil).state == .dead)
  }

  @Test func `one that RDS manages is not set, but made anew by RDS`() async throws {
    let http = Doctored { question in
      question.form["Action"] == "DescribeDBInstances" ? .xml(200, Self.answer(secret: "arn:aws:x")) : nil
    }
    let provider = try world.provider(["instance": "managed"], over: http)
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await provider.issue(
        IssueOrder(marker: "m", generated: Secret("x")), under: .forTests())
    }
    #expect(error?.class == .unsupported)
    #expect(error?.because.hasSuffix("keeps it in arn:aws:x") == true)
    let sent = Mutex<[String: String]>([:])
    let rotating = Doctored { question in
      guard question.form["Action"] == "ModifyDBInstance" else {
        return .xml(200, Self.answer(secret: "arn:aws:x"))
      }
      sent.withLock { $0 = question.form }
      return .xml(200, "<ModifyDBInstanceResponse></ModifyDBInstanceResponse>")
    }
    try await world.provider(["instance": "managed"], over: rotating).disable(
      CredentialRef("managed"), leak: Leak(), replacedBy: nil, under: .forTests())
    #expect(sent.withLock { $0["RotateMasterUserPassword"] } == "true")
    #expect(sent.withLock { $0["MasterUserPassword"] } == nil)
  }

  @Test(arguments: ["modifying", "stopped"])
  func `a server that takes no change now is left as it is`(status: String) async throws {
    let http = Doctored { _ in .xml(200, Self.answer(status: status)) }
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await world.provider(["instance": "managed"], over: http).issue(
        IssueOrder(marker: "m", generated: Secret("x")), under: .forTests())
    }
    #expect(error?.class == .conflict)
    #expect(error?.because.hasSuffix("it is \(status)") == true)
  }

  @Test func `an engine that nobody here can log in to is unknown, and MySQL's sessions are another entry's`()
    async throws
  {
    let oracle = Doctored { _ in .xml(200, Self.answer(engine: "oracle-ee")) }
    let probe = try await world.provider(["instance": "managed"], over: oracle).verify(Secret("x"), ref: nil)
    #expect(probe.state == .unknown)
    let mysql = Doctored { _ in .xml(200, Self.answer(engine: "mysql")) }
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await world.provider(["instance": "managed"], over: mysql).endSessions(
        CredentialRef("managed"), before: Date(), under: .forTests())
    }
    #expect(error?.fix?.contains("kind mariadb") == true)
  }

  @Test(arguments: [[:], ["instance": "a", "cluster": "b"]] as [[String: JSONValue]])
  func `an entry is of one server`(settings: [String: JSONValue]) throws {
    let error = #expect(throws: CapabilityError.self) {
      _ = try world.provider(settings, isWhole: false)
    }
    #expect(error?.class == .configuration)
  }

  @Test func `a server that is not there is said`() async throws {
    let error = await #expect(throws: CapabilityError.self) {
      _ = try await world.provider(["instance": "nobody"]).inspect(CredentialRef("nobody"))
    }
    #expect(error?.class == .notFound)
  }

  private static func answer(
    status: String = "available", engine: String = "postgres", secret: String = ""
  ) -> String {
    "<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance>"
      + "<DBInstanceIdentifier>managed</DBInstanceIdentifier><DBInstanceArn>arn:aws:rds:us-east-1:0:db:managed</DBInstanceArn>"
      + "<MasterUsername>admin</MasterUsername><DBInstanceStatus>\(status)</DBInstanceStatus><Engine>\(engine)</Engine>"
      + "<Endpoint><Address>db1.example.org</Address><Port>5432</Port></Endpoint>"
      + (secret.isEmpty ? "" : "<MasterUserSecret><SecretArn>\(secret)</SecretArn></MasterUserSecret>")
      + "</DBInstance></DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>"
  }
}

/// The contract suite on both.
@Suite struct RDSMasterPasswordContractTests {
  @Test(arguments: ContractCheck.all) func `it keeps the port's promises`(_ check: ContractCheck) async throws
  {
    try await check.run(RDSMasterPasswordFixture.self)
  }

  @Test func `docs say what it is checked for`() async throws {
    try await ContractTable.check(RDSMasterPasswordFixture.self)
  }
}

private struct RDSMasterPasswordFixture: ContractFixture {
  static let against = "an emulator, and a real server behind it"
  let transport: ShakyTransport
  let provider: any CredentialProvider
  let leak: Leak

  static func make() async throws -> Self {
    let world = try await RDSWorld()
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

/// libcurl; what sets a master password is carried out at a real server, too.
struct FollowedByPostgres: HTTPTransport {
  let server: PostgresServer
  let user: String
  /// How often one was set.
  let changes = Count()
  private let real = CurlTransport()

  final class Count: Sendable {
    private let number = Mutex(0)
    var value: Int { number.withLock { $0 } }
    func add() { number.withLock { $0 += 1 } }
  }

  init(_ server: PostgresServer, _ user: String) {
    self.server = server
    self.user = user
  }

  func fetch(_ request: SafeRequest) async throws(CapabilityError) -> HTTPResponse {
    try await real.fetch(request)
  }

  func send(_ request: HTTPRequest, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> HTTPResponse
  {
    let answer = try await real.send(request, under: authority)
    guard answer.status == 200, case .secret(let body) = request.body,
      let items = URLComponents(string: "http://it/?" + body.exposeAsText())?.queryItems,
      let password = items.first(where: { $0.name == "MasterUserPassword" })?.value
    else { return answer }
    changes.add()
    do {
      try await server.sql("ALTER ROLE \(user) PASSWORD '\(password)'", isLogged: false)
    } catch { throw CapabilityError(.serverError, "test", because: "the server does not follow") }
    return answer
  }
}

/// An instance of MiniStack's and the role that stands for its master user.
private struct RDSWorld: Sendable {
  let ministack: MiniStackServer
  let server: PostgresServer
  let name = MiniStackServer.name("db")
  let login: SQLLogin
  let http: FollowedByPostgres
  var password: Secret { login.password ?? Secret("") }
  var ref: CredentialRef { CredentialRef(name) }

  init() async throws {
    ministack = try MiniStackServer.shared()
    server = try PostgresServer.shared()
    login = try await server.makeRole()
    http = FollowedByPostgres(server, login.user)
    try await ministack.call(
      "rds", "CreateDBInstance",
      [
        "DBInstanceIdentifier": name, "DBInstanceClass": "db.t3.micro", "Engine": "postgres",
        "AllocatedStorage": "20", "MasterUsername": login.user,
        "MasterUserPassword": login.password?.exposeAsText() ?? "",
      ])
  }

  func provider(
    _ more: [String: JSONValue] = [:], isWhole: Bool = true, over transport: (any HTTPTransport)? = nil
  ) throws -> RDSMasterPassword {
    var settings: [String: JSONValue] = [
      "database": .string(server.database), "host": .string(server.host), "port": .integer(server.port),
      "database_tls": "disable", "region": "us-east-1", "base_url": .string(ministack.url),
      "access_key_id": "env:ID", "secret_access_key": "env:SECRET", "propagation_seconds": 0,
    ]
    if isWhole { settings["instance"] = .string(name) }
    return try RDSMasterPassword(
      TargetConfiguration(
        name: "db", kind: RDSMasterPassword.kind, settings: settings.merging(more) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(
        http: transport ?? http, postgres: PostgresConnector(),
        secrets: [
          "env:ID": Secret(ministack.root.accessKeyID), "env:SECRET": ministack.root.secretAccessKey,
        ]))
  }
}
