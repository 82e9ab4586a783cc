import Capabilities
import Foundation
import PostgresClient
import Secrets
import TestSupport
import Testing

/// The client against a real PostgreSQL server.
@Suite struct PostgresConnectorTests {
  private let server: PostgresServer
  private let connector = PostgresConnector()

  init() throws { server = try PostgresServer.shared() }

  private func name(_ prefix: String) -> String { prefix + "_" + UUID().uuidString.prefix(8).lowercased() }

  private func error(_ body: () async throws -> Void) async -> CapabilityError? {
    do {
      try await body()
      return nil
    } catch {
      return error as? CapabilityError
    }
  }

  @Test func `a query brings rows with parameters and nulls`() async throws {
    let session = try await connector.connect(server.superuser)
    let rows = try await session.query(
      "SELECT $1::text || '!', NULL, 1 UNION ALL SELECT $2, 'x', 2", ["é", nil])
    #expect(rows == [["é!", nil, "1"], [nil, "x", "2"]])
    await session.close()
  }

  @Test func `a query cannot write, and the session still works afterwards`() async throws {
    let table = name("t")
    let session = try await connector.connect(server.superuser)
    let refusal = await error { _ = try await session.query("CREATE TABLE public.\(table) (a int)", []) }
    #expect(refusal?.class == .unsafe)
    #expect(try await session.query("SELECT 1", []) == [["1"]])
    #expect(try await server.sql("SELECT count(*) FROM pg_tables WHERE tablename = '\(table)'") == "0")
    _ = try await session.execute("CREATE TABLE public.\(table) (a int)", [], under: .forTests())
    #expect(try await server.sql("SELECT count(*) FROM pg_tables WHERE tablename = '\(table)'") == "1")
  }

  @Test func `a second statement cannot ride along`() async throws {
    let session = try await connector.connect(server.superuser)
    let refusal = await error { _ = try await session.query("SELECT 1; DROP TABLE x", []) }
    #expect(refusal?.class == .invalid)
  }

  @Test func `the right password is accepted, anything wrong with the login itself is rejected`() async throws
  {
    let login = try await server.makeRole()
    let name = login.user
    #expect(await connector.tryLogin(login) == .accepted)
    #expect(await connector.tryLogin(server.login(name, Secret("wrong"))) == .rejected(code: "28P01"))
    try await server.sql("ALTER ROLE \(name) NOLOGIN")
    #expect(await connector.tryLogin(login) == .rejected(code: "28000"))
    try await server.sql("ALTER ROLE \(name) LOGIN VALID UNTIL '2001-01-01'")
    #expect(await connector.tryLogin(login) == .rejected(code: "28P01"))
  }

