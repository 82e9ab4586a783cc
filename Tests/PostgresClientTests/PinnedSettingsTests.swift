import Capabilities
import Foundation
import PostgresClient
import Secrets
import TestSupport
import Testing

/// A database whose owner prepares it for the administrator who will come.
@Suite struct PinnedSettingsTests {
  private let server: PostgresServer
  private let connector = PostgresConnector()

  init() throws { server = try PostgresServer.shared() }

  /// A database that belongs to a role of its own, and that role's login.
  private func ownedDatabase() async throws -> SQLLogin {
    var owner = try await server.makeRole()
    owner.database = "db_" + owner.user
    try await server.sql("CREATE DATABASE \(owner.database) OWNER \(owner.user)")
    return owner
  }

  private func admin(in database: String) -> SQLLogin {
    var login = server.superuser
    login.database = database
    return login
  }

  @Test func `a database's owner gives us neither names nor code nor a read-only session`() async throws {
    let owner = try await ownedDatabase()
    let own = try await connector.connect(owner)
    for statement in [
      "CREATE SCHEMA evil",
      "CREATE TABLE evil.hits (at pg_catalog.text)",
      "GRANT USAGE ON SCHEMA evil TO PUBLIC", "GRANT INSERT ON evil.hits TO PUBLIC",
      "CREATE VIEW evil.pg_stat_activity AS SELECT 1 AS pid WHERE false",
      """
      CREATE FUNCTION evil.pg_backend_pid() RETURNS pg_catalog.int4 LANGUAGE sql AS
      $$ INSERT INTO evil.hits VALUES (current_user); SELECT 1 $$
      """,
      "ALTER DATABASE \(owner.database) SET search_path = evil, pg_catalog",
      "ALTER DATABASE \(owner.database) SET default_transaction_read_only = on",
      "ALTER DATABASE \(owner.database) SET statement_timeout = 1",
    ] { _ = try await own.execute(statement, [], under: .forTests()) }
    let session = try await connector.connect(admin(in: owner.database))
    #expect(try await session.query("SELECT count(*) > 0 FROM pg_stat_activity", []) == [["t"]])
    #expect(try await session.query("SELECT pg_backend_pid() > 1", []) == [["t"]])
    let role = "made_" + owner.user
    _ = try await session.execute("CREATE ROLE \(role)", [], under: .forTests())
    #expect(try await session.query("SELECT count(*) FROM evil.hits", []) == [["0"]])
    await session.close()
    await own.close()
  }

  @Test(arguments: [
    "session_preload_libraries = 'auto_explain'", "local_preload_libraries = ''", "role = 'pg_monitor'",
  ])
  func `a preloaded library or another role, pre-set, ends the session before anything is asked`(
    _ setting: String
  ) async throws {
    let owner = try await ownedDatabase()
    try await server.sql("ALTER DATABASE \(owner.database) SET \(setting)")
    let error = await #expect(throws: CapabilityError.self) {
      let session = try await connector.connect(admin(in: owner.database))
      // `role` is pinned, so that one is no danger any more: what counts is who we are.
      #expect(setting.hasPrefix("role"))
      #expect(try await session.query("SELECT current_user = session_user", []) == [["t"]])
      throw CapabilityError(.unsafe, "role", because: "pinned")
    }
    #expect(error?.class == .unsafe)
  }
}
