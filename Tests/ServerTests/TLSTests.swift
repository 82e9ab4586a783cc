import Foundation
import Secrets
import TestSupport
import Testing

@testable import Server

/// TLS that ends here, by openssl's own client.
@Suite(.timeLimit(.minutes(3))) struct TLSTests {
  private let directory: TemporaryDirectory
  private var tls: ReceiverSettings.TLS {
    ReceiverSettings.TLS(certificate: directory.path("server.pem"), key: .file(directory.path("server.key")))
  }

  init() async throws {
    directory = try TemporaryDirectory()
    for name in ["server", "client", "stranger"] {
      _ = try await Program.run(
        [
          "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
          "-keyout",
          name + ".key", "-out", name + ".pem", "-subj", "/CN=" + name, "-days", "2", "-addext",
          "subjectAltName=IP:127.0.0.1",
        ], in: directory.path)
    }
  }

  private func curl(_ port: Int, _ extra: [String]) async throws -> String {
    try await Program.run(
      ["curl", "-sS", "--noproxy", "*", "--cacert", directory.path("server.pem")] + extra
        + ["https://127.0.0.1:\(port)/healthz"], in: directory.path)
  }

  @Test func `TLS 1.2 and 1.3 are served, 1.1 is not`() async throws {
    try await RunningReceiver.with(tls: tls) { server async throws in
      for version in ["1.2", "1.3"] {
        #expect(try await curl(server.port, ["--tlsv" + version, "--tls-max", version]) == "ok\n")
      }
      await #expect(throws: Program.Failure.self) {
        try await curl(server.port, ["--tls-max", "1.1", "--ciphers", "DEFAULT:@SECLEVEL=0"])
      }
    }
  }

  @Test(arguments: ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "AES128-SHA"])
  func `TLS 1.2 has forward secrecy and authenticated encryption only`(cipher: String) async throws {
    try await RunningReceiver.with(tls: tls) { server async throws in
      await #expect(throws: Program.Failure.self) {
        try await curl(server.port, ["--tls-max", "1.2", "--ciphers", cipher])
      }
      let good = "ECDHE-ECDSA-AES128-GCM-SHA256"
      #expect(try await curl(server.port, ["--tls-max", "1.2", "--ciphers", good]) == "ok\n")
    }
  }

  @Test func `with an authority of clients, only its clients are served`() async throws {
    var tls = tls
    tls.clientCA = directory.path("client.pem")
    try await RunningReceiver.with(tls: tls) { server async throws in
      #expect(try await curl(server.port, ["--cert", "client.pem", "--key", "client.key"]) == "ok\n")
      await #expect(throws: Program.Failure.self) { try await curl(server.port, []) }
      await #expect(throws: Program.Failure.self) {
        try await curl(server.port, ["--cert", "stranger.pem", "--key", "stranger.key"])
      }
    }
  }

  @Test func `a handshake that does not end is closed`() async throws {
    let limits = ReceiverLimits.roomy { $0.handshakeSeconds = 0.05 }
    try await RunningReceiver.with(limits: limits, tls: tls) { server async throws in
      let connection = try await server.connect()
      try await connection.send([0x16, 0x03, 0x01])
      _ = try await connection.rest()
    }
  }

  @Test func `after the handshake the head's deadline counts`() async throws {
    let limits = ReceiverLimits.roomy { $0.headerSeconds = 0.2 }
    try await RunningReceiver.with(limits: limits, tls: tls) { server async throws in
      // Standard input stays open, so only the server ends it.
      let text = try await Program.run(
        [
          "sh", "-c",
          "mkfifo f; exec 3<>f; openssl s_client -quiet -connect 127.0.0.1:\(server.port) <f 2>&1 || true",
        ],
        in: directory.path)
      #expect(!text.contains("200 OK"))
    }
  }

  @Test func `a key that is not the certificate's stops the start`() async throws {
    var tls = tls
    tls.key = .file(directory.path("client.key"))
    await #expect(throws: SettingsError.self) {
      try await RunningReceiver.with(tls: tls) { _ in }
    }
  }
}