  @Test func `a refusal that comes after the password was accepted says that it was accepted`() async throws {
    var login = try await server.makeRole("LOGIN CONNECTION LIMIT 0")
    #expect(await connector.tryLogin(login) == .admitted(code: "53300"))
    #expect(
      await connector.tryLogin(server.login(login.user, Secret("wrong"))) == .rejected(code: "28P01"))
    login = try await server.makeRole()
    login.database = "nowhere"
    #expect(await connector.tryLogin(login) == .admitted(code: "3D000"))
    login.password = Secret("wrong")
    #expect(await connector.tryLogin(login) == .rejected(code: "28P01"))
    // The role itself may pre-set it, and then nobody could tell whether its password is accepted.
    var prepared = try await server.makeRole()
    try await server.sql("ALTER ROLE \(prepared.user) SET local_preload_libraries = 'nowhere'")
    #expect(await connector.tryLogin(prepared) == .admitted(code: "58P01"))
    prepared.password = Secret("wrong")
    #expect(await connector.tryLogin(prepared) == .rejected(code: "28P01"))
    // A server without a line for the database asks for no password, so it accepted none.
    login.host = server.directory
    #expect(await connector.tryLogin(login) == .undecided(code: "3D000"))
  }

  @Test func `no server, no password or a server that trusts everybody decides nothing`() async throws {
    let login = try await server.makeRole()
    var gone = login
    gone.port = try SupervisedServer.freePort()
    #expect(await connector.tryLogin(gone) == .undecided(code: "no connection"))
    #expect(await connector.tryLogin(server.login(login.user, nil)) == .undecided(code: "no password to try"))
    var trusting = server.login("postgres", Secret("anything"))
    trusting.host = server.directory
    #expect(await connector.tryLogin(trusting) == .undecided(code: "the server asked for no password"))
  }

  @Test func `a verifier replaces the password and the plaintext never reaches the server's log`()
    async throws
  {
    let login = try await server.makeRole()
    let (name, old) = (login.user, try #require(login.password))
    let session = try await connector.connect(server.superuser)
    let new = Secret("New" + UUID().uuidString)
    let verifier = try await session.passwordVerifier(for: new, user: name)
    #expect(
      verifier.wholeMatch(
        of: /SCRAM-SHA-256\$4096:[A-Za-z0-9+\/=]{24}\$[A-Za-z0-9+\/=]{44}:[A-Za-z0-9+\/=]{44}/) != nil)
    let statement =
      "ALTER ROLE \(try session.quotedIdentifier(name)) PASSWORD \(try session.quotedLiteral(verifier))"
    _ = try await session.execute(statement, [], under: .forTests())
    #expect(await connector.tryLogin(server.login(name, new)) == .accepted)
    #expect(await connector.tryLogin(server.login(name, old)) == .rejected(code: "28P01"))
    let log = try server.log()
    #expect(log.contains(verifier))  // the statement is logged, so the log is the right place to look
    let redactor = Redactor()
    redactor.register(new)
    redactor.register(old)
    let isFound = redactor.finds(in: Array(log.utf8))
    #expect(!isFound)
  }

  @Test(arguments: ["we\"ird", "ro le", "naïve'; DROP ROLE x; --"])
  func `names and texts are quoted by the server's own rules`(text: String) async throws {
    let session = try await connector.connect(server.superuser)
    let statement = "SELECT \(try session.quotedLiteral(text)) AS \(try session.quotedIdentifier(text))"
    #expect(try await session.query(statement, []) == [[text]])
  }

  @Test func `a wrong password of the runner is a refusal that names user, place and remedy`() async throws {
    let failure = await error { _ = try await connector.connect(server.login("postgres", Secret("Wr0ngPw"))) }
    #expect(failure?.class == .refused)
    #expect(failure?.operation.contains("postgres at 127.0.0.1:\(server.port)/training") == true)
    #expect(failure?.fix != nil)
    #expect(failure?.description.contains("Wr0ngPw") == false)
  }

  @Test func `an error shows neither the statement's text nor the server's`() async throws {
    let session = try await connector.connect(server.superuser)
    let failure = await error {
      _ = try await session.execute("ALTER ROLE nobody_here PASSWORD 'hush-hush'", [], under: .forTests())
    }
    #expect(failure?.class == .notFound)
    #expect(failure?.operation == "ALTER ROLE")
    #expect(failure?.description.contains("hush") == false)
    #expect(failure?.description.contains("42704") == true)
  }

  @Test func `a statement that takes too long is ended by the server`() async throws {
    let quick = PostgresConnector(statementTimeout: .milliseconds(50))
    let session = try await quick.connect(server.superuser)
    let failure = await error { _ = try await session.query("SELECT pg_sleep(30)", []) }
    #expect(failure?.class == .timeout)
  }

  @Test func `a connection that dies under an effect leaves the outcome unknown`() async throws {
    let session = try await connector.connect(server.superuser)
    let failure = await error {
      _ = try await session.execute("SELECT pg_terminate_backend(pg_backend_pid())", [], under: .forTests())
    }
    #expect(failure?.class == .unknownOutcome)
    let later = await error { _ = try await session.query("SELECT 1", []) }
    #expect(later?.class == .network)
  }

  @Test func `a cancelled task ends its statement's wait`() async throws {
    let session = try await connector.connect(server.superuser)
    let task = Task { await error { _ = try await session.query("SELECT pg_sleep(20)", []) } }
    task.cancel()
    #expect(await task.value?.class == .cancelled)
  }

  @Test func `sessions run side by side`() async throws {
    let (connector, login) = (connector, server.superuser)
    try await withThrowingTaskGroup(of: [[String?]].self) { group in
      for index in 0..<8 {
        group.addTask {
          let session = try await connector.connect(login)
          let rows = try await session.query("SELECT \(index)", [])
          await session.close()
          return rows
        }
      }
      var seen: Set<String> = []
      for try await rows in group { seen.insert(rows.first?.first.flatMap { $0 } ?? "") }
      #expect(seen == Set((0..<8).map(String.init)))
    }
  }
}
