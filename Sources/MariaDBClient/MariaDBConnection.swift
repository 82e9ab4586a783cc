import CMariaDB
import Capabilities
import Foundation
import Secrets

/// Owns a `MYSQL`. Blocking: call it off the cooperative pool.
///
/// Invariant for @unchecked: `handle` is used under `lock` only; the library allows one thread per connection at a time.
final class MariaDBConnection: @unchecked Sendable {
  enum ConnectEnd: Sendable {
    case connected
    case failed(ServerCode)
    /// The connection stands and is not encrypted, although it should be.
    case notEncrypted
    case timedOut, cancelled
  }

  private var handle: UnsafeMutablePointer<MYSQL>?
  private let lock = NSLock()
  private let interrupt: Interrupt

  /// The library's own start is not for several threads at once.
  private static let library: Int32 = mysql_server_init(0, nil, nil)

  init(_ interrupt: Interrupt) { self.interrupt = interrupt }

  deinit { if let handle { Self.close(handle) } }

  var isOpen: Bool { lock.withLock { handle != nil } }

  func close() { lock.withLock { drop() } }

  /// A connection with an unread answer cannot be used again. Under the lock.
  private func drop() {
    if let handle { Self.close(handle) }
    handle = nil
  }

  /// Shut first: the library says good-bye before it closes, and would wait for a server that does not read.
  private static func close(_ handle: UnsafeMutablePointer<MYSQL>) {
    let descriptor = mysql_get_socket(handle)
    if descriptor >= 0 { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
    mysql_close(handle)
  }

  func connect(_ login: SQLLogin, until deadline: ContinuousClock.Instant) -> ConnectEnd {
    lock.lock()
    defer { lock.unlock() }
    _ = Self.library
    guard let new = mysql_init(nil) else { return .failed(ServerCode(2008)) }
    handle = new
    let isSocket = login.host.hasPrefix("/")
    let isChecked = !isSocket && login.tls != "disable"
    Self.prepare(new, login, isSocket: isSocket, isChecked: isChecked)
    let host = CText(isSocket ? "localhost" : isChecked ? login.host : login.address ?? login.host)
    let user = CText(login.user)
    // Never nil: the library would look for MYSQL_PWD.
    let password = login.password?.withUnsafeBytes { CText($0) } ?? CText("")
    let socket = isSocket ? CText(login.host) : nil
    // The library reads them until the login has ended.
    defer { withExtendedLifetime((host, user, password, socket)) {} }
    var connected: UnsafeMutablePointer<MYSQL>?
    var wanted = mysql_real_connect_start(
      &connected, new, host.pointer, user.pointer, password.pointer, nil, UInt32(clamping: login.port),
      socket?.pointer, 0)
    while wanted != 0 {
      switch interrupt.wait(mysql_get_socket(new), for: wanted, until: deadline) {
      case .ready(let happened): wanted = mysql_real_connect_cont(&connected, new, happened)
      case .timedOut:
        drop()
        return .timedOut
      case .cancelled:
        drop()
        return .cancelled
      }
    }
    guard connected != nil else {
      let code = ServerCode(mysql_errno(new))
      drop()
      return .failed(code)
    }
    // `MYSQL_OPT_SSL_ENFORCE` alone lets a server without TLS pass (3.3.20, tried).
    guard !isChecked || mysql_get_ssl_cipher(new) != nil else {
      drop()
      return .notEncrypted
    }
    return .connected
  }

  private static func prepare(
    _ new: UnsafeMutablePointer<MYSQL>, _ login: SQLLogin, isSocket: Bool, isChecked: Bool
  ) {
    mysql_options(new, MYSQL_OPT_NONBLOCK, nil)
    // "localhost" would mean a socket otherwise.
    var means: UInt32 = isSocket ? MYSQL_PROTOCOL_SOCKET.rawValue : MYSQL_PROTOCOL_TCP.rawValue
    mysql_options(new, MYSQL_OPT_PROTOCOL, &means)
    // A server may ask its client for any file.
    var files: UInt32 = 0
    mysql_options(new, MYSQL_OPT_LOCAL_INFILE, &files)
    mysql_options(new, MYSQL_SET_CHARSET_NAME, "utf8mb4")
    mysql_options(
      new, MARIADB_OPT_RESTRICTED_AUTH,
      AuthenticationMethods.allowed(isTrusted: isSocket || isChecked))
    guard isChecked else { return }
    var on: CChar = 1
    mysql_options(new, MYSQL_OPT_SSL_ENFORCE, &on)
    mysql_options(new, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on)
    // Without a list nobody is believed.
    let authorities = login.certificateAuthorities ?? AuthenticationMethods.systemAuthorities ?? "/dev/null"
    mysql_options(new, MYSQL_OPT_SSL_CA, authorities)
  }

  /// Runs one statement; the protocol takes only one, unless it is told otherwise.
  /// - Parameter changes: a lost answer then means an unknown outcome.
  func run(_ statement: String, changes: Bool, until deadline: ContinuousClock.Instant)
    throws(CapabilityError) -> [[String?]]
  {
    let operation = Self.operation(of: statement)
    lock.lock()
    defer { lock.unlock() }
    guard let handle else {
      throw CapabilityError(.network, operation, because: "the session is closed")
    }
    let text = CText(statement)
    defer { withExtendedLifetime(text) {} }
    var failed: Int32 = 0
    let first = mysql_real_query_start(&failed, handle, text.pointer, UInt(text.count))
    try finish(first, handle, operation, changes: changes, until: deadline) { happened in
      mysql_real_query_cont(&failed, handle, happened)
    }
    guard failed == 0 else { throw failure(handle, operation, changes: changes) }
    var result: UnsafeMutablePointer<MYSQL_RES>?
    let next = mysql_store_result_start(&result, handle)
    try finish(next, handle, operation, changes: changes, until: deadline) { happened in
      mysql_store_result_cont(&result, handle, happened)
    }
    guard let result else {
      guard mysql_errno(handle) == 0 else { throw failure(handle, operation, changes: changes) }
      return []
    }
    defer { mysql_free_result(result) }
    return Self.rows(result)
  }

  private func finish(
    _ first: Int32, _ handle: UnsafeMutablePointer<MYSQL>, _ operation: String, changes: Bool,
    until deadline: ContinuousClock.Instant, _ goOn: (Int32) -> Int32
  ) throws(CapabilityError) {
    var wanted = first
    while wanted != 0 {
      switch interrupt.wait(mysql_get_socket(handle), for: wanted, until: deadline) {
      case .ready(let happened): wanted = goOn(happened)
      case .timedOut:
        drop()
        if changes { throw lost(operation, changes: true, "no answer came in time") }
        throw CapabilityError(.timeout, operation, because: "no answer in time")
      case .cancelled:
        drop()
        if changes { throw lost(operation, changes: true, "the wait was cancelled") }
        throw CapabilityError(.cancelled, operation, because: "cancelled")
      }
    }
  }

  /// Under the lock.
  private func failure(_ handle: UnsafeMutablePointer<MYSQL>, _ operation: String, changes: Bool)
    -> CapabilityError
  {
    let code = ServerCode(mysql_errno(handle))
    guard code.isLost else { return code.error(operation) }
    drop()
    return lost(operation, changes: changes, "the connection broke")
  }

  private func lost(_ operation: String, changes: Bool, _ because: String) -> CapabilityError {
    changes
      ? CapabilityError(.unknownOutcome, operation, because: "the statement was sent, then \(because)")
      : CapabilityError(.network, operation, because: because)
  }

  private static func rows(_ result: UnsafeMutablePointer<MYSQL_RES>) -> [[String?]] {
    let columns = Int(mysql_num_fields(result))
    var rows: [[String?]] = []
    while let row = mysql_fetch_row(result), let lengths = mysql_fetch_lengths(result) {
      rows.append(
        (0..<columns).map { column -> String? in
          guard let start = row[column] else { return nil }
          return String(
            decoding: UnsafeRawBufferPointer(start: start, count: Int(lengths[column])), as: UTF8.self)
        })
    }
    return rows
  }

  /// The leading key words: a statement may hold a verifier, so no error shows more of it.
  static func operation(of statement: String) -> String {
    let words = statement.split(whereSeparator: \.isWhitespace).prefix { word in
      word.allSatisfy { $0.isASCII && $0.isUppercase }
    }
    return words.isEmpty ? "SQL" : words.prefix(3).joined(separator: " ")
  }

  /// `text` as a literal by the connection's own character set and SQL mode.
  func literal(_ text: String) throws(CapabilityError) -> String {
    lock.lock()
    defer { lock.unlock() }
    guard let handle, !text.utf8.contains(0) else {
      throw CapabilityError(.invalid, "quote", because: "the text cannot be quoted or the session is closed")
    }
    let source = CText(text)
    let room = CText([UInt8](repeating: 0, count: 2 * source.count + 1))
    guard let start = source.pointer, let target = room.pointer else { return "''" }
    let count = mysql_real_escape_string(
      handle, UnsafeMutablePointer(mutating: target), start, UInt(source.count))
    return withExtendedLifetime((source, room)) {
      "'" + String(decoding: UnsafeRawBufferPointer(start: target, count: Int(count)), as: UTF8.self) + "'"
    }
  }
}
