import Foundation
import Secrets
import TestSupport
import Testing

/// The admin's password was told to whoever had any certificate of the given authority.
@Suite struct RedisCertificateTests {
  @Test(arguments: [("DNS:other.example.org", Int32(77)), ("DNS:localhost", 11)])
  func `a certificate under tls_ca counts with the name of its host`(names: String, status: Int32)
    async throws
  {
    let authority = try await CertificateAuthority()
    let (certificate, key) = try await authority.sign(names)
    var started: (server: RedisServer, port: Int)?
    for _ in 0..<3 where started == nil {
      let port = try SupervisedServer.freePort()
      // Perhaps somebody else took the port.
      started = try? (
        RedisServer(settings: [
          "bind 127.0.0.1", "tls-port \(port)", "tls-cert-file \(certificate)", "tls-key-file \(key)",
          "tls-auth-clients no", "tls-ca-cert-file \(authority.path)",
        ]), port
      )
    }
    let (server, port) = try #require(started)
    let (name, leaked) = try await server.makeUser()
    let home = try TemporaryDirectory()
    try """
    staunch: 1
    credentials:
      cache: {kind: redis, host: localhost, port: \(port), tls: on, tls_ca: "\(authority.path)", user: \(name),
        admin_user: admin, admin_password: "env:ADMIN"}
    """.write(toFile: home.path("staunch.yaml"), atomically: true, encoding: .utf8)
    let outcome = try await StaunchBinary(home: home.path, workingDirectory: home.path).run(
      ["credential", "verify", "cache", "--secret", "env:LEAKED"],
      environment: ["ADMIN": server.adminPassword.exposeAsText(), "LEAKED": leaked.exposeAsText()])
    #expect(outcome.status == status, "\(outcome.output)\(outcome.errors)")
    if status == 77 { #expect(outcome.errors.contains("certificate"), "\(outcome.errors)") }
  }
}
