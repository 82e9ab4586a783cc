import Capabilities
import Foundation
import JSON
import Secrets
import TestSupport
import Testing

/// "Everything is ready" was said of a role whose new password would let nobody in, and of a store that holds another
/// value than the one in use.
@Suite struct ReadyToRotateTests {
  /// One world: a role, its rotator with all documented rights, a store that holds its password.
  private struct World {
    let server: PostgresServer
    let role: SQLNames
    let home: TemporaryDirectory
    let binary: StaunchBinary

    struct SQLNames {
      let user: String
      let database: String
    }

    init(_ server: PostgresServer, database: String? = nil, stored: String? = nil) async throws {
      self.server = server
      let login = try await server.makeRole()
      let rotator = try await server.makeRole("LOGIN CREATEROLE IN ROLE pg_signal_backend")
      role = SQLNames(user: login.user, database: database ?? "db_" + login.user)
      if database == nil { try await server.sql("CREATE DATABASE \(role.database)") }
      home = try TemporaryDirectory()
      let env = home.path("app.env")
      let password = try #require(login.password).exposeAsText()
      let admin = try #require(rotator.password).exposeAsText()
      for (path, text) in [
        (env, "DB_PASSWORD=\(stored ?? password)\n"), (home.path("admin"), admin + "\n"),
      ] {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
      }
      try """
      staunch: 1
      credentials:
        db: {kind: postgres, host: \(server.host), port: \(server.port), database: \(role.database),
          role: \(role.user), admin_user: \(rotator.user), admin_password: "file:\(home.path("admin"))",
          tls: disable, store: env, key: DB_PASSWORD}
      stores:
        env: {kind: env-file, path: "\(env)"}
      """.write(toFile: home.path("staunch.yaml"), atomically: true, encoding: .utf8)
      binary = StaunchBinary(home: home.path, workingDirectory: home.path)
      try FileManager.default.createDirectory(
        atPath: home.path("state"), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    /// The lines of what is missing.
    func bad() async throws -> [String] {
      let outcome = try await binary.run(["doctor"])
      #expect(outcome.errors.contains("is ready") == (outcome.status == 0), "\(outcome.errors)")
      return outcome.output.split(separator: "\n").map(String.init).filter { $0.hasPrefix("BAD") }
    }
  }

  @Test func `a role, database and store that fit each other are ready`() async throws {
    #expect(try await World(PostgresServer.shared()).bad() == [])
  }

  @Test
  func
    `a password that no entry's provider knows is said to be nobody's, with the line that staunch yaml lacks`()
    async throws
  {
    let world = try await World(PostgresServer.shared())
    let report: JSONValue = [
      "schema": "staunch.findings/1",
      "findings": [["kind": "postgres_uri", "value": "N0body-Knows-This", "path": "a.py", "line": 1]],
    ]
    try report.canonicalText.write(
      toFile: world.home.path("r.json"), atomically: true, encoding: .utf8)
    let said = try await world.binary.run(["respond", "r.json"])
    #expect(said.status == 0, "\(said.errors)")
    #expect(said.output.contains("it is of none of db\n"), "\(said.output)")
    #expect(said.output.contains("add under credentials: postgres-uri: {kind: postgres, "), "\(said.output)")
  }

  @Test(arguments: [
    ("REVOKE CONNECT ON DATABASE $DATABASE FROM PUBLIC", "BAD  credential db: CONNECT"),
    ("ALTER DATABASE $DATABASE ALLOW_CONNECTIONS false", "BAD  credential db: database "),
    ("ALTER ROLE $ROLE NOLOGIN", "BAD  credential db: LOGIN"),
    ("ALTER ROLE $ROLE VALID UNTIL '2001-01-01'", "BAD  credential db: VALID UNTIL"),
    ("ALTER ROLE $ROLE CONNECTION LIMIT 0", "BAD  credential db: CONNECTION LIMIT"),
    ("ALTER ROLE $ROLE PASSWORD 'An0ther'", "BAD  store of db: value of DB_PASSWORD"),
  ])
  func `what keeps a new password from working is not ready`(statement: String, says: String) async throws {
    let world = try await World(PostgresServer.shared())
    try await world.server.sql(
      statement.replacing("$DATABASE", with: world.role.database).replacing("$ROLE", with: world.role.user),
      isLogged: false)
    let bad = try await world.bad()
    #expect(bad.contains { $0.hasPrefix(says) }, "\(bad)")
  }

  @Test func `a database that is not there, and an old value in the store, are not ready`() async throws {
    let server = try PostgresServer.shared()
    let nowhere = try await World(server, database: "nowhere").bad()
    #expect(nowhere.contains { $0.hasPrefix("BAD  credential db: database nowhere") }, "\(nowhere)")
    let old = try await World(server, stored: "AnOldOne").bad()
    #expect(old.contains { $0.hasPrefix("BAD  store of db: value of DB_PASSWORD") }, "\(old)")
  }

  @Test func `what a run has rotated is nobody's when it is planned or reported again: rotate it by hand`()
    async throws
  {
    let world = try await World(PostgresServer.shared())
    let stored = try String(contentsOfFile: world.home.path("app.env"), encoding: .utf8)
    let password = try #require(stored.split(separator: "=").last).trimmingCharacters(
      in: .whitespacesAndNewlines)
    let server = world.server
    let uri = "postgres://\(world.role.user):\(password)@\(server.host):\(server.port)/\(world.role.database)"
    let report: JSONValue = [
      "schema": "staunch.findings/1",
      "findings": [["kind": "postgres_uri", "value": .string(uri), "path": "a.env", "line": 1]],
    ]
    try report.canonicalText.write(
      toFile: world.home.path("report.json"), atomically: true, encoding: .utf8)
    func respond() async throws -> JSONValue {
      let outcome = try await world.binary.run(["respond", "report.json", "--json"])
      let document = try JSONValue(parsing: Data(outcome.output.utf8))
      return try #require(document["incidents"]?.array?.first, "\(outcome.errors)")
    }
    let first = try await respond()
    #expect(first["playbook"] == "rotate-leaked-credential")
    let done = try await world.binary.run([
      "run", first["plan"]?["id"]?.string ?? "", "--live", "--approve",
      first["plan"]?["digest"]?.string ?? "",
      "--no-input",
    ])
    #expect(done.status == 0, "\(done.errors) \(done.output.suffix(1000))")

    let planned = try await world.binary.run(["plan", first["id"]?.string ?? "", "--json"])
    let plan = try JSONValue(parsing: Data(planned.output.utf8))
    #expect(plan["playbook"] == "rotate-leaked-credential", "\(planned.errors)")
    #expect(try await respond()["playbook"] == "rotate-leaked-credential")
  }
}
