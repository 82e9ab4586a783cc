import CLibpq
import Capabilities
import Foundation
import Secrets

/// Owns a `PGconn`. Blocking: call it off the cooperative pool.
///
/// Invariant for @unchecked: `handle` is used under `lock` only; libpq allows one thread per connection at a time.
final class PostgresConnection: @unchecked Sendable {
  enum ConnectEnd: Sendable {
    case connected
    case rejected(SQLState)
    /// The password was accepted, and what comes behind it refused.
    case admitted(SQLState)
    case failed(SQLState?)
    /// The server asked for the password in clear or for its MD5; it was not told.
    case weakAuthentication
    case timedOut, cancelled
  }

  private var handle: OpaquePointer?
  private let lock = NSLock()
  private let wake: WakeSignal

  init(_ wake: WakeSignal) { self.wake = wake }

  deinit { if let handle { PQfinish(handle) } }

  /// Not thread-safe in libpq's sense, but a plain field: read after the connection stands.
  var usedPassword: Bool { lock.withLock { handle.map { PQconnectionUsedPassword($0) == 1 } ?? false } }
  var isOpen: Bool { lock.withLock { handle.map { PQstatus($0) == CONNECTION_OK } ?? false } }

  func close() {
    lock.withLock {
      if let handle { PQfinish(handle) }
      handle = nil
    }
  }

  /// - Parameter takesMD5: a server that asks for the password's MD5 is answered.
  func connect(_ parameters: ParameterList, takesMD5: Bool, until deadline: ContinuousClock.Instant)
    -> ConnectEnd
  {
    lock.withLock {
      guard let new = PQconnectStartParams(parameters.keywords, parameters.values, 0) else {
        return .failed(nil)
      }
      handle = new
      // libpq 15 has no call for the SQLSTATE of a failed login. Told to write codes only before the exchange
      // begins, it ends the message with the code, whatever language the server speaks.
      PQsetErrorVerbosity(new, PQERRORS_SQLSTATE)
      // The default receiver prints to standard error.
      PQsetNoticeReceiver(new, { _, _ in }, nil)
      guard PQstatus(new) != CONNECTION_BAD else { return .failed(nil) }
      var event = WakeSignal.Event.writable
      while true {
        switch wake.wait(PQsocket(new), for: event, until: deadline) {
        case .ready: break
        case .timedOut: return .timedOut
        case .cancelled: return .cancelled
        }
        if event == .readable, !AuthenticationRequest.isKnownToLibrary {
          switch AuthenticationRequest.peek(new, takesMD5: takesMD5) {
          case .harmless: break
          case .incomplete:
            usleep(2_000)  // the rest of a message is on its way; the descriptor stays readable meanwhile
            if ContinuousClock.now >= deadline { return .timedOut }
            continue
          case .weak:
            drop()
            return .weakAuthentication
          }
        }
        switch PQconnectPoll(new) {
        case PGRES_POLLING_OK: return .connected
        case PGRES_POLLING_READING: event = .readable
        case PGRES_POLLING_WRITING: event = .writable
        default:
          let message = String(cString: PQerrorMessage(new))
          // libpq's own words of `require_auth`, which are never translated with the server's.
          if AuthenticationRequest.isKnownToLibrary, message.contains("scram-sha-256") {
            return .weakAuthentication
          }
          let state = SQLState(connectionMessage: message)
          guard let state, PQconnectionUsedPassword(new) == 1 else { return .failed(state) }
          if state.isAfterPassword { return .admitted(state) }
          return state.isRejectedLogin ? .rejected(state) : .failed(state)
        }
      }
    }
  }

