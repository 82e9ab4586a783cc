import Capabilities
import Foundation
import MariaDBClient
import Secrets
import TestSupport
import Testing

/// The client against a real MariaDB server.
@Suite struct MariaDBConnectorTests {
  private let server: MariaDBServer
  private let connector = MariaDBConnector()

  init() throws { server = try MariaDBServer.shared() }

  private func error(_ body: () async throws -> Void) async -> CapabilityError? {
    do {
      try await body()
      return nil
    } catch {
      return error as? CapabilityError
    }
  }

  @Test(arguments: ["plain", "o'dd", "back\\slash", "na\"ïve'; DROP USER x; --", "$2 and $1"])
  func `a query brings rows with nulls, and parameters are literals of the server's own rules`(text: String)
    async throws
  {
    let session = try await connector.connect(try await server.makeUser())
    let rows = try await session.query("SELECT $1, NULL, $2 UNION ALL SELECT 'x', 1, $1", [text, nil])
    #expect(rows == [[text, nil, nil], ["x", "1", text]])
    let name = try session.quotedIdentifier("we`ird")
    #expect(try await session.query("SELECT 1 AS \(name)", []) == [["1"]])
    await session.close()
    let later = await error { _ = try await session.query("SELECT 1", []) }
    #expect(later?.class == .network)
  }

  @Test func `a query cannot write, takes one statement, and the session still works afterwards`()
    async throws
  {
    let rotator = try await server.makeRotator("CREATE, DROP, CREATE USER")
    let session = try await connector.connect(rotator)
    let two = await error { _ = try await session.query("SELECT 1; SELECT 2", []) }
    #expect(two?.class == .invalid)
    let name = "db_" + UUID().uuidString.prefix(8).lowercased()
    try await server.sql("CREATE DATABASE \(name); CREATE TABLE \(name).t (id INT)")
    let refusal = await error { _ = try await session.query("DROP TABLE \(name).t", []) }
    #expect(refusal?.description.contains("1792") == true)
    #expect(
      try await server.sql("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = '\(name)'")
        == "1")
    #expect(try await session.query("SELECT 1", []) == [["1"]])
  }

  @Test func `a login is accepted, rejected or undecided, each by its number`() async throws {
    let login = try await server.makeUser()
    #expect(await connector.tryLogin(login) == .accepted)
    #expect(await connector.tryLogin(server.login(login.user, Secret("wrong"))) == .rejected(code: "1045"))
    #expect(await connector.tryLogin(server.login(login.user, nil)) == .undecided(code: "no password to try"))
    try await server.sql("ALTER USER '\(login.user)'@'%' ACCOUNT LOCK")
    // Told only to whoever has the right password.
    #expect(await connector.tryLogin(login) == .rejected(code: "4151"))
    #expect(await connector.tryLogin(server.login(login.user, Secret("wrong"))) == .rejected(code: "1045"))
    var gone = login
    gone.port = try SupervisedServer.freePort()
    guard case .undecided = await connector.tryLogin(gone) else {
      Issue.record("a server that is not there decides")
      return
    }
  }

  @Test func `a password goes in clear to nobody who asks for it, and that is no refusal`() async throws {
    let impostor = try AsksInClear()
    var login = SQLLogin(
      host: "127.0.0.1", port: impostor.port, database: "", user: "app", password: Secret("hush-hush-hush"),
      tls: "disable")
    login.timeout = .seconds(5)
    #expect(await connector.tryLogin(login) == .weakAuthentication)
    #expect(!impostor.heard().contains("hush"))
  }

  @Test func `TLS means an authority that is believed and the name that was connected to`() async throws {
    let authority = try await CertificateAuthority()
    let (certificate, key) = try await authority.sign("IP:127.0.0.1")
    let secure = try MariaDBServer(settings: ["ssl_cert": certificate, "ssl_key": key])
    let other = try await CertificateAuthority()
    // Server and files live until the last login.
    defer { withExtendedLifetime((authority, other)) { secure.stop() } }
    var login = try await secure.makeUser()
    login.tls = "verify-full"
    login.certificateAuthorities = authority.path
    #expect(await connector.tryLogin(login) == .accepted)
    var wrong = login
    wrong.password = Secret("wrong")
    #expect(await connector.tryLogin(wrong) == .rejected(code: "1045"))
    var renamed = login
    renamed.host = "localhost"
    var disbelieved = login
    disbelieved.certificateAuthorities = other.path
    // The shared server has no TLS at all: no login goes there without it.
    var bare = try await server.makeUser()
    bare.tls = "verify-full"
    bare.certificateAuthorities = authority.path
    for refused in [renamed, disbelieved, bare] {
      guard case .undecided(let code) = await connector.tryLogin(refused) else {
        Issue.record("let in without the right certificate")
        continue
      }
      #expect(code.contains("2026"))
    }
  }

  @Test func `a connection that dies under an effect leaves the outcome unknown`() async throws {
    let session = try await connector.connect(try await server.makeUser())
    let id = try #require(try await session.query("SELECT CONNECTION_ID()", []).first?.first.flatMap { $0 })
    async let lost = error { _ = try await session.execute("DO SLEEP(20)", [], under: .forTests()) }
    while try await server.sql(
      "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = \(id) AND COMMAND = 'Query'")
      != "1"
    {}
    try await server.sql("KILL CONNECTION \(id)")
    #expect(await lost?.class == .unknownOutcome)
  }

  @Test func `a statement has a deadline, and a wait ends with its task`() async throws {
    let login = try await server.makeUser()
    let session = try await MariaDBConnector(statementTimeout: .milliseconds(300)).connect(login)
    let late = await error { _ = try await session.query("SELECT SLEEP(20)", []) }
    #expect(late?.class == .timeout)
    let patient = try await connector.connect(login)
    let task = Task { await error { _ = try await patient.query("SELECT SLEEP(20)", []) } }
    try await Task.sleep(for: .milliseconds(200))
    task.cancel()
    #expect(await task.value?.class == .cancelled)
  }

  @Test func `an error shows neither the statement's text nor the server's`() async throws {
    let session = try await connector.connect(try await server.makeRotator())
    let failure = await error {
      _ = try await session.execute(
        "ALTER USER 'nobody'@'%' IDENTIFIED BY 'hush-hush'", [], under: .forTests())
    }
    #expect(failure?.class == .notFound)
    #expect(failure?.operation == "ALTER USER")
    #expect(failure?.description.contains("hush") == false)
    #expect(failure?.description.contains("1396") == true)
  }
}

