import TestSupport
import Testing

/// The test server itself.
@Suite struct PostgresServerTests {
  @Test func `the server runs, logs statements and wants passwords`() async throws {
    let server = try PostgresServer.shared()
    #expect(try await server.sql("SELECT 40 + 2") == "42")
    #expect(try server.log().contains("SELECT 40 + 2"))
    #expect(try await server.sql("SHOW password_encryption") == "scram-sha-256")
  }
}
