import Capabilities
import CredentialProviders
import Foundation
import Incidents
import JSON
import Secrets
import TestSupport
import Testing

/// An answer that cannot be read is no count of zero, and no user that is not there.
@Suite struct UnreadableAnswerTests {
  private static let own = "id=1 addr=127.0.0.1:1 age=0 user=admin cmd=client|list\n"

  private static func redis(_ connections: String, user: RedisReply = .value(.null)) throws
    -> any CredentialProvider
  {
    try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "cache", kind: "redis",
        settings: ["user": "app", "admin_user": "admin", "admin_password": "env:A"],
        position: "staunch.yaml:1:1"),
      in: .forTests(
        redis: SaysAlways(connections: connections, user: user), secrets: ["env:A": Secret("pw")]))
  }

  @Test(arguments: ["id=7 addr=10.0.0.1:2 user=app", "id=7 age=9", "age=9 user=app", "id=7 age=x user=app"])
  func `a connection that cannot be read is not left out of the count`(_ line: String) async throws {
    let provider = try Self.redis(Self.own + line + "\n")
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.endSessions(CredentialRef("app"), before: Date(), under: .forTests())
    }
    #expect(error?.class == .serverError)
  }

  @Test func `the connections of others are nobody's business`() async throws {
    let provider = try Self.redis(Self.own + "id=7 addr=10.0.0.1:2 age=9 user=other\n")
    let count = try await provider.endSessions(CredentialRef("app"), before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 0, ended: 0, left: 0))
  }

  @Test func `a list without our own connection is no list of connections`() async throws {
    let provider = try Self.redis("id=7 addr=10.0.0.1:2 age=9 user=other cmd=get\n")
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.endSessions(CredentialRef("app"), before: Date(), under: .forTests())
    }
    #expect(error?.class == .serverError)
  }

  @Test func `a user who may not be looked at is no user that is not there`() async throws {
    let error = await #expect(throws: CapabilityError.self) {
      try await Self.redis(Self.own, user: .error("NOPERM")).inspect(CredentialRef("app"))
    }
    #expect(error?.class == .refused)
  }

  private static func postgres(_ server: AnswersOddly) throws -> any CredentialProvider {
    try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "db", kind: "postgres",
        settings: [
          "host": "127.0.0.1", "database": "shop", "role": "app", "admin_user": "rotator",
          "admin_password": "env:A",
        ], position: "staunch.yaml:1:1"),
      in: .forTests(postgres: server, secrets: ["env:A": Secret("pw")]))
  }

  private static let oddCounts: [[[String?]]] = [[], [[nil]], [["many"]], [["-1"]]]

  @Test(arguments: oddCounts.indices)
  func `a server that tells no number of sessions has not ended them`(_ index: Int) async throws {
    let provider = try Self.postgres(AnswersOddly(count: Self.oddCounts[index]))
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.endSessions(CredentialRef("app"), before: Date(), under: .forTests())
    }
    #expect(error?.class == .serverError)
    #expect(error?.operation == "count sessions")
  }

  @Test func `a database whose owner is not told is not worked in`() async throws {
    let provider = try Self.postgres(AnswersOddly(owner: [["false", nil]], count: [["0"]]))
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.endSessions(CredentialRef("app"), before: Date(), under: .forTests())
    }
    #expect(error?.class == .serverError)
    #expect(error?.because == "the server does not say whose database it is")
  }
}

/// A server that stands alone, and says the same to everybody.
private struct SaysAlways: RedisConnector, RedisSession {
  let connections: String
  let user: RedisReply

  func connect(_ login: RedisLogin) async throws(CapabilityError) -> any RedisSession { self }
  func tryLogin(_ login: RedisLogin) async -> LoginOutcome { .rejected(code: "WRONGPASS") }
  func addresses(of host: String) async throws(CapabilityError) -> [String] { [] }
  func ask(_ questions: [RedisQuestion]) async throws(CapabilityError) -> [RedisReply] {
    questions.map { question in
      switch question.words[0] {
      case "CLIENT": .value(.string(connections))
      case "ACL": user
      case "INFO":
        .value(
          "run_id:a\r\nmaster_replid:b\r\nrole:master\r\nconnected_slaves:0\r\ncluster_enabled:0\r\n")
      default: .error("NOPERM")
      }
    }
  }
  func change(_ commands: [[String]], under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> [RedisReply]
  { commands.map { _ in .value("OK") } }
  func close() async {}
}

/// A server of which every session is let in.
private struct AnswersOddly: SQLConnector, SQLSession {
  /// Whether the leaked role is a superuser, and owns the database.
  var owner: [[String?]] = [["false", "f"]]
  /// How many sessions it has.
  let count: [[String?]]

  func connect(_ login: SQLLogin) async throws(CapabilityError) -> any SQLSession { self }
  func tryLogin(_ login: SQLLogin) async -> LoginOutcome { .accepted }
  func query(_ statement: String, _ parameters: [String?]) async throws(CapabilityError) -> [[String?]] {
    if statement.contains("datdba") { return owner }
    return statement.contains("clock_timestamp") ? [["\(Date().timeIntervalSince1970)"]] : count
  }
  func execute(_ statement: String, _ parameters: [String?], under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> [[String?]]
  { count }
  func passwordVerifier(for password: Secret, user: String) async throws(CapabilityError) -> String { "" }
  func quotedIdentifier(_ name: String) throws(CapabilityError) -> String { name }
  func quotedLiteral(_ text: String) throws(CapabilityError) -> String { text }
  func close() async {}
}
