import Capabilities
import Dispatch
import NameResolution
import Secrets

/// One connection, with a queue of its own: its waits never block the cooperative pool.
final class RESPSession: RedisSession {
  private let connection: RedisConnection
  private let queue = DispatchQueue(label: "staunch-redis")
  private let interrupt = Interrupt()
  private let login: RedisLogin
  private let timeout: Duration

  init(_ login: RedisLogin, timeout: Duration) {
    self.login = login
    self.timeout = timeout
    connection = RedisConnection(interrupt)
  }

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
    switch await attemptToConnect() {
    case .connected: break
    case .answered(let word):
      throw RedisReply.failure(word, "login of \(login.user) at \(login.place)")
    case .failed(let failure): throw Failures.connecting(failure, login)
    }
  }

  func attempt() async -> LoginOutcome {
    guard let password = login.password, !password.isEmpty else {
      return .undecided(code: "no password to try")
    }
    return switch await attemptToConnect() {
    case .connected: .accepted
    case .answered("WRONGPASS"): .rejected(code: "WRONGPASS")
    case .answered(let word): .undecided(code: word)
    case .failed(let failure): .undecided(code: failure.word)
    }
  }

  private func attemptToConnect() async -> RedisConnection.ConnectEnd {
    let began = ContinuousClock.now
    let (login, connection) = (login, connection)
    let places = await places()
    let end =
      places.isEmpty
      ? .failed(.broken)
      : await onQueue { connection.connect(login, to: places, until: .now.advanced(by: login.timeout)) }
    DebugLog.note(
      .debug, "redis",
      "login of \(login.user) at \(login.place): \(end.word), \(DebugLog.time(since: began))")
    return end
  }

  private func places() async -> [Line.Place] {
    let port = login.port
    if login.host.hasPrefix("/") { return [.path(login.host)] }
    if let address = login.address { return [.address(address, port: port)] }
    if login.host == "localhost" { return ["127.0.0.1", "::1"].map { .address($0, port: port) } }
    guard HostAddresses.hasSeveral(login.host) else { return [.address(login.host, port: port)] }
    return await HostAddresses.all(of: login.host).map { .address($0, port: port) }
  }

  func ask(_ questions: [RedisQuestion]) async throws(CapabilityError) -> [RedisReply] {
    try await run(questions.map(\.words), changes: false)
  }

  func change(_ commands: [[String]], under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> [RedisReply]
  { try await run(commands, changes: true) }

  private func run(_ commands: [[String]], changes: Bool) async throws(CapabilityError) -> [RedisReply] {
    let began = ContinuousClock.now
    let (connection, timeout) = (connection, timeout)
    let answer = await onQueue { () -> Result<[RedisReply], CapabilityError> in
      Result { () throws(CapabilityError) in
        try connection.run(commands, changes: changes, until: .now.advanced(by: timeout))
      }
    }
    DebugLog.note(
      .trace, "redis",
      "\(Set(commands.map { $0.prefix(2).joined(separator: " ") }).sorted().joined(separator: ", ")): "
        + "\(answer.word), \(DebugLog.time(since: began))")
    return try answer.get()
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

extension Result where Success == [RedisReply], Failure == CapabilityError {
  fileprivate var word: String {
    switch self {
    case .success(let replies): "\(replies.count) answers"
    case .failure(let error): error.class.rawValue
    }
  }
}

extension RedisConnection.ConnectEnd {
  /// For the debug log: the server's first word, never its message.
  fileprivate var word: String {
    switch self {
    case .connected: "accepted"
    case .answered(let word): "answered \(word)"
    case .failed(let failure): failure.word
    }
  }
}
