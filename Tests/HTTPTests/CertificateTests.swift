import Capabilities
import Foundation
import HTTP
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
