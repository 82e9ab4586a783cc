public import Foundation
import Synchronization

/// A small HTTP/1.1 server on a free loopback port that records what it gets and answers by a closure.
///
/// It is a mock: what it proves is what we send and how we take an answer, not how a real provider behaves.
public final class LoopbackServer: Sendable {
  /// What arrived.
  public struct Request: Sendable {
    public let method: String
    /// Path and query as sent.
    public let target: String
    /// Names in lower case.
    public let headers: [String: String]
    public let body: Data
    /// The path without the query.
    public var path: String { String(target.prefix { $0 != "?" }) }
    /// The decoded query.
    public var query: [String: String] {
      let items = URLComponents(string: target)?.queryItems ?? []
      return Dictionary(items.map { ($0.name, $0.value ?? "") }) { _, last in last }
    }
  }

  /// What to do with a request.
  public enum Reply: Sendable {
    case answer(Int, headers: [String: String] = [:], body: Data = Data())
    /// Closes the connection without an answer: the reply is lost.
    case hangUp
    /// Never answers and keeps the connection open.
    case silence

    /// A JSON answer.
    public static func json(_ status: Int, _ text: String, headers: [String: String] = [:]) -> Reply {
      .answer(
        status, headers: headers.merging(["content-type": "application/json"]) { old, _ in old },
        body: Data(text.utf8))
    }
  }

  private struct State: Sendable {
    var requests: [Request] = []
    var connections: Set<Int32> = []
    var accepted = 0
    var isStopped = false
    var isListening = true
  }

  /// Shared with the threads, which outlive the server: a descriptor is closed and forgotten in one step, so that its number,
  /// which may be another server's by then, is never shut down.
  private final class Sockets: Sendable {
    let state = Mutex(State())
  }

  public let port: Int
  /// An address of this machine.
  public let host: String
  /// `http://127.0.0.1:<port>`, without a trailing slash.
  public var url: String { "http://\(host):\(port)" }
  /// Every request, as it arrives, before it is answered.
  public let arrivals: AsyncStream<Request>
  private let arrival: AsyncStream<Request>.Continuation
  private let listener: Int32
  private let sockets = Sockets()
  private let answer: @Sendable (Request) -> Reply

  /// - Parameters:
  ///   - host: of 127.0.0.0/8.
  ///   - wanted: the port; 0: a free one.
  public init(
    at host: String = "127.0.0.1", port wanted: Int = 0, _ answer: @escaping @Sendable (Request) -> Reply
  ) throws {
    self.answer = answer
    self.host = host
    (arrivals, arrival) = AsyncStream.makeStream()
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr(host)
    address.sin_port = UInt16(wanted).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let (listener, sockets) = (listener, sockets)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 64) == 0
          && getsockname(listener, $0, &length) == 0
      }
    }
    guard isListening else { throw SupervisedServer.Failure(description: "cannot listen: errno \(errno)") }
    port = Int(UInt16(bigEndian: address.sin_port))
    // The thread must not keep the server alive: only the descriptor and a weak reference go in.
    // The thread alone closes the listener: closed elsewhere, its number could already be another server's.
    Thread.detachNewThread { [weak self] in
      defer {
        sockets.state.withLock {
          $0.isListening = false
          close(listener)
        }
      }
      while true {
        let connection = accept(listener, nil, nil)
        if connection < 0, errno == EINTR { continue }
        guard connection >= 0 else { return }
        _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
        guard let self else {
          close(connection)
          return
        }
        self.serve(connection)
      }
    }
  }

  /// What arrived so far.
  public var requests: [Request] { sockets.state.withLock { $0.requests } }

  /// Connections that were opened so far.
  public var connectionCount: Int { sockets.state.withLock { $0.accepted } }

  /// Closes the port and every connection. Safe to repeat.
  public func stop() {
    sockets.state.withLock { state in
      guard !state.isStopped else { return }
      state.isStopped = true
      // Ends accept, and whoever connects is refused.
      if state.isListening { shutdown(listener, Int32(SHUT_RDWR)) }
      for connection in state.connections { shutdown(connection, Int32(SHUT_RDWR)) }
    }
    arrival.finish()
  }

  deinit { stop() }

  private func serve(_ connection: Int32) {
    sockets.state.withLock {
      $0.connections.insert(connection)
      $0.accepted += 1
    }
    Thread.detachNewThread { [weak self, sockets] in
      var reader = RequestReader(connection)
      while let request = reader.next() {
        guard let self else { break }
        sockets.state.withLock { $0.requests.append(request) }
        self.arrival.yield(request)
        guard self.write(self.answer(request), to: connection, isHead: request.method == "HEAD") else {
          break
        }
      }
      sockets.state.withLock {
        $0.connections.remove(connection)
        close(connection)
      }
    }
  }

  /// - Returns: false when the connection is over.
  private func write(_ reply: Reply, to connection: Int32, isHead: Bool) -> Bool {
    switch reply {
    case .hangUp: return false
    case .silence:
      var byte: UInt8 = 0
      while recv(connection, &byte, 1, 0) > 0 {}
      return false
    case .answer(let status, let headers, let body):
      var text = "HTTP/1.1 \(status) Status\r\ncontent-length: \(body.count)\r\n"
      for (name, value) in headers { text += "\(name): \(value)\r\n" }
      let bytes = Array((text + "\r\n").utf8) + (isHead ? [] : Array(body))
      var sent = 0
      while sent < bytes.count {
        let count = bytes.withUnsafeBytes { buffer in
          send(
            connection, buffer.baseAddress?.advanced(by: sent), bytes.count - sent,
            Int32(MSG_NOSIGNAL))
        }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        sent += count
      }
      return true
    }
  }
}

/// Reads HTTP/1.1 requests with a `content-length` from a connection.
private struct RequestReader {
  private let connection: Int32
  private var buffer: [UInt8] = []

  init(_ connection: Int32) { self.connection = connection }

  mutating func next() -> LoopbackServer.Request? {
    let end = Array("\r\n\r\n".utf8)
    var position = 0
    while true {
      if let found = buffer[position...].firstRange(of: end) {
        let head = String(decoding: buffer[..<found.lowerBound], as: UTF8.self)
        buffer.removeFirst(found.upperBound)
        return request(head)
      }
      position = max(0, buffer.count - 3)
      guard fill() else { return nil }
    }
  }

  private mutating func request(_ head: String) -> LoopbackServer.Request? {
    var lines = head.components(separatedBy: "\r\n")
    let words = lines.removeFirst().split(separator: " ")
    guard words.count == 3 else { return nil }
    var headers: [String: String] = [:]
    for line in lines {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
    }
    let length = headers["content-length"].flatMap { Int($0) } ?? 0
    while buffer.count < length { guard fill() else { return nil } }
    let body = Data(buffer[..<length])
    buffer.removeFirst(length)
    return LoopbackServer.Request(
      method: String(words[0]), target: String(words[1]), headers: headers, body: body)
  }

  private mutating func fill() -> Bool {
    var chunk = [UInt8](repeating: 0, count: 65536)
    var count = recv(connection, &chunk, chunk.count, 0)
    while count < 0, errno == EINTR { count = recv(connection, &chunk, chunk.count, 0) }
    guard count > 0 else { return false }
    buffer += chunk[..<count]
    return true
  }
}
