import Capabilities
import Foundation
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
}
