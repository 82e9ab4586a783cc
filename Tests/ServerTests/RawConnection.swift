import Foundation

/// A TCP connection that sends exactly what it is told. Blocking calls run on threads of Dispatch, never on the pool of Swift's
/// tasks, which has two threads here.
final class RawConnection: Sendable {
  struct Failure: Error, CustomStringConvertible { let description: String }

  private let descriptor: Int32

  init(port: Int) async throws {
    descriptor = try await RawConnection.onThread {
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = UInt16(port).bigEndian
      address.sin_addr.s_addr = inet_addr("127.0.0.1")
      // A test that waits in vain fails instead of hanging.
      var patience = timeval(tv_sec: 150, tv_usec: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
      let isConnected = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
      }
      guard isConnected else { throw Failure(description: "connect: errno \(errno)") }
      return descriptor
    }
  }

  deinit { close(descriptor) }

  /// Sends everything; false when the other side has closed.
  @discardableResult
  func send(_ bytes: [UInt8]) async throws -> Bool {
    let descriptor = descriptor
    return try await RawConnection.onThread {
      var sent = 0
      while sent < bytes.count {
        let count = bytes[sent...].withUnsafeBytes {
          Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        sent += count
      }
      return true
    }
  }

  @discardableResult
  func send(_ text: String) async throws -> Bool { try await send(Array(text.utf8)) }

  /// Says that nothing more will be sent.
  func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// The next bytes; nil when the other side has closed.
  func receive() async throws -> [UInt8]? {
    let descriptor = descriptor
    return try await RawConnection.onThread {
      var chunk = [UInt8](repeating: 0, count: 65536)
      var count = recv(descriptor, &chunk, chunk.count, 0)
      // A receive with a time-out is not begun again by the kernel after a stop signal (signal(7)).
      while count < 0, errno == EINTR { count = recv(descriptor, &chunk, chunk.count, 0) }
      guard count >= 0 || errno == ECONNRESET else { throw Failure(description: "recv: errno \(errno)") }
      return count > 0 ? Array(chunk[..<count]) : nil
    }
  }

  /// Everything until the other side closes: the close event of a test that waits for one.
  func rest() async throws -> String {
    var bytes: [UInt8] = []
    while let more = try await receive() { bytes += more }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The next response, by its Content-Length. - Throws: when the connection closes before one.
  func response() async throws -> RawResponse {
    var bytes: [UInt8] = []
    while true {
      if let response = RawResponse(bytes) { return response }
      guard let more = try await receive() else {
        throw Failure(description: "closed without a response: \(String(decoding: bytes, as: UTF8.self))")
      }
      bytes += more
    }
  }

  /// Asks until `count` requests are in flight: only then has the server surely read what other connections sent.
  func untilInFlight(_ count: Int) async throws { try await until("staunch_receiver_in_flight \(count)\n") }

  /// Asks for /metrics until the page holds `line`. - Throws: after 20,000 answers without it.
  func until(_ line: String) async throws {
    for _ in 0..<20_000 {
      try await send(RawRequest("/metrics", method: "GET").bytes)
      if try await response().body.contains(line) { return }
    }
    throw Failure(description: "the metrics never were \(line)")
  }

  private static func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws
    -> Result
  {
    try await withCheckedThrowingContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(with: Swift.Result { try body() }) }
    }
  }
}

struct RawResponse: Sendable {
  let status: Int
  let fields: [String: String]
  let body: String

  /// Nil while it is not whole.
  init?(_ bytes: [UInt8]) {
    guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
    var lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
    let words = lines.removeFirst().split(separator: " ")
    guard words.count >= 2, let status = Int(words[1]) else { return nil }
    var fields: [String: String] = [:]
    for line in lines {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2 { fields[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces) }
    }
    let length = fields["content-length"].flatMap { Int($0) } ?? 0
    guard bytes.count >= end.upperBound + length else { return nil }
    self.status = status
    self.fields = fields
    body = String(decoding: bytes[end.upperBound..<end.upperBound + length], as: UTF8.self)
  }
}

struct RawRequest: Sendable {
  var method = "POST"
  var path: String
  var fields: [(String, String)]
  var body: [UInt8]
  var hasLength = true

  init(_ path: String, _ fields: [(String, String)] = [], body: String = "", method: String = "POST") {
    self.path = path
    self.fields = fields
    self.body = Array(body.utf8)
    self.method = method
  }

  var head: String {
    var text = "\(method) \(path) HTTP/1.1\r\nHost: receiver\r\n"
    for (name, value) in fields { text += "\(name): \(value)\r\n" }
    if hasLength { text += "Content-Length: \(body.count)\r\n" }
    return text + "\r\n"
  }

  var bytes: [UInt8] { Array(head.utf8) + body }

  func with(_ name: String, _ value: String?) -> RawRequest {
    var copy = self
    copy.fields.removeAll { $0.0.lowercased() == name.lowercased() }
    if let value { copy.fields.append((name, value)) }
    return copy
  }
}
