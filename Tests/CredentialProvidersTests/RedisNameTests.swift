import Capabilities
import CredentialProviders
import Foundation
import Incidents
import JSON
import LocalSystem
import Secrets
import TestSupport
import Testing

/// redis-cli checks that a certificate's chain leads to an authority, and not whose it is.
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
        processes: SubprocessRunner(environment: ["PATH": "/usr/bin:/bin"], redact: { $0 }),
        secrets: ["env:A": admin]))
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
      place.merging(["tls_ca": .string(directory.path("own.pem"))]) { old, _ in old },
      admin: server.adminPassword)
    #expect(try await pinned.identify(leaked) == CredentialRef(name))
  }

  private func calls(_ line: Substring?) throws -> Int {
    let match = try #require(line?.firstMatch(of: /calls=([0-9]+)/))
    return try #require(Int(match.1))
  }
}
