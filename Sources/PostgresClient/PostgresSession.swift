import CLibpq
import Capabilities
import Dispatch
import Foundation
import Secrets

/// One libpq connection.
///
/// Invariant for @unchecked: `connection`'s methods are only called on `queue` or under its own lock.
final class PostgresSession: SQLSession, @unchecked Sendable {
  private let connection: PostgresConnection
  private let queue = DispatchQueue(label: "staunch-postgres")
  private let wake = WakeSignal()
  private let login: SQLLogin
  private let certificateAuthorities: String?
  private let timeout: Duration

  init(_ login: SQLLogin, certificateAuthorities: String?, timeout: Duration) {
    self.login = login
    self.certificateAuthorities = certificateAuthorities
    self.timeout = timeout
    connection = PostgresConnection(wake)
  }

  /// Runs `body` on this session's queue; a cancelled task ends the wait inside it.
  private func onQueue<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        queue.async { continuation.resume(returning: body()) }
      }
    } onCancel: {
      wake.fire()
    }
  }

  func open() async throws(CapabilityError) {
    let where_ = "login of \(login.user) at \(login.host):\(login.port)/\(login.database)"
    let end = await attemptToConnect(pinned: timeout)
    switch end {
    case .connected: break
    case .rejected(let state), .admitted(let state), .failed(let state?): throw state.error(where_)
    case .failed(nil):
      throw CapabilityError(
        .network, where_, because: "no connection to the server",
        fix: "check that it is up: pg_isready -h \(login.host) -p \(login.port)")
    case .timedOut:
      throw CapabilityError(
        .network, where_, because: "no answer within \(login.timeout)",
        fix: "check that it is up: pg_isready -h \(login.host) -p \(login.port)")
    case .weakAuthentication:
      throw CapabilityError(
        .unsafe, where_, because: "the server asks for the password in clear or for its MD5; it was not told",
        fix:
          "use scram-sha-256 in pg_hba.conf, and set the password anew under password_encryption = scram-sha-256"
      )
    case .cancelled: throw CapabilityError(.cancelled, where_, because: "cancelled")
    }
    try PinnedSettings.check(try await query(PinnedSettings.question, []), login)
  }

  func attempt() async -> LoginOutcome {
    guard let password = login.password, !password.isEmpty else {
      return .undecided(code: "no password to try")
    }
    switch await attemptToConnect(pinned: nil) {
    case .connected:
      return connection.usedPassword ? .accepted : .noPasswordAsked
    case .rejected(let state): return .rejected(code: state.code)
    case .admitted(let state): return .admitted(code: state.code)
    case .failed(let state): return .undecided(code: state?.code ?? "no connection")
    case .weakAuthentication: return .weakAuthentication
    case .timedOut: return .undecided(code: "timeout")
    case .cancelled: return .undecided(code: "cancelled")
    }
  }

  private func attemptToConnect(pinned: Duration?) async -> PostgresConnection.ConnectEnd {
    let (login, authorities, connection) = (login, certificateAuthorities, connection)
    let began = ContinuousClock.now
    let end = await onQueue {
      connection.connect(
        ParameterList(
          login, certificateAuthorities: login.certificateAuthorities ?? authorities, pinned: pinned),
        takesMD5: login.takesMD5, until: .now.advanced(by: login.timeout))
    }
    DebugLog.note(
      .debug, "postgres",
      "login of \(login.user) at \(login.address ?? login.host):\(login.port)/\(login.database): \(end.word), "
        + DebugLog.time(since: began))
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
    let began = ContinuousClock.now
    do throws(CapabilityError) {
      let rows = try await rows(of: statement, parameters, changes: changes, inTransaction: inTransaction)
      DebugLog.note(
        .trace, "postgres",
        "\(DebugLog.statement(statement)): \(rows.count) rows, \(DebugLog.time(since: began))")
      return rows
    } catch {
      DebugLog.note(
        .trace, "postgres",
        "\(DebugLog.statement(statement)): \(error.class.rawValue), \(DebugLog.time(since: began))")
      throw error
    }
  }

  private func rows(of statement: String, _ parameters: [String?], changes: Bool, inTransaction: Bool)
    async throws(CapabilityError) -> [[String?]]
  {
    let (connection, timeout) = (connection, timeout)
    let answer = await onQueue { () -> Result<[[String?]], CapabilityError> in
      let deadline = ContinuousClock.now.advanced(by: timeout + .seconds(5))
      return Result { () throws(CapabilityError) in
        guard inTransaction else {
          return try connection.run(statement, parameters, changes: changes, until: deadline)
        }
        _ = try connection.run("BEGIN READ ONLY", [], changes: false, until: deadline)
        do throws(CapabilityError) {
          let rows = try connection.run(statement, parameters, changes: false, until: deadline)
          _ = try connection.run("COMMIT", [], changes: false, until: deadline)
          return rows
        } catch {
          if connection.isOpen {
            // The statement's own error is the one to report; a failed rollback shows at the next statement.
            _ = try? connection.run("ROLLBACK", [], changes: false, until: deadline)
          }
          throw error
        }
      }
    }
    return try answer.get()
  }

  func passwordVerifier(for password: Secret, user: String) async throws(CapabilityError) -> String {
    let connection = connection
    return try await onQueue {
      Result { () throws(CapabilityError) in try connection.verifier(for: password, user: user) }
    }.get()
  }

  func quotedIdentifier(_ name: String) throws(CapabilityError) -> String {
    try connection.quoted(name, PQescapeIdentifier)
  }

  func quotedLiteral(_ text: String) throws(CapabilityError) -> String {
    try connection.quoted(text, PQescapeLiteral)
  }

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

extension PostgresConnection.ConnectEnd {
  /// For the debug log: the server's code, never its message.
  fileprivate var word: String {
    switch self {
    case .connected: "accepted"
    case .admitted(let state), .rejected(let state): "answered \(state.code)"
    case .failed(let state): state.map { "failed \($0.code)" } ?? "no connection"
    case .weakAuthentication: "asks for the password in clear or for its MD5"
    case .timedOut: "timed out"
    case .cancelled: "cancelled"
    }
  }
}
