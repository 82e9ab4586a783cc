import Foundation
import Simulators
import Synchronization

/// A small HTTP/1.1 server on a free port of 127.0.0.1, one request for each connection.
///
/// It exists so that the `staunch` product needs no server framework. Requests have a `content-length` or no body; at
/// most 1 MiB. It is reachable from this machine only.
final class LoopbackServer: Sendable {
  typealias Answer = @Sendable (SimulatedRequest) async -> SimulatedReply

  let endpoint: SandboxEndpoint
  private let listener: Int32
  private let isStopped = Mutex(false)

  /// - Throws: ``DrillError`` when the kernel gives no port.
  init(_ answer: @escaping Answer) throws(DrillError) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 64) == 0
          && getsockname(listener, $0, &length) == 0
      }
    }
    guard isListening else {
      throw DrillError(
        .sandbox, "listen on 127.0.0.1", because: String(cString: strerror(errno)),
        fix: "allow this process to open sockets")
    }
    self.listener = listener
    endpoint = SandboxEndpoint(port: Int(UInt16(bigEndian: address.sin_port)))
    // `accept` and `recv` block, so they have threads of their own; these hold the descriptor only, not the server.
    // The first one alone closes the listener: closed elsewhere, its number could be another server's at the next accept.
    Thread.detachNewThread {
      defer { close(listener) }
      while true {
        let connection = accept(listener, nil, nil)
        if connection < 0, errno == EINTR { continue }
        guard connection >= 0 else { return }
        _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
        Thread.detachNewThread { Self.serve(connection, answer) }
      }
    }
  }

  /// Closes the port. Safe to repeat.
  func stop() {
    isStopped.withLock { isStopped in
      guard !isStopped else { return }
      isStopped = true
      shutdown(listener, Int32(SHUT_RDWR))  // ends accept, and whoever connects is refused
    }
  }

  deinit { stop() }

  private static func serve(_ connection: Int32, _ answer: @escaping Answer) {
    var limit = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    guard let request = RequestReader.read(connection) else {
      close(connection)
      return
    }
    // The answer may wait for a database; a thread cannot await, a task can. It owns the connection from here.
    Task {
      write(await answer(request), to: connection, isHead: request.method == "HEAD")
      shutdown(connection, Int32(SHUT_RDWR))
      close(connection)
    }
  }

  private static func write(_ reply: SimulatedReply, to connection: Int32, isHead: Bool) {
    guard case .answer(let status, let headers, let body) = reply else { return }
    var text = "HTTP/1.1 \(status) Drill\r\ncontent-length: \(body.count)\r\nconnection: close\r\n"
    for (name, value) in headers.sorted(by: { $0.key < $1.key }) { text += "\(name): \(value)\r\n" }
    let bytes = Array((text + "\r\n").utf8) + (isHead ? [] : Array(body))
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        send(connection, buffer.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }  // the client is gone
      sent += count
    }
  }
}
