import Capabilities
import Foundation
import JSON
import RedisClient
import Secrets
import TestSupport
import Testing

/// The client against a real Redis server.
@Suite struct RESPConnectorTests {
  private let server: RedisServer
  private let connector = RESPConnector()

  init() throws { server = try RedisServer.shared() }

  private func error(_ body: () async throws -> Void) async -> CapabilityError? {
    do {
      try await body()
      return nil
    } catch {
      return error as? CapabilityError
    }
  }

  private func login(_ user: String, _ password: Secret?) -> RedisLogin {
    RedisLogin(host: server.socket, port: 0, user: user, password: password, tls: nil)
  }

  @Test func `a login is accepted, rejected or undecided, each by the server's word`() async throws {
    let (name, password) = try await server.makeUser()
    #expect(await connector.tryLogin(login(name, password)) == .accepted)
    #expect(await connector.tryLogin(login(name, Secret("wrong"))) == .rejected(code: "WRONGPASS"))
    #expect(await connector.tryLogin(login("no-such-user", password)) == .rejected(code: "WRONGPASS"))
    #expect(await connector.tryLogin(login(name, nil)) == .undecided(code: "no password to try"))
    var away = login(name, password)
    away.host = "/nonexistent/socket"
    #expect(await connector.tryLogin(away) == .undecided(code: "no connection"))
  }

  @Test(arguments: ["two words", "\r\nFLUSHALL\r\n", "\"'\\", "päß", "$1 *2"])
  func `no character of a word or a password has a meaning of its own`(text: String) async throws {
    let session = try await connector.connect(login("admin", server.adminPassword))
    let user = "user-" + UUID().uuidString.prefix(8)
    let replies = try await session.change(
      [["ACL", "SETUSER", user, "on", ">" + text, "~*", "+@all"], ["SET", user, text], ["GET", user]],
      under: .forTests())
    #expect(replies == [.value("OK"), .value("OK"), .value(.string(text))])
    #expect(await connector.tryLogin(login(user, Secret(text))) == .accepted)
  }

  @Test func `every question has its answer, also those that the server refuses`() async throws {
    let (name, password) = try await server.makeUser("+client|list +info")
    let session = try await connector.connect(login(name, password))
    let replies = try await session.ask([.connections, .user("x"), .facts("server", "replication")])
    #expect(replies.count == 3)
    #expect(replies[0].lines?.contains { $0.contains("user=\(name)") } == true)
    #expect(replies[1] == .error("NOPERM"))
    #expect(replies[2].lines?.contains("role:master") == true)
    await session.close()
    let later = await error { _ = try await session.ask([.connections]) }
    #expect(later?.class == .network)
  }

  @Test func `a connection that the server ends under an effect leaves the outcome unknown`() async throws {
    let (name, password) = try await server.makeUser("~* +@all")
    let session = try await connector.connect(login(name, password))
    let lost = await error {
      _ = try await session.change(
        [["CLIENT", "KILL", "USER", name, "SKIPME", "no"], ["PING"]], under: .forTests())
    }
    #expect(lost?.class == .unknownOutcome)
    // Nothing is sent over it any more, so nothing is unknown.
    #expect(await error { _ = try await session.change([["PING"]], under: .forTests()) }?.class == .network)
    let asked = try await connector.connect(login(name, password))
    try await server.run("CLIENT KILL USER \(name)")
    #expect(await error { _ = try await asked.ask([.connections]) }?.class == .network)
  }

  @Test func `a server that does not answer is waited for until the deadline, and a wait ends with its task`()
    async throws
  {
    let silent = try SilentServer()
    var login = RedisLogin(
      host: "127.0.0.1", port: silent.port, user: "app", password: Secret("hush"), tls: nil)
    login.timeout = .milliseconds(100)
    let late = await error { _ = try await connector.connect(login) }
    #expect(late?.class == .network && late?.because.contains("no answer within") == true)
    #expect(await connector.tryLogin(login) == .undecided(code: "timed out"))
    login.tls = .init(name: "127.0.0.1", authorities: nil)
    #expect(await connector.tryLogin(login) == .undecided(code: "timed out"))
    login.timeout = .seconds(60)
    let patient = login
    let task = Task { await error { _ = try await connector.connect(patient) } }
    task.cancel()
    #expect(await task.value?.class == .cancelled)
  }

  @Test func `a server that wants a certificate of the runner's gets the one that is named`() async throws {
    let authority = try await CertificateAuthority()
    let (certificate, key) = try await authority.sign("IP:127.0.0.1")
    let own = try await authority.sign("DNS:runner.example.org")
    var started: (server: RedisServer, port: Int)?
    for _ in 0..<3 where started == nil {
      let port = try SupervisedServer.freePort()
      // Perhaps somebody else took the port.
      started = try? (
        RedisServer(settings: [
          "bind 127.0.0.1", "tls-port \(port)", "tls-cert-file \(certificate)", "tls-key-file \(key)",
          "tls-auth-clients yes", "tls-ca-cert-file \(authority.path)",
        ]), port
      )
    }
    let (secure, port) = try #require(started)
    func login(_ certificate: String?, _ key: String?) -> RedisLogin {
      RedisLogin(
        host: "127.0.0.1", port: port, user: "admin", password: secure.adminPassword,
        tls: .init(
          name: "127.0.0.1", authorities: authority.path, certificate: certificate, key: key))
    }
    #expect(await connector.tryLogin(login(own.certificate, own.key)) == .accepted)
    #expect(await connector.tryLogin(login(nil, nil)) == .undecided(code: "no connection"))
    let fix = await error { _ = try await connector.connect(login(nil, nil)) }?.fix
    #expect(fix?.contains("tls_certificate") == true)
    let misfit = await error { _ = try await connector.connect(login(own.certificate, key)) }
    #expect(misfit?.class == .configuration)
    withExtendedLifetime(authority) { secure.stop() }
  }
}

/// Takes connections and never says a word.
private final class SilentServer: Sendable {
  let port: Int
  private let descriptor: Int32

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0
          && getsockname(descriptor, $0, &length) == 0
      }
    }
    port = Int(UInt16(bigEndian: address.sin_port))
    guard isListening else { throw SupervisedServer.Failure(description: "no port was free") }
  }

  deinit { close(descriptor) }
}
