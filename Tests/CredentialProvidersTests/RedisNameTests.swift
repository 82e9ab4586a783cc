import Capabilities
import CredentialProviders
import Foundation
import Incidents
import JSON
import RedisClient
import Secrets
import TestSupport
import Testing

/// A certificate counts with its name: a chain that leads to the right authority does not say whose it is.
@Suite struct RedisNameTests {
  private func provider(_ settings: [String: JSONValue], admin: Secret = Secret("not-this-one")) throws
    -> RedisUser
  {
    let all: [String: JSONValue] = ["user": "app", "admin_user": "admin", "admin_password": "env:A"]
    return try RedisUser(
      TargetConfiguration(
        name: "cache", kind: "redis", settings: all.merging(settings) { _, new in new },
        position: "staunch.yaml:1:1"),
      in: .forTests(
        redis: RESPConnector(), secrets: ["env:A": admin]))
  }

  @Test func `another machine is believed by an authority that was given, never by any public one`() throws {
    for settings: [String: JSONValue] in [
      ["host": "cache.example"], ["host": "cache.example", "tls": "on"], ["host": "192.0.2.7"],
    ] {
      let error = #expect(throws: CapabilityError.self) { try provider(settings) }
      #expect(error?.class == .configuration)
      #expect(error?.fix?.contains("tls_ca") == true)
    }
    _ = try provider(["host": "cache.example", "tls_ca": "/etc/staunch/cache.pem"])
    _ = try provider(["host": "127.0.0.1"])
  }

  @Test func `a server with a certificate of somebody else's authority is told nothing`() async throws {
    let directory = try TemporaryDirectory()
    for name in ["own", "other"] {
      _ = try await Program.run(
        [
          "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
          "-days",
          "2", "-subj", "/CN=\(name)", "-keyout", directory.path(name + ".key"), "-out",
          directory.path(name + ".pem"),
        ], in: directory.path)
    }
    var started: (server: RedisServer, port: Int)?
    for _ in 0..<3 where started == nil {
      let port = try SupervisedServer.freePort()
      // Perhaps somebody else took the port.
      started = try? (
        RedisServer(settings: [
          "bind 127.0.0.1", "tls-port \(port)", "tls-cert-file \(directory.path("own.pem"))",
          "tls-key-file \(directory.path("own.key"))", "tls-auth-clients no",
        ]), port
      )
    }
    let (server, port) = try #require(started)
    let (name, leaked) = try await server.makeUser()
    let place: [String: JSONValue] = ["port": .integer(port), "tls": "on", "user": .string(name)]
    let deceived = try provider(
      place.merging(["tls_ca": .string(directory.path("other.pem"))]) { old, _ in old },
      admin: server.adminPassword)
    let before = try await server.run("INFO commandstats").split(whereSeparator: \.isNewline).first {
      $0.hasPrefix("cmdstat_auth")
    }
    await #expect(throws: CapabilityError.self) { try await deceived.inspect(CredentialRef(name)) }
    let after = try await server.run("INFO commandstats").split(whereSeparator: \.isNewline).first {
      $0.hasPrefix("cmdstat_auth")
    }
    // Only this test's own login stands between them.
    #expect(try calls(after) == (try calls(before)) + 1)
    let pinned = try provider(
      place.merging(["tls_ca": .string(directory.path("own.pem")), "tls_name": "own"]) { old, _ in old },
      admin: server.adminPassword)
    #expect(try await pinned.identify(leaked) == CredentialRef(name))
  }

  /// A server whose certificate is for `names`.
  private func start(_ authority: CertificateAuthority, _ names: String) async throws -> (
    RedisServer, port: Int
  ) {
    let (certificate, key) = try await authority.sign(names)
    for _ in 0..<3 {
      let port = try SupervisedServer.freePort()
      // Perhaps somebody else took the port.
      if let server = try? RedisServer(settings: [
        "bind 127.0.0.1", "tls-port \(port)", "tls-cert-file \(certificate)", "tls-key-file \(key)",
        "tls-auth-clients no", "tls-ca-cert-file \(authority.path)",
      ]) {
        return (server, port)
      }
    }
    throw SupervisedServer.Failure(description: "no port was free")
  }

  @Test func `a certificate of the right authority and another name is told nothing`() async throws {
    let authority = try await CertificateAuthority()
    let (wrong, port) = try await start(authority, "DNS:other.example.org")
    let (name, leaked) = try await wrong.makeUser()
    let settings: [String: JSONValue] = [
      "port": .integer(port), "tls": "on", "tls_ca": .string(authority.path), "user": .string(name),
    ]
    let before = try calls(try await wrong.run("INFO commandstats"))
    let deceived = try provider(settings, admin: wrong.adminPassword)
    for ask in [
      { try await deceived.verify(leaked, ref: nil) }, { try await deceived.verify(Secret("x"), ref: nil) },
    ] as [@Sendable () async throws -> CredentialProbe] {
      let error = await #expect(throws: CapabilityError.self) { try await ask() }
      #expect(
        error?.class == .unsafe && error?.because.contains("127.0.0.1") == true, "\(error?.because ?? "")")
    }
    let change = await #expect(throws: CapabilityError.self) {
      try await deceived.issue(marker: "m", generated: Secret("N3w"), under: .forTests())
    }
    #expect(change?.class == .unsafe)
    // Only this test's own login stands between them.
    #expect(try calls(try await wrong.run("INFO commandstats")) == before + 1)
    // By the name that it holds it is the right one.
    let named = try provider(
      settings.merging(["tls_name": "other.example.org"]) { old, _ in old }, admin: wrong.adminPassword)
    #expect(try await named.verify(leaked, ref: nil).state == .alive)
  }

  @Test func `over TLS the whole rotation is the same`() async throws {
    let authority = try await CertificateAuthority()
    let (server, port) = try await start(authority, "IP:127.0.0.1")
    let (name, leaked) = try await server.makeUser()
    let provider = try provider(
      ["port": .integer(port), "tls": "on", "tls_ca": .string(authority.path), "user": .string(name)],
      admin: server.adminPassword)
    let ref = try await provider.identify(leaked)
    let missing = await provider.readiness().filter { need in
      if case .ready = need.verdict { false } else { true }
    }
    #expect(missing.isEmpty, "\(missing)")
    let issued = try await provider.issue(marker: "m", generated: try provider.generate(), under: .forTests())
    #expect(try await provider.verify(issued.secret, ref: issued.ref).state == .alive)
    let connection = try server.openConnection(name, leaked)
    try await provider.disable(ref, leaked: leaked, replacedBy: issued.ref, under: .forTests())
    #expect(try await provider.verify(leaked, ref: ref) == CredentialProbe(.dead, code: "WRONGPASS"))
    #expect(try await provider.inspect(ref).facts["sessions"] == 1)
    let count = try await provider.endSessions(ref, before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 1, left: 0))
    connection.stop()
    server.stop()
    #expect(try await provider.verify(leaked, ref: ref).state == .unknown)
  }

  private func calls(_ statistics: String) throws -> Int {
    try calls(statistics.split(whereSeparator: \.isNewline).first { $0.hasPrefix("cmdstat_auth") })
  }

  private func calls(_ line: Substring?) throws -> Int {
    let match = try #require(line?.firstMatch(of: /calls=([0-9]+)/))
    return try #require(Int(match.1))
  }
}
