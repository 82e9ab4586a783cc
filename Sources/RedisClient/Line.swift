import Capabilities
import Foundation

/// A connected socket, with or without TLS. Blocking, up to a deadline or an ``Interrupt``. Not for two threads at once.
final class Line {
  /// Where a socket leads to.
  enum Place: Sendable {
    case path(String)
    /// A numeric one.
    case address(String, port: Int)
  }

  private let descriptor: Int32
  private let interrupt: Interrupt
  private var tls: SecureLayer?
  /// Whether anything of ours may have reached the other end since the handshake.
  private(set) var hasSent = false

  /// Nothing of ours is sent before the certificate fits.
  init(
    to place: Place, _ tls: RedisLogin.TLS?, _ interrupt: Interrupt, until deadline: ContinuousClock.Instant
  ) throws(LineFailure) {
    let secure: SecureLayer? = if let tls { try SecureLayer(tls) } else { nil }
    descriptor = try Self.socket(to: place, interrupt, until: deadline)
    self.interrupt = interrupt
    // From here on `deinit` closes it.
    guard let secure else { return }
    try secure.handshake(
      send: { bytes throws(LineFailure) in try write(bytes, until: deadline) },
      receive: { () throws(LineFailure) in try read(until: deadline) })
    self.tls = secure
  }

  deinit { close(descriptor) }

  func send(_ text: UnsafeRawBufferPointer, until deadline: ContinuousClock.Instant) throws(LineFailure) {
    hasSent = true
    guard let tls else { return try write(text, until: deadline) }
    try tls.write(text) { bytes throws(LineFailure) in try write(bytes, until: deadline) }
  }

  /// Adds at least one byte.
  func receive(into bytes: inout [UInt8], until deadline: ContinuousClock.Instant) throws(LineFailure) {
    guard let tls else {
      bytes += try read(until: deadline)
      return
    }
    bytes += try tls.read(
      send: { bytes throws(LineFailure) in try write(bytes, until: deadline) },
      receive: { () throws(LineFailure) in try read(until: deadline) })
  }

  private func write(_ bytes: [UInt8], until deadline: ContinuousClock.Instant) throws(LineFailure) {
    let result = bytes.withUnsafeBytes { text in
      Result { () throws(LineFailure) in try write(text, until: deadline) }
    }
    try result.get()
  }

  private func write(_ text: UnsafeRawBufferPointer, until deadline: ContinuousClock.Instant)
    throws(LineFailure)
  {
    var rest = text
    while !rest.isEmpty {
      let count = Foundation.send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
      if count > 0 {
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      } else if count < 0, errno == EINTR {
        continue
      } else if count < 0, errno == EAGAIN {
        try interrupt.wait(descriptor, for: .writable, until: deadline)
      } else {
        throw .broken
      }
    }
  }

  private func read(until deadline: ContinuousClock.Instant) throws(LineFailure) -> [UInt8] {
    var room = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = recv(descriptor, &room, room.count, 0)
      if count > 0 { return Array(room.prefix(count)) }
      if count < 0, errno == EINTR { continue }
      guard count < 0, errno == EAGAIN else { throw .broken }
      try interrupt.wait(descriptor, for: .readable, until: deadline)
    }
  }

  // MARK: connecting

  private static func socket(
    to place: Place, _ interrupt: Interrupt, until deadline: ContinuousClock.Instant
  ) throws(LineFailure) -> Int32 {
    switch place {
    case .path(let path):
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      let room = MemoryLayout.size(ofValue: address.sun_path)
      guard path.utf8.count < room else { throw .broken }
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
      return try connect(address, family: AF_UNIX, interrupt, until: deadline)
    case .address(let text, let port):
      guard let port = UInt16(exactly: port) else { throw .broken }
      var four = sockaddr_in()
      if inet_pton(AF_INET, text, &four.sin_addr) == 1 {
        four.sin_family = sa_family_t(AF_INET)
        four.sin_port = port.bigEndian
        return try connect(four, family: AF_INET, interrupt, until: deadline)
      }
      // `fe80::1%eth0`: the scope is a number there.
      let parts = text.split(separator: "%", maxSplits: 1).map(String.init)
      var six = sockaddr_in6()
      guard let bare = parts.first, inet_pton(AF_INET6, bare, &six.sin6_addr) == 1 else { throw .broken }
      six.sin6_family = sa_family_t(AF_INET6)
      six.sin6_port = port.bigEndian
      if parts.count == 2 { six.sin6_scope_id = if_nametoindex(parts[1]) }
      return try connect(six, family: AF_INET6, interrupt, until: deadline)
    }
  }

  private static func connect<Address>(
    _ address: Address, family: Int32, _ interrupt: Interrupt, until deadline: ContinuousClock.Instant
  ) throws(LineFailure) -> Int32 {
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = Foundation.socket(family, type, 0)
    guard descriptor >= 0 else { throw .broken }
    var on: Int32 = 1
    // Only a matter of speed; a unix socket has none.
    _ = setsockopt(
      descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    do throws(LineFailure) {
      let size = socklen_t(MemoryLayout<Address>.size)
      let code = withUnsafeBytes(of: address) { bytes -> Int32 in
        guard let start = bytes.baseAddress else { return -1 }
        return Foundation.connect(descriptor, start.assumingMemoryBound(to: sockaddr.self), size)
      }
      guard code != 0 else { return descriptor }
      guard errno == EINPROGRESS else { throw .broken }
      try interrupt.wait(descriptor, for: .writable, until: deadline)
      var problem: Int32 = 0
      var length = socklen_t(MemoryLayout<Int32>.size)
      guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &problem, &length) == 0, problem == 0 else {
        throw .broken
      }
      return descriptor
    } catch {
      close(descriptor)
      throw error
    }
  }
}
