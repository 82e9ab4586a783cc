import Capabilities
import Foundation
import PostgresClient
import Secrets
import TestSupport
import Testing

/// A server that asks for the password in clear, or for its MD5, as whoever answers in its place would.
@Suite struct AuthenticationRequestTests {
  private let connector = PostgresConnector()

  /// A server that asks `weak` by `method`, and everybody else as usual.
  private func server(_ method: String, tls: Bool = false) throws -> PostgresServer {
    var settings = method == "md5" ? ["password_encryption": "md5"] : [:]
    if tls { settings["ssl"] = "on" }
    return try PostgresServer(settings: settings, rules: ["host all weak 127.0.0.1/32 \(method)"])
  }

  private func weak(_ server: PostgresServer) async throws -> SQLLogin {
    try await server.sql("CREATE ROLE weak LOGIN PASSWORD 'W3akPassw0rd'", isLogged: false)
    return server.login("weak", Secret("W3akPassw0rd"))
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
    let server = try server(method)
    await check(try await weak(server))
    withExtendedLifetime(server) {}
  }

  @Test(arguments: ["password", "md5"])
  func `nor within TLS, to a server that nobody has verified`(method: String) async throws {
    let server = try server(method, tls: true)
    var role = try await weak(server)
    for tls in ["require", "prefer"] {
      role.tls = tls
      await check(role)
    }
  }

  @Test func `a login that takes MD5 is answered, and one that asks for the password in clear is not`()
    async throws
  {
    let server = try server("md5")
    var role = try await weak(server)
    role.takesMD5 = true
    #expect(await connector.tryLogin(role) == .accepted)
    role.password = Secret("of-somebody-else")
    #expect(await connector.tryLogin(role) == .rejected(code: "28P01"))
    let inClear = try self.server("password")
    var clear = try await weak(inClear)
    clear.takesMD5 = true
    await check(clear)
    withExtendedLifetime((server, inClear)) {}
  }

  @Test func `SCRAM goes on as before, with TLS and without`() async throws {
    let server = try PostgresServer(settings: ["ssl": "on"])
    var role = try await server.makeRole()
    for tls in ["disable", "prefer", "require"] {
      role.tls = tls
      #expect(await connector.tryLogin(role) == .accepted)
      await (try connector.connect(role)).close()
    }
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
