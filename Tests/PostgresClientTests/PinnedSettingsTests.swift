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

  @Test func `a library that is preloaded for the database ends the session before anything is asked`()
    async throws
  {
    let owner = try await ownedDatabase()
    try await server.sql("ALTER DATABASE \(owner.database) SET session_preload_libraries = 'auto_explain'")
    let error = await #expect(throws: CapabilityError.self) {
      try await connector.connect(admin(in: owner.database))
    }
    #expect(error?.class == .unsafe)
    #expect(error?.because.contains("session_preload_libraries") == true)
  }

  @Test func `a role that the database pre-sets is not ours`() async throws {
    let owner = try await ownedDatabase()
    try await server.sql("ALTER DATABASE \(owner.database) SET role = 'pg_monitor'")
    let session = try await connector.connect(admin(in: owner.database))
    #expect(try await session.query("SELECT current_user = session_user", []) == [["t"]])
  }
}
