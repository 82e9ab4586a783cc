import Capabilities
import Foundation
import HTTP
import Synchronization
import TestSupport
import Testing

/// HTTP/2 against nghttpx, a real front that speaks both, with a server of the test behind it that sees `Via`.
@Suite struct HTTP2Tests {
  /// Counts the connections that come in, before nghttpx ends their TLS.
  private struct World {
    let backend: LoopbackServer
    let front: SupervisedServer
    let counter: TCPBalancer
    let accepted: Counter
    /// Its file is read at each connection.
    let authority: CertificateAuthority
    let transport: CurlTransport
    var url: String { "https://localhost:\(counter.port)" }
  }

  private final class Counter: Sendable {
    private let value = Mutex(0)
    var count: Int { value.withLock { $0 } }
    func add() { value.withLock { $0 += 1 } }
  }

  private static func world() async throws -> World {
    let backend = try LoopbackServer {
      $0.path == "/silent" ? .silence : .answer(200, body: Data($0.target.utf8))
    }
    let authority = try await CertificateAuthority()
    let (certificate, key) = try await authority.sign("DNS:localhost")
    let port = try SupervisedServer.freePort()
    let front = try SupervisedServer(
      """
      dir=$(mktemp -d)
      mkfifo "$dir/out"
      /usr/sbin/nghttpx --conf=/dev/null --single-process --workers=1 --frontend="127.0.0.1,$1" \
        --backend="127.0.0.1,$2" --no-ocsp --accesslog-file=/dev/null --errorlog-file=/dev/stdout -L INFO \
        "$4" "$3" >"$dir/out" 2>&1 </dev/null &
      child=$!
      { while read -r line; do case $line in *"Listening on"*) break;; esac; done
        case $line in *Listening*) echo ready;; esac; exec cat >/dev/null; } <"$dir/out" &
      cat >/dev/null
      kill "$child"
      rm -rf "$dir"
      """, arguments: ["\(port)", "\(backend.port)", certificate, key])
    let accepted = Counter()
    let counter = try TCPBalancer([port]) { _ in
      accepted.add()
      return 0
    }
    return World(
      backend: backend, front: front, counter: counter, accepted: accepted, authority: authority,
      transport: CurlTransport(TransportOptions(certificateAuthorities: authority.path)))
  }

  private static func versions(_ server: LoopbackServer) -> [String] {
    server.requests.map { String(($0.headers["via"] ?? "none").prefix { $0 != " " }) }
  }

  @Test func `questions at the same time share one HTTP/2 connection`() async throws {
    let world = try await Self.world()
    defer { world.front.stop() }
    let (transport, url) = (world.transport, world.url)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for index in 0..<40 {
        group.addTask { try await transport.fetch(.get(url + "/\(index)")).body == Data("/\(index)".utf8) }
      }
      for try await isRight in group { #expect(isRight) }
    }
    #expect(world.accepted.count == 1)
    #expect(Set(Self.versions(world.backend)) == ["2"])
  }

  @Test func `a proof's question and an effect are alone on a connection of HTTP/1.1, also beside HTTP/2`()
    async throws
  {
    let world = try await Self.world()
    defer { world.front.stop() }
    let question = SafeRequest.get(world.url + "/q")
    _ = try await world.transport.fetch(question)
    for count in 2...3 {
      #expect(try await world.transport.fetch(question.alone(at: "127.0.0.1")).status == 200)
      #expect(world.accepted.count == count)
    }
    _ = try await world.transport.send(HTTPRequest(.post, world.url + "/e"), under: .forTests())
    #expect(world.accepted.count == 4)
    #expect(Self.versions(world.backend) == ["2", "1.1", "1.1", "1.1"])
  }

  @Test func `cancelling one question leaves the others on its connection alone`() async throws {
    let world = try await Self.world()
    defer { world.front.stop() }
    let (transport, url) = (world.transport, world.url)
    let cancelled = Task {
      do throws(CapabilityError) {
        _ = try await transport.fetch(.get(url + "/silent"))
        return nil as CapabilityError?
      } catch { return error }
    }
    for await _ in world.backend.arrivals { break }
    cancelled.cancel()
    #expect(await cancelled.value?.class == .cancelled)
    #expect(try await transport.fetch(.get(url + "/second")).status == 200)
    #expect(world.accepted.count == 1)
  }

  /// A front that offers HTTP/2 and breaks it: each fault that a server can make of it.
  @Test(arguments: ["garbage", "goaway", "reset", "refused", "close"])
  func `a question whose HTTP/2 breaks is asked once more, over HTTP/1.1`(fault: String) async throws {
    let authority = try await CertificateAuthority()
    let (certificate, key) = try await authority.sign("DNS:localhost")
    let server = try SupervisedServer(
      "exec python3 -c \"$1\" \"$2\" \"$3\" \"$4\"", arguments: [Self.faulty, fault, certificate, key])
    defer { withExtendedLifetime(authority) { server.stop() } }
    let transport = CurlTransport(TransportOptions(certificateAuthorities: authority.path))
    let url = "https://localhost:\(server.announcement)/"
    #expect(try await transport.fetch(.get(url)).body == Data("ok".utf8))
    // An effect never goes where something could be sent again.
    #expect(
      try await transport.send(HTTPRequest(.post, url), under: .forTests()).body == Data("ok".utf8))
  }

  private static let faulty = """
    import os, socket, ssl, struct, sys, threading
    fault, certificate, key = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    server = socket.create_server(("127.0.0.1", 0))
    def frame(kind, stream, payload):
        return struct.pack(">I", len(payload))[1:] + bytes([kind, 0]) + struct.pack(">I", stream) + payload
    answers = {"garbage": b"x" * 100, "goaway": frame(7, 0, struct.pack(">II", 0, 1)),
        "reset": frame(3, 1, struct.pack(">I", 2)), "refused": frame(3, 1, struct.pack(">I", 7)), "close": b""}
    def serve(connection):
        with context.wrap_socket(connection, server_side=True) as tls:
            if tls.selected_alpn_protocol() == "http/1.1":
                tls.recv(9999)
                tls.sendall(b"HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nok")
                return
            tls.sendall(frame(4, 0, b""))
            tls.recv(9999)
            tls.sendall(answers[fault])
            if fault != "close":
                tls.recv(9999)
    def accept():
        while True:
            threading.Thread(target=serve, args=server.accept()[:1], daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    print("ready", server.getsockname()[1], flush=True)
    sys.stdin.read()
    os._exit(0)
    """
}
