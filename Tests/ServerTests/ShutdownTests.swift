import Foundation
import Inbox
import Secrets
import Subprocess
import Synchronization
import TestSupport
import Testing

@testable import Server

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// The built binary, run as systemd or `staunch serve` would.
@Suite(.timeLimit(.minutes(3))) struct ShutdownTests {
  private let directory: TemporaryDirectory
  private let key = InboxPrivateKey()

  init() throws {
    directory = try TemporaryDirectory()
    // Deadlines that a slow machine does not meet: what is tested here is the end, not the clock.
    let settings = #"""
      {"schema":1,"listen":"127.0.0.1:0","routes":[{"path":"/github","kind":"github","keys":["env:HOOK"]}],
       "limits":{"header_seconds":600,"large_body_seconds":600,"rate_seconds":600,"idle_seconds":600,"answer_seconds":600}}
      """#
    try Data(settings.utf8).write(to: URL(filePath: directory.path("receiver.json")))
    try Data((key.publicKey.text + "\n").utf8).write(to: URL(filePath: directory.path("inbox.pub")))
  }

  /// The running binary; killed when its owner goes.
  private final class Running: Sendable {
    let pid: Int32
    let port: Int
    private let process: Mutex<Process>
    /// Its exit status, once.
    private let exits: AsyncStream<Int32>

    init(settings: String, environment: [String: String]) async throws {
      let process = Process()
      process.executableURL = URL(filePath: try StaunchBinary.products + "/staunch-receiver")
      process.arguments = ["--settings", settings]
      process.environment = environment
      let output = Pipe()
      process.standardOutput = output
      process.standardError = FileHandle.nullDevice
      let (exits, exited) = AsyncStream<Int32>.makeStream()
      process.terminationHandler = { exited.yield($0.terminationStatus) }
      try process.run()
      pid = process.processIdentifier
      self.process = Mutex(process)
      self.exits = exits
      // Not on a thread of the tasks' pool: the line comes when the server listens.
      let handle = output.fileHandleForReading
      let line = await withCheckedContinuation { done in
        DispatchQueue.global().async { done.resume(returning: handle.availableData) }
      }
      let text = String(decoding: line, as: UTF8.self)
      port = try #require(
        Int(text.split(separator: ":").last?.trimmingCharacters(in: .newlines) ?? ""), "\(text)")
    }

    func status() async -> Int32? { await exits.first { _ in true } }

    deinit { process.withLock { if $0.isRunning { kill(pid, SIGKILL) } } }
  }

  private func start() async throws -> Running {
    try await Running(settings: directory.path("receiver.json"), environment: ["HOOK": TestKeys.key])
  }

  @Test(arguments: [SIGTERM, SIGINT])
  func `on a signal it finishes what is in flight, accepts nothing more, and exits 0`(signal: Int32)
    async throws
  {
    let running = try await start()
    let request = TestKeys.github()
    let connection = try await RawConnection(port: running.port)
    // Answered once, so the server has the connection; then half a request.
    try await connection.send(RawRequest("/healthz", method: "GET").bytes)
    #expect(try await connection.response().status == 200)
    try await connection.send(request.head)
    let idle = try await RawConnection(port: running.port)
    try await idle.untilInFlight(1)
    kill(running.pid, signal)
    #expect(try await idle.rest().isEmpty)  // idle connections end: the shutdown has begun
    try await connection.send(request.body)
    #expect(try await connection.response().status == 202)
    #expect(await running.status() == 0)
    let worker = try Inbox.open(path: directory.path("exchange.sqlite"), key: key)
    #expect(try worker.pendingDeliveries(limit: 9).map { $0.body.exposeAsBytes() } == [request.body])
  }

  @Test func `without its secret it does not start, and says which one`() async throws {
    let result = try await Subprocess.run(
      .path(FilePath(try StaunchBinary.products + "/staunch-receiver")),
      arguments: ["--settings", directory.path("receiver.json")], environment: .custom([:]),
      output: .string(limit: 4096), error: .string(limit: 4096))
    #expect(result.terminationStatus == .exited(78))
    #expect(result.standardError.contains("env:HOOK"))
  }

  @Test func `a delivery survives SIGKILL right after its acknowledgement`() async throws {
    let running = try await start()
    let connection = try await RawConnection(port: running.port)
    try await connection.send(TestKeys.github().bytes)
    #expect(try await connection.response().status == 202)
    kill(running.pid, SIGKILL)
    let worker = try Inbox.open(path: directory.path("exchange.sqlite"), key: key)
    #expect(try worker.pendingDeliveries(limit: 9).count == 1)
  }
}