  /// Runs one statement with the extended protocol, which takes only one.
  /// - Parameter changes: a lost answer then means an unknown outcome.
  func run(
    _ statement: String, _ parameters: [String?], changes: Bool, until deadline: ContinuousClock.Instant
  )
    throws(CapabilityError) -> [[String?]]
  {
    let operation = PostgresConnection.operation(of: statement)
    lock.lock()
    defer { lock.unlock() }
    guard let handle, PQstatus(handle) == CONNECTION_OK else {
      throw CapabilityError(.network, operation, because: "the session is closed")
    }
    let copies = parameters.map { $0.map { strdup($0) } ?? nil }
    defer { for copy in copies { free(copy) } }
    let values = copies.map { $0.map { UnsafePointer($0) } }
    guard PQsendQueryParams(handle, statement, Int32(values.count), nil, values, nil, nil, 0) == 1 else {
      throw CapabilityError(.network, operation, because: "the statement could not be sent")
    }
    var rows: [[String?]] = []
    var failure: CapabilityError?
    while true {
      try awaitResult(handle, operation, changes: changes, until: deadline)
      guard let result = PQgetResult(handle) else { break }
      defer { PQclear(result) }
      switch PQresultStatus(result) {
      case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: break
      case PGRES_TUPLES_OK: rows = PostgresConnection.rows(result)
      default:
        let state = PQresultErrorField(result, PostgresConnection.sqlstateField).flatMap {
          SQLState(String(cString: $0))
        }
        failure = state?.error(operation) ?? lost(operation, changes: changes, "the connection broke")
      }
    }
    if PQstatus(handle) != CONNECTION_OK { throw lost(operation, changes: changes, "the connection broke") }
    if let failure { throw failure }
    return rows
  }

  private static let sqlstateField = Int32(UInt8(ascii: "C"))  // PG_DIAG_SQLSTATE, a character macro

  private func awaitResult(
    _ handle: OpaquePointer, _ operation: String, changes: Bool, until deadline: ContinuousClock.Instant
  ) throws(CapabilityError) {
    while PQisBusy(handle) == 1 {
      switch wake.wait(PQsocket(handle), for: .readable, until: deadline) {
      case .ready:
        guard PQconsumeInput(handle) == 1 else { return }  // PQgetResult then reports the broken connection
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

  /// A connection with an unread answer cannot be used again. Under the lock.
  private func drop() {
    if let handle { PQfinish(handle) }
    handle = nil
  }

  private func lost(_ operation: String, changes: Bool, _ because: String) -> CapabilityError {
    changes
      ? CapabilityError(.unknownOutcome, operation, because: "the statement was sent, then \(because)")
      : CapabilityError(.network, operation, because: because)
  }

  private static func rows(_ result: OpaquePointer) -> [[String?]] {
    let columns = PQnfields(result)
    return (0..<PQntuples(result)).map { row in
      (0..<columns).map { column in
        PQgetisnull(result, row, column) == 1
          ? nil : PQgetvalue(result, row, column).map { String(cString: $0) }
      }
    }
  }

  /// The leading key words: a statement may hold a verifier, so no error shows more of it.
  static func operation(of statement: String) -> String {
    let words = statement.split(whereSeparator: \.isWhitespace).prefix { word in
      word.allSatisfy { $0.isASCII && $0.isUppercase }
    }
    return words.isEmpty ? "SQL" : words.prefix(2).joined(separator: " ")
  }

  func verifier(for password: Secret, user: String) throws(CapabilityError) -> String {
    let operation = "PQencryptPasswordConn"
    lock.lock()
    defer { lock.unlock() }
    guard let handle, PQstatus(handle) == CONNECTION_OK else {
      throw CapabilityError(.network, operation, because: "the session is closed")
    }
    let text = password.withUnsafeBytes { bytes -> UnsafeMutableRawBufferPointer? in
      guard !bytes.isEmpty, !bytes.contains(0) else { return nil }
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count + 1, alignment: 1)
      copy.copyBytes(from: bytes)
      copy[bytes.count] = 0
      return copy
    }
    guard let text, let start = text.baseAddress else {
      throw CapabilityError(.invalid, operation, because: "a password may not be empty or hold a zero byte")
    }
    defer {
      explicit_bzero(start, text.count)
      text.deallocate()
    }
    let made = PQencryptPasswordConn(handle, start.assumingMemoryBound(to: CChar.self), user, "scram-sha-256")
    guard let made else {
      throw CapabilityError(.invalid, operation, because: "libpq could not compute a SCRAM-SHA-256 verifier")
    }
    defer { PQfreemem(made) }
    return String(cString: made)
  }

  typealias Quoting = (OpaquePointer?, UnsafePointer<CChar>?, Int) -> UnsafeMutablePointer<CChar>?

  func quoted(_ text: String, _ quote: Quoting) throws(CapabilityError) -> String {
    lock.lock()
    defer { lock.unlock() }
    guard let handle, !text.utf8.contains(0), let made = quote(handle, text, text.utf8.count) else {
      throw CapabilityError(.invalid, "quote", because: "the name cannot be quoted or the session is closed")
    }
    defer { PQfreemem(made) }
    return String(cString: made)
  }
}