/// Answers as a server that wants the password in clear, and keeps what it hears.
private final class AsksInClear: Sendable {
  let port: Int
  private let server: SupervisedServer
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    port = try SupervisedServer.freePort()
    // Protocol 10, a salt of 20 bytes, capabilities PROTOCOL_41, SECURE_CONNECTION and PLUGIN_AUTH; then a request to
    // change to mysql_clear_password. Source: https://mariadb.com/kb/en/connection/
    try """
    import socket, sys
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(sys.argv[1])))
    listener.listen()
    print("ready", flush=True)
    def packet(number, body):
        return len(body).to_bytes(3, "little") + bytes([number]) + body
    greeting = (b"\\x0a10.11.0-MariaDB\\0" + bytes(4) + b"a" * 8 + b"\\0" + (0x8200).to_bytes(2, "little") + b"\\x21"
        + bytes(2) + (0x0008).to_bytes(2, "little") + b"\\x15" + bytes(10) + b"b" * 12 + b"\\0"
        + b"mysql_native_password\\0")
    while True:
        connection, _ = listener.accept()
        connection.sendall(packet(0, greeting))
        heard = connection.recv(65536)
        connection.sendall(packet(2, b"\\xfemysql_clear_password\\0"))
        heard += connection.recv(65536)
        open(sys.argv[2], "ab").write(heard)
        connection.close()
    """.write(toFile: directory.path("server.py"), atomically: true, encoding: .utf8)
    server = try SupervisedServer(
      """
      python3 "$1/server.py" "$2" "$1/heard" &
      child=$!
      cat >/dev/null
      # It has inherited the test process's mask, in which the signal that asks is blocked.
      kill -KILL "$child"
      """, arguments: [directory.path, "\(port)"])
  }

  func heard() -> String {
    String(decoding: FileManager.default.contents(atPath: directory.path("heard")) ?? Data(), as: UTF8.self)
  }
}
