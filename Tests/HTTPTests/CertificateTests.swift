import Capabilities
import Foundation
import HTTP
import Secrets
import TestSupport
import Testing

/// TLS against `openssl s_server`, a real TLS server with a certificate of its own.
@Suite struct CertificateTests {
  /// - Parameter wants: what else `s_server` is told, for example that a client must show a certificate.
  private static func server(_ directory: TemporaryDirectory, name: String, wants: String = "") async throws
    -> (SupervisedServer, Int)
  {
    try await Program.run(
      [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-days",
        "2", "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=\(name)", "-addext",
        "subjectAltName=DNS:\(name)",
      ], in: directory.path)
    let port = try SupervisedServer.freePort()
    let server = try SupervisedServer(
      """
      mkfifo "$1/out"
      openssl s_server -accept "127.0.0.1:$2" -cert "$1/cert.pem" -key "$1/key.pem" $3 -www >"$1/out" 2>&1 </dev/null &
      child=$!
      { read -r line; while ! case $line in ACCEPT*) true;; *) false;; esac; do read -r line || exit 1; done
        echo "ready"; exec cat >/dev/null; } <"$1/out" &
      cat >/dev/null
      kill "$child"
      """, arguments: [directory.path, "\(port)", wants])
    return (server, port)
  }

  @Test func `a certificate of an unknown authority is refused, and accepted when its authority is named`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let (server, port) = try await Self.server(directory, name: "localhost")
    defer { server.stop() }
    let url = "https://localhost:\(port)/"
    let error = await #expect(throws: CapabilityError.self) { try await CurlTransport().fetch(.get(url)) }
    #expect(error?.class == .network)
    #expect(error?.because.contains("certificate") == true)
    let options = TransportOptions(certificateAuthorities: directory.path("cert.pem"))
    #expect(try await CurlTransport(options).fetch(.get(url)).status == 200)
  }

  @Test func `a target's own authority and client certificate are for its requests alone`() async throws {
    let directory = try TemporaryDirectory()
    // The server believes clients that its own certificate vouches for.
    let (server, port) = try await Self.server(
      directory, name: "localhost",
      wants: "-Verify 1 -verify_return_error -CAfile \(directory.path("cert.pem"))")
    defer { server.stop() }
    let question = SafeRequest.get("https://localhost:\(port)/")
    let transport = CurlTransport()
    func fetch(_ trust: ServerTrust?) async throws -> HTTPResponse {
      try await transport.fetch(question.trusting(trust).alone(at: nil))
    }
    let (authority, key) = (directory.path("cert.pem"), directory.path("key.pem"))
    let stranger = await #expect(throws: CapabilityError.self) {
      try await fetch(ServerTrust(authorities: authority))
    }
    #expect(stranger?.class == .network)
    let known = ServerTrust(authorities: authority, certificate: authority, key: key)
    #expect(try await fetch(known).status == 200)
    // The next request without it believes nobody but the machine's own authorities.
    let error = await #expect(throws: CapabilityError.self) { try await fetch(nil) }
    #expect(error?.because.contains("certificate") == true)
  }

  /// Somebody takes an authority out of the file that staunch.yaml names: libcurl would believe it for a day.
  @Test func `an authority that its file no longer holds is no longer believed`() async throws {
    let directory = try TemporaryDirectory()
    let (server, port) = try await Self.server(directory, name: "localhost")
    defer { server.stop() }
    let other = try TemporaryDirectory()
    let (stranger, _) = try await Self.server(other, name: "localhost")
    stranger.stop()
    let file = directory.path("authorities.pem")
    func believe(_ certificate: String) throws {
      try String(contentsOfFile: certificate, encoding: .utf8)
        .write(toFile: file, atomically: true, encoding: .utf8)
    }
    let transport = CurlTransport()
    let question = SafeRequest.get("https://localhost:\(port)/").trusting(ServerTrust(authorities: file))
    try believe(directory.path("cert.pem"))
    #expect(try await transport.fetch(question.alone(at: nil)).status == 200)
    try believe(other.path("cert.pem"))
    let error = await #expect(throws: CapabilityError.self) {
      try await transport.fetch(question.alone(at: nil))
    }
    #expect(error?.because.contains("certificate") == true)
  }

  @Test func `authority, certificate and key may come from memory, and believe nobody else`() async throws {
    let directory = try TemporaryDirectory()
    let (server, port) = try await Self.server(
      directory, name: "localhost",
      wants: "-Verify 1 -verify_return_error -CAfile \(directory.path("cert.pem"))")
    defer { server.stop() }
    let transport = CurlTransport()
    func fetch(_ trust: ServerTrust) async throws -> HTTPResponse {
      try await transport.fetch(SafeRequest.get("https://localhost:\(port)/").trusting(trust))
    }
    func text(_ name: String) throws -> String {
      try String(contentsOfFile: directory.path(name), encoding: .utf8)
    }
    let (certificate, key) = (try text("cert.pem"), try text("key.pem"))
    let known = ServerTrust(
      authorityPEM: Secret(certificate), certificatePEM: Secret(certificate), keyPEM: Secret(key))
    #expect(try await fetch(known).status == 200)
    let both = Secret(certificate + key)
    #expect(try await fetch(ServerTrust(authorityPEM: both, certificatePEM: both)).status == 200)
    // What was shown on a kept connection is not lent to a question of another trust.
    let stranger = await #expect(throws: CapabilityError.self) {
      try await fetch(ServerTrust(authorityPEM: Secret(certificate)))
    }
    #expect(stranger?.class == .network)
    let other = try await CertificateAuthority()
    let authority = try withExtendedLifetime(other) {
      Secret(try String(contentsOfFile: other.path, encoding: .utf8))
    }
    let error = await #expect(throws: CapabilityError.self) {
      try await fetch(
        ServerTrust(authorityPEM: authority, certificatePEM: Secret(certificate), keyPEM: Secret(key)))
    }
    #expect(error?.because.contains("certificate could not be verified") == true)
    for (key, text) in [("no PEM", "hush"), ("another's", try await Self.key(in: directory))] {
      let error = await #expect(throws: CapabilityError.self, "\(key)") {
        try await fetch(
          ServerTrust(
            authorityPEM: Secret(certificate), certificatePEM: Secret(certificate), keyPEM: Secret(text)))
      }
      #expect(error?.because == "the client certificate or its key could not be used", "\(key)")
    }
  }

  private static func key(in directory: TemporaryDirectory) async throws -> String {
    try await Program.run(
      ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
      in: directory.path)
  }

  @Test func `two sources of a text are the same where the texts are`() {
    let (one, same, other) = (
      ServerTrust(authorityPEM: Secret("a")), ServerTrust(authorityPEM: Secret("a")),
      ServerTrust(authorityPEM: Secret("b"))
    )
    #expect(one == same && one.hashValue == same.hashValue)
    #expect(one != other && one != ServerTrust(authorities: "a"))
    #expect(!"\(one)".contains("\"a\""))
  }

  @Test func `a certificate for another name is refused`() async throws {
    let directory = try TemporaryDirectory()
    let (server, port) = try await Self.server(directory, name: "other.example")
    defer { server.stop() }
    let options = TransportOptions(certificateAuthorities: directory.path("cert.pem"))
    let error = await #expect(throws: CapabilityError.self) {
      try await CurlTransport(options).send(
        HTTPRequest(.post, "https://localhost:\(port)/"), under: .forTests())
    }
    #expect(error?.class == .network)
  }
}
