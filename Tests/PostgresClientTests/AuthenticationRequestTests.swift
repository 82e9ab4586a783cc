import Capabilities
import Foundation
import PostgresClient
import Secrets
import TestSupport
import Testing

/// A server that asks for the password in clear, or for its MD5, as whoever answers in its place would.
@Suite struct AuthenticationRequestTests {
  private let connector = PostgresConnector()

  /// A server whose first rule for `role` is `method`.
  private func ask(_ role: SQLLogin, for method: String, at server: PostgresServer) async throws {
    let path = server.directory + "/data/pg_hba.conf"
    let rules = try String(contentsOfFile: path, encoding: .utf8)
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.write(contentsOf: Data("host all \(role.user) 127.0.0.1/32 \(method)\n\(rules)".utf8))
    try handle.close()
    if method == "md5" {
      let password = try #require(role.password).exposeAsText()
      try await server.sql(
        "SET password_encryption = md5; ALTER ROLE \(role.user) PASSWORD '\(password)'", isLogged: false)
    }
    try await server.sql("SELECT pg_reload_conf()")
  }

  private func check(_ role: SQLLogin) async {
    let error = await #expect(throws: CapabilityError.self) { try await connector.connect(role) }
    #expect(error?.class == .unsafe)
    #expect(error?.because.contains("it was not told") == true)
    guard case .undecided(let code) = await connector.tryLogin(role) else {
      Issue.record("a login was decided")
      return
    }
    #expect(code.contains("in clear"))
  }

  @Test(arguments: ["password", "md5"])
  func `a password is sent neither in clear nor as MD5`(method: String) async throws {
    let server = try PostgresServer()
    let role = try await server.makeRole()
    #expect(await connector.tryLogin(role) == .accepted)
    try await ask(role, for: method, at: server)
    await check(role)
  }

  @Test(arguments: ["password", "md5"])
  func `nor within TLS, to a server that nobody has verified`(method: String) async throws {
    let server = try PostgresServer(settings: ["ssl": "on"])
    var role = try await server.makeRole()
    role.tls = "require"
    #expect(await connector.tryLogin(role) == .accepted)
    try await ask(role, for: method, at: server)
    await check(role)
    role.tls = "prefer"
    await check(role)
  }

  @Test func `verify-full lets in no server whose certificate is not believed, and one that is`() async throws
  {
    let server = try PostgresServer(settings: ["ssl": "on"])
    var role = try await server.makeRole()
    role.tls = "verify-full"
    #expect(await connector.tryLogin(role) == .undecided(code: "no connection"))
    role.certificateAuthorities = server.directory + "/data/server.crt"
    #expect(await connector.tryLogin(role) == .accepted)
  }
}
