import Capabilities
import CredentialProviders
import Foundation
import Incidents
import JSON
import PostgresClient
import Secrets
import TestSupport
import Testing

/// The demonstration of the audit: the leaked role owns the database and prepares the stage for the administrator.
@Suite struct PostgresStageTests {
  private let server: PostgresServer
  private let connector = PostgresConnector()

  init() throws { server = try PostgresServer.shared() }

  private func provider(_ role: SQLLogin, _ rotator: SQLLogin, _ settings: [String: JSONValue] = [:]) throws
    -> PostgresRole
  {
    var all: [String: JSONValue] = [
      "host": .string(server.host), "port": .integer(server.port), "database": .string(role.database),
      "role": .string(role.user), "admin_user": .string(rotator.user), "admin_password": "env:ROTATOR",
    ]
    all.merge(settings) { _, new in new }
    return try PostgresRole(
      TargetConfiguration(name: "db", kind: "postgres", settings: all, position: "staunch.yaml:1:1"),
      in: .forTests(postgres: connector, secrets: ["env:ROTATOR": try #require(rotator.password)]))
  }

  @Test func `end-sessions over a prepared database ends the living session and runs nobody's function`()
    async throws
  {
    let (role, rotator) = try await server.preparedStage(connector)
    let living = try await connector.connect(role)
    let count = try await provider(role, rotator).endSessions(
      CredentialRef(role.user), before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 1, left: 0))
    await #expect(throws: CapabilityError.self) { try await living.query("SELECT 1", []) }
    #expect(
      try await server.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'backdoor_\(role.user)'") == "0")
  }

  @Test func `a database that the leaked role owns is no place for the runner, and it says which would be`()
    async throws
  {
    let (role, rotator) = try await server.preparedStage(connector)
    let prepared = try provider(role, rotator, ["admin_database": .string(role.database)])
    let error = await #expect(throws: CapabilityError.self) {
      try await prepared.endSessions(CredentialRef(role.user), before: Date(), under: .forTests())
    }
    #expect(error?.class == .unsafe)
    #expect(error?.fix?.contains("admin_database") == true)
  }

  @Test func `a member of the owner owns it too`() async throws {
    let (role, rotator) = try await server.preparedStage(connector)
    let owner = try await server.makeRole("NOLOGIN")
    try await server.sql("GRANT \(owner.user) TO \(role.user)")
    try await server.sql("ALTER DATABASE \(role.database) OWNER TO \(owner.user)")
    let prepared = try provider(role, rotator, ["admin_database": .string(role.database)])
    let error = await #expect(throws: CapabilityError.self) {
      try await prepared.inspect(CredentialRef(role.user))
    }
    #expect(error?.class == .unsafe)
  }

  @Test func `where the runner may not work is told, with what to grant`() async throws {
    let (role, rotator) = try await server.preparedStage(connector)
    let away = try provider(role, rotator, ["admin_database": "no_such_database"])
    let error = await #expect(throws: CapabilityError.self) {
      try await away.inspect(CredentialRef(role.user))
    }
    #expect(error?.fix?.contains("admin_database in staunch.yaml") == true)
  }
}
