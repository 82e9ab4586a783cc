import Capabilities
import Dispatch
import Foundation
import Secrets

/// One connection of libmariadb.
///
/// Invariant for @unchecked: `connection`'s methods are only called on `queue` or under its own lock.
final class MariaDBSession: SQLSession, @unchecked Sendable {
  private let connection: MariaDBConnection
  private let queue = DispatchQueue(label: "staunch-mariadb")
  private let interrupt = Interrupt()
  private let login: SQLLogin
  private let timeout: Duration

  init(_ login: SQLLogin, timeout: Duration) {
    self.login = login
    self.timeout = timeout
    connection = MariaDBConnection(interrupt)
  }

  private var place: String { login.host.hasPrefix("/") ? login.host : "\(login.host):\(login.port)" }

  /// Runs `body` on this session's queue; a cancelled task ends the wait inside it.
  private func onQueue<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        queue.async { continuation.resume(returning: body()) }
      }
    } onCancel: {
      interrupt.fire()
    }
  }

  func open() async throws(CapabilityError) {
    let operation = "login of \(login.user) at \(place)"
    switch await attemptToConnect() {
    case .connected: break
    case .failed(let code): throw code.error(operation)
    case .notEncrypted:
      throw CapabilityError(
        .unsafe, operation, because: "the connection is not encrypted",
        fix: "give the server a certificate: ssl_cert, ssl_key in its configuration")
    case .timedOut:
      throw CapabilityError(
        .network, operation, because: "no answer within \(login.timeout)", fix: "check that it is up")
    case .cancelled: throw CapabilityError(.cancelled, operation, because: "cancelled")
    }
    // Whoever may set global variables chooses what a session starts with: not in ours.
    _ = try await run(
      "SET SESSION sql_mode = 'STRICT_ALL_TABLES', SESSION time_zone = '+00:00', SESSION autocommit = 1, "
        + "SESSION lock_wait_timeout = 10", [], changes: false, inTransaction: false)
    // A transaction that only reads lets `DROP TABLE` pass: the statement ends it first. The session's own mode does not.
    _ = try await run("SET SESSION TRANSACTION READ ONLY", [], changes: false, inTransaction: false)
    let rows = try await query("SELECT USER()", [])
    guard let who = rows.first?.first.flatMap({ $0 }), who.hasPrefix(login.user + "@") else {
      throw CapabilityError(
        .unsafe, operation,
        because: "the session acts as another user than it logged in as (a proxy between?)",
        fix: "connect to the server itself: host and port in staunch.yaml")
    }
  }

  func attempt() async -> LoginOutcome {
    guard let password = login.password, !password.isEmpty else {
      return .undecided(code: "no password to try")
    }
    switch await attemptToConnect() {
    case .connected: return .accepted
    case .failed(let code) where code.number == 1045 || code.isLocked: return .rejected(code: code.code)
    case .failed(let code) where code.isAfterPassword: return .admitted(code: code.code)
    case .failed(let code) where code.number == 5010: return .weakAuthentication
    case .failed(let code): return .undecided(code: "error \(code.code): \(code.meaning.because)")
    case .notEncrypted: return .undecided(code: "the connection is not encrypted")
    case .timedOut: return .undecided(code: "timeout")
    case .cancelled: return .undecided(code: "cancelled")
    }
  }

  private func attemptToConnect() async -> MariaDBConnection.ConnectEnd {
    let (login, connection) = (login, connection)
    let began = ContinuousClock.now
    let end = await onQueue { connection.connect(login, until: .now.advanced(by: login.timeout)) }
    DebugLog.note(
      .debug, "mariadb", "login of \(login.user) at \(place): \(end.word), \(DebugLog.time(since: began))")
    return end
  }

  func query(_ statement: String, _ parameters: [String?]) async throws(CapabilityError) -> [[String?]] {
    try await run(statement, parameters, changes: false, inTransaction: true)
  }

  func execute(_ statement: String, _ parameters: [String?], under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> [[String?]]
  {
    try await run(statement, parameters, changes: true, inTransaction: false)
  }

  private func run(_ statement: String, _ parameters: [String?], changes: Bool, inTransaction: Bool)
    async throws(CapabilityError) -> [[String?]]
  {
    let bound = try bind(statement, parameters)
    let began = ContinuousClock.now
    let name = MariaDBConnection.operation(of: statement)
    do throws(CapabilityError) {
      let rows = try await rows(of: bound, changes: changes, inTransaction: inTransaction)
      DebugLog.note(.trace, "mariadb", "\(name): \(rows.count) rows, \(DebugLog.time(since: began))")
      return rows
    } catch {
      DebugLog.note(.trace, "mariadb", "\(name): \(error.class.rawValue), \(DebugLog.time(since: began))")
      throw error
    }
  }

  private func rows(of statement: String, changes: Bool, inTransaction: Bool)
    async throws(CapabilityError) -> [[String?]]
  {
    let (connection, timeout) = (connection, timeout)
    let answer = await onQueue { () -> Result<[[String?]], CapabilityError> in
      let deadline = ContinuousClock.now.advanced(by: timeout)
      return Result { () throws(CapabilityError) in
        guard !changes else { return try Self.change(connection, statement, until: deadline) }
        guard inTransaction else { return try connection.run(statement, changes: false, until: deadline) }
        _ = try connection.run("START TRANSACTION READ ONLY", changes: false, until: deadline)
        do throws(CapabilityError) {
          let rows = try connection.run(statement, changes: false, until: deadline)
          _ = try connection.run("COMMIT", changes: false, until: deadline)
          return rows
        } catch {
          if connection.isOpen {
            // The statement's own error is the one to report; a failed rollback shows at the next statement.
            _ = try? connection.run("ROLLBACK", changes: false, until: deadline)
          }
          throw error
        }
      }
    }
    return try answer.get()
  }

  /// The one way to write: the session may for as long as the statement runs, and is closed if it cannot be taken back.
  private static func change(
    _ connection: MariaDBConnection, _ statement: String, until deadline: ContinuousClock.Instant
  ) throws(CapabilityError) -> [[String?]] {
    _ = try connection.run("SET SESSION TRANSACTION READ WRITE", changes: false, until: deadline)
    defer {
      if connection.isOpen {
        do throws(CapabilityError) {
          _ = try connection.run("SET SESSION TRANSACTION READ ONLY", changes: false, until: deadline)
        } catch { connection.close() }
      }
    }
    return try connection.run(statement, changes: true, until: deadline)
  }

  /// `$1 …` replaced by literals: account names and `KILL` take no parameters of the protocol.
  private func bind(_ statement: String, _ parameters: [String?]) throws(CapabilityError) -> String {
    guard !parameters.isEmpty else { return statement }
    var bound = ""
    var rest = statement[...]
    while let mark = rest.firstIndex(of: "$") {
      bound += rest[..<mark]
      let digits = rest[rest.index(after: mark)...].prefix { $0.isASCII && $0.isNumber }
      guard let number = Int(digits), parameters.indices.contains(number - 1) else {
        throw CapabilityError(.invalid, "bind", because: "the statement names a parameter that is not given")
      }
      if let text = parameters[number - 1] { bound += try quotedLiteral(text) } else { bound += "NULL" }
      rest = rest[digits.endIndex...]
    }
    return bound + rest
  }

  /// The plugins have verifiers of their own: whoever rotates computes them.
  func passwordVerifier(for password: Secret, user: String) async throws(CapabilityError) -> String {
    throw CapabilityError(.unsupported, "password verifier", because: "this server has one for each plugin")
  }

  func quotedIdentifier(_ name: String) throws(CapabilityError) -> String {
    guard !name.isEmpty, !name.utf8.contains(0) else {
      throw CapabilityError(.invalid, "quote", because: "the name cannot be quoted")
    }
    return "`" + name.replacing("`", with: "``") + "`"
  }

  func quotedLiteral(_ text: String) throws(CapabilityError) -> String { try connection.literal(text) }

  func close() async {
    let connection = connection
    await withCheckedContinuation { continuation in
      queue.async {
        connection.close()
        continuation.resume()
      }
    }
  }
}

extension MariaDBConnection.ConnectEnd {
  /// For the debug log: the server's code, never its message.
  fileprivate var word: String {
    switch self {
    case .connected: "accepted"
    case .failed(let code): "answered \(code.code)"
    case .notEncrypted: "not encrypted"
    case .timedOut: "timed out"
    case .cancelled: "cancelled"
    }
  }
}
