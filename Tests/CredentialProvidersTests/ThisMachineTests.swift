import Capabilities
import CredentialProviders
import Foundation
import Incidents
import JSON
import Secrets
import Synchronization
import TestSupport
import Testing

/// A name that only begins like this machine's address leads elsewhere: no password without TLS.
@Suite struct ThisMachineTests {
  private static func make(_ kind: String, _ settings: [String: JSONValue]) throws -> any CredentialProvider {
    let all = settings.merging(["admin_user": "admin", "admin_password": "env:A"]) { own, _ in own }
    return try CredentialProviderRegistry.make(
      TargetConfiguration(name: "it", kind: kind, settings: all, position: "staunch.yaml:1:1"),
      in: .forTests(postgres: TellsTLS(), secrets: ["env:A": Secret("pw")]))
  }

  @Test(arguments: [
    ("127.0.0.1", "prefer"), ("127.8.0.1", "prefer"), ("localhost", "prefer"), ("/run/postgresql", "prefer"),
    ("127.0.0.1.example.com", "verify-full"), ("127.example.com", "verify-full"), ("127.1", "verify-full"),
    ("10.0.0.7", "verify-full"),
  ])
  func `PostgreSQL: what libpq is told`(host: String, tls: String) async throws {
    let provider = try Self.make("postgres", ["host": .string(host), "database": "shop", "role": "app"])
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.endSessions(CredentialRef("app"), before: Date(), under: .forTests())
    }
    #expect(error?.operation == tls)
  }

  @Test(arguments: ["127.0.0.1", "db2.example.org"])
  func `PostgreSQL: each node is met by where it is, not by where the first one is`(host: String) async throws
  {
    let wire = LoginWitness()
    let provider = try CredentialProviderRegistry.make(
      TargetConfiguration(
        name: "it", kind: "postgres",
        settings: [
          "host": .string(host), "database": "shop", "role": "app", "admin_user": "admin",
          "admin_password": "env:A", "addresses": ["127.0.0.1:5432", "db2.example.org:5432"],
        ], position: "staunch.yaml:1:1"),
      in: .forTests(postgres: wire, secrets: ["env:A": Secret("pw")]))
    #expect(try await provider.verify(Secret("y"), ref: nil).state == .unknown)
    #expect(wire.seen.withLock { $0 } == ["127.0.0.1": "prefer", "db2.example.org": "verify-full"])
  }

  @Test func `Redis: elsewhere an authority is needed`() throws {
    _ = try Self.make("redis", ["host": "127.0.0.1", "user": "app"])
    let error = #expect(throws: CapabilityError.self) {
      try Self.make("redis", ["host": "127.0.0.1.example.com", "user": "app"])
    }
    #expect(error?.class == .configuration)
  }
}

private struct TellsTLS: SQLConnector {
  func connect(_ login: SQLLogin) async throws(CapabilityError) -> any SQLSession {
    throw CapabilityError(.unsafe, login.tls, because: "this server only tells how it would be asked")
  }
  func tryLogin(_ login: SQLLogin) async -> LoginOutcome { .undecided(code: login.tls) }
}

/// Lets nobody in, and keeps how each host was to be met.
private final class LoginWitness: SQLConnector {
  let seen = Mutex<[String: String]>([:])

  func connect(_ login: SQLLogin) async throws(CapabilityError) -> any SQLSession {
    seen.withLock { $0[login.host] = login.tls }
    throw CapabilityError(.network, "login", because: "nobody is there")
  }
  func tryLogin(_ login: SQLLogin) async -> LoginOutcome {
    seen.withLock { $0[login.host] = login.tls }
    return .undecided(code: "nobody is there")
  }
}
