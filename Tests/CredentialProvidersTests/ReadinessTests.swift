import Capabilities
import CredentialProviders
import Foundation
import JSON
import RedisClient
import PostgresClient
import Secrets
import TestSupport
import Testing

/// "Everything is ready" was said of a rotator that could neither change the password nor end a session.
@Suite struct PostgresReadinessTests {
  private let server: PostgresServer
  init() throws { server = try PostgresServer.shared() }

  /// What is missing for a rotator with these rights; names with their verdict otherwise.
  private func missing(_ options: String, _ rights: [String], role: String? = nil) async throws -> [String] {
    let leaked = try await server.makeRole("LOGIN")
    let rotator = try await server.makeRole(options)
    for right in rights { try await server.sql("GRANT \(right) TO \(rotator.user)") }
    let settings: [String: JSONValue] = [
      "host": .string(server.host), "port": .integer(server.port), "database": .string(server.database),
      "role": .string(role ?? leaked.user), "admin_user": .string(rotator.user),
      "admin_password": "env:ROTATOR",
    ]
    let provider = try PostgresRole(
      TargetConfiguration(name: "db", kind: "postgres", settings: settings, position: "staunch.yaml:1:1"),
      in: .forTests(
        postgres: PostgresConnector(), secrets: ["env:ROTATOR": try #require(rotator.password)]))
    return await provider.readiness().compactMap { found in
      if case .missing = found.verdict { found.what } else { nil }
    }
  }

  @Test func `A rotator without CREATEROLE or pg_signal_backend is not ready`() async throws {
    #expect(try await missing("LOGIN CREATEROLE", ["pg_signal_backend"]).isEmpty)
    #expect(try await missing("LOGIN", ["pg_signal_backend"]) == ["CREATEROLE"])
    #expect(try await missing("LOGIN CREATEROLE", []) == ["pg_signal_backend"])
    #expect(try await missing("LOGIN SUPERUSER", []).isEmpty)
  }

  @Test func `A role that the server does not have is not ready`() async throws {
    let found = try await missing("LOGIN CREATEROLE", ["pg_signal_backend"], role: "no_such_role")
    #expect(found == ["role no_such_role"])
  }

  @Test func `A rotator that is the leaked role itself is not ready`() async throws {
    let role = try await server.makeRole("LOGIN CREATEROLE")
    let settings: [String: JSONValue] = [
      "host": .string(server.host), "port": .integer(server.port), "database": .string(server.database),
      "role": .string(role.user), "admin_user": .string(role.user), "admin_password": "env:ROTATOR",
    ]
    let provider = try PostgresRole(
      TargetConfiguration(name: "db", kind: "postgres", settings: settings, position: "staunch.yaml:1:1"),
      in: .forTests(postgres: PostgresConnector(), secrets: ["env:ROTATOR": try #require(role.password)]))
    let found = await provider.readiness()
    #expect(found.map(\.what) == ["admin_user"])
  }
}

/// The rights that the documentation names are those that Redis 7 accepts and that suffice.
@Suite struct RedisReadinessTests {
  private let server: RedisServer
  init() throws { server = try RedisServer.shared() }

  @Test func `The documented rights of the runner's user are accepted and are enough, and fewer are named`()
    async throws
  {
    let (name, _) = try await server.makeUser()
    let summary = try #require(RedisUser.settings.first { $0.key == "admin_user" }?.summary)
    let rights = summary.split(separator: " ").filter { $0.hasPrefix("+") }
      .map { $0.trimmingCharacters(in: .punctuationCharacters) }.joined(separator: " ")
    let (admin, password) = try await server.makeUser(rights)
    func missing() async throws -> [String] {
      let provider = try RedisUser(
        TargetConfiguration(
          name: "cache", kind: "redis",
          settings: [
            "socket": .string(server.socket), "user": .string(name), "admin_user": .string(admin),
            "admin_password": "env:A",
          ], position: "staunch.yaml:1:1"),
        in: .forTests(
          redis: RESPConnector(), secrets: ["env:A": password]))
      return await provider.readiness().compactMap { found in
        if case .missing = found.verdict { found.what } else { nil }
      }
    }
    #expect(try await missing() == [])
    _ = try await server.run("ACL SETUSER \(admin) -client")
    #expect(try await missing() == ["CLIENT LIST", "CLIENT KILL"])
  }
}
