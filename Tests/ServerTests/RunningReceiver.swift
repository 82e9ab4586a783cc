import Foundation
import Inbox
import Logging
import Secrets
import ServiceLifecycle
import Synchronization
import TestSupport

@testable import Server

/// A receiver in this process on a free port, with an exchange file of its own.
struct RunningReceiver: Sendable {
  let port: Int
  let directory: TemporaryDirectory
  let key: InboxPrivateKey
  let inbox: Inbox
  let group: ServiceGroup

  var exchange: String { directory.path("exchange.sqlite") }

  /// What the worker would read.
  func deliveries() throws -> [Delivery] {
    try Inbox.open(path: exchange, key: key).pendingDeliveries(limit: 1000)
  }

  func connect() async throws -> RawConnection { try await RawConnection(port: port) }

  /// One request on its own connection.
  func send(_ request: RawRequest) async throws -> RawResponse {
    let connection = try await connect()
    try await connection.send(request.bytes)
    return try await connection.response()
  }

  /// Asks until the server has read the heads of `count` requests that are not answered yet.
  func untilInFlight(_ count: Int) async throws {
    let connection = try await connect()
    try await connection.untilInFlight(count)
  }

  /// Serves while `body` runs, then stops as on SIGTERM.
  static func with<Result: Sendable>(
    _ routes: [RouteSettings] = [], limits: ReceiverLimits = .roomy, proxies: Set<String> = [],
    operators: Set<String> = ["127.0.0.1"], tls: ReceiverSettings.TLS? = nil,
    secrets: [String: Secret] = TestKeys.secrets, fetching: any Fetching = NoFetching(),
    now: @escaping @Sendable () -> Date = { Date(timeIntervalSince1970: TestKeys.now) },
    prepare: @Sendable (Inbox) throws -> Void = { _ in },
    _ body: @Sendable (RunningReceiver) async throws -> Result
  ) async throws -> Result {
    let directory = try TemporaryDirectory(inMemory: true)
    let key = InboxPrivateKey()
    let inbox = try Inbox.open(path: directory.path("exchange.sqlite"), sealingTo: key.publicKey)
    try inbox.beat(at: now())
    try prepare(inbox)
    let settings = ReceiverSettings(
      port: 0, tls: tls, proxies: proxies, operators: operators, routes: routes, limits: limits)
    let log = Logger.silent
    return try await Receiver.serving(log: log) { listens in
      try Receiver(
        settings, secrets: SecretSources(inherited: secrets), inbox: inbox, fetching: fetching, log: log,
        now: now, onListening: listens)
    } _: { port, group in
      try await body(
        RunningReceiver(port: port, directory: directory, key: key, inbox: inbox, group: group))
    }
  }
}

extension Logger {
  /// Nobody reads it.
  static var silent: Logger {
    var log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    log.logLevel = .critical
    return log
  }
}

extension Receiver {
  /// Serves while `body` runs, then stops as on SIGTERM.
  ///
  /// - Parameters:
  ///   - make: the receiver; what it is given is to hear the port.
  ///   - body: gets the port and what stops the receiver.
  static func serving<Result: Sendable>(
    log: Logger, _ make: (@escaping @Sendable (Int) async -> Void) throws -> Receiver,
    _ body: @Sendable (Int, ServiceGroup) async throws -> Result
  ) async throws -> Result {
    let (ports, found) = AsyncStream<Int>.makeStream()
    let receiver = try make { found.yield($0) }
    let group = ServiceGroup(configuration: .init(services: [receiver], logger: log))
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        defer { found.finish() }
        try await group.run()
      }
      var iterator = ports.makeAsyncIterator()
      guard let port = await iterator.next() else {
        try await tasks.next()
        throw RawConnection.Failure(description: "the receiver did not start")
      }
      do {
        let result = try await body(port, group)
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
        return result
      } catch {
        await group.triggerGracefulShutdown()
        throw error
      }
    }
  }
}

extension ReceiverLimits {
  /// So much that no test meets a limit that it does not set, however slow the machine is.
  static var roomy: ReceiverLimits {
    var limits = ReceiverLimits()
    limits.handshakeSeconds = 3600
    limits.headerSeconds = 3600
    limits.bodySeconds = 3600
    limits.largeBodySeconds = 3600
    limits.rateSeconds = 3600
    limits.idleSeconds = 3600
    limits.answerSeconds = 3600
    limits.rate = 100_000
    limits.burst = 100_000
    limits.connectionsPerClient = 256
    return limits
  }

  static func roomy(_ change: (inout ReceiverLimits) -> Void) -> ReceiverLimits {
    var limits = roomy
    change(&limits)
    return limits
  }
}

/// Nothing may be fetched.
struct NoFetching: Fetching {
  func get(_ url: String, largest: Int, timeout: Duration) async throws(FetchError) -> [UInt8] {
    throw FetchError(because: "a test that fetches nothing was asked for an address")
  }
}

/// Answers from a table and remembers what was asked.
final class TableFetching: Fetching {
  private let table: [String: [UInt8]]
  private let log = Mutex<[(url: String, timeout: Duration)]>([])
  var asked: [String] { log.withLock { $0.map(\.url) } }
  var timeouts: [Duration] { log.withLock { $0.map(\.timeout) } }

  init(_ table: [String: [UInt8]]) { self.table = table }

  func get(_ url: String, largest: Int, timeout: Duration) async throws(FetchError) -> [UInt8] {
    log.withLock { $0.append((url, timeout)) }
    guard let found = table[url], found.count <= largest else {
      throw FetchError(because: "not in the table")
    }
    return found
  }
}
