import Foundation

/// A balancer on loopback: each new connection goes to the server that `choose` names, byte for byte.
public final class TCPBalancer: Sendable {
  public let port: Int
  private let listener: Int32

  /// - Parameters:
  ///   - ports: of the servers, all on 127.0.0.1.
  ///   - choose: the number of the connection, from 0 → which of them.
  public init(_ ports: [Int], choose: @escaping @Sendable (Int) -> Int) throws {
    let listener = Self.streamSocket()
    self.listener = listener
    var address = Self.loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        bind(listener, generic, length) == 0 && listen(listener, 64) == 0
          && getsockname(listener, generic, &length) == 0
      }
    }
    guard bound else {
      throw SupervisedServer.Failure(description: "no port for the balancer: errno \(errno)")
    }
    port = Int(UInt16(bigEndian: address.sin_port))
    Thread.detachNewThread {
      var number = 0
      // The thread alone closes the listener: closed elsewhere, its number could be another server's at the next accept.
      defer { close(listener) }
      while true {
        let client = accept(listener, nil, nil)
        if client < 0, errno == EINTR { continue }
        guard client >= 0 else { return }
        let server = Self.connect(ports[choose(number)])
        number += 1
        Thread.detachNewThread { Self.pump(client, server) }
        Thread.detachNewThread { Self.pump(server, client) }
      }
    }
  }

  deinit { shutdown(listener, Int32(SHUT_RDWR)) }

  private static func streamSocket() -> Int32 { socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }

  private static func loopback(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }

  private static func connect(_ port: Int) -> Int32 {
    let server = streamSocket()
    var address = loopback(port)
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = Foundation.connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    return server
  }

  /// Copies until one side ends, then tells the other.
  private static func pump(_ from: Int32, _ to: Int32) {
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      let count = recv(from, &buffer, 1 << 14, 0)
      guard count > 0 else { break }
      var sent = 0
      while sent < count {
        let more = buffer[sent..<count].withUnsafeBytes {
          send(to, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard more > 0 else { break }
        sent += more
      }
      guard sent == count else { break }
    }
    // Descriptors stay open until the process ends: the other thread may still use them. A test has a few hundred.
    shutdown(to, Int32(SHUT_WR))
  }
}
