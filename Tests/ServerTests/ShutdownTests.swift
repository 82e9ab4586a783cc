import Foundation
import Inbox
import Secrets
import Subprocess
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
    let settings =
      #"{"schema":1,"listen":"127.0.0.1:0","routes":[{"path":"/github","kind":"github","keys":["env:HOOK"]}]}"#
    try Data(settings.utf8).write(to: URL(filePath: directory.path("receiver.json")))
    try Data((key.publicKey.text + "\n").utf8).write(to: URL(filePath: directory.path("inbox.pub")))
  }

  private func start(_ environment: [String: String] = ["HOOK": TestKeys.key]) throws -> (Process, Pipe) {
    let process = Process()
    process.executableURL = URL(filePath: try StaunchBinary.products + "/staunch-receiver")
    process.arguments = ["--settings", directory.path("receiver.json")]
    process.environment = environment
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    return (process, output)
  }

  /// Its exit status, when it ends; killed when the test's time is over.
  private static func end(of process: Process) async -> Int32 {
    let pid = process.processIdentifier
    return await withTaskCancellationHandler {
      await withCheckedContinuation { done in
        DispatchQueue.global().async {
          process.waitUntilExit()
          done.resume(returning: process.terminationStatus)
        }
      }
    } onCancel: {
      kill(pid, SIGKILL)
    }
  }

  private func port(_ output: Pipe) throws -> Int {
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    return try #require(
      Int(line.split(separator: ":").last?.trimmingCharacters(in: .newlines) ?? ""), "\(line)")
  }

  @Test(arguments: [SIGTERM, SIGINT])
  func `on a signal it finishes what is in flight, accepts nothing more, and exits 0`(signal: Int32)
    async throws
  {
    let (process, output) = try start()
    let port = try port(output)
    let request = TestKeys.github()
    let connection = try await RawConnection(port: port)
    // Answered once, so the server has the connection; then half a request.
    try await connection.send(RawRequest("/healthz", method: "GET").bytes)
    #expect(try await connection.response().status == 200)
    try await connection.send(request.head)
    let idle = try await RawConnection(port: port)
    try await idle.untilInFlight(1)
    kill(process.processIdentifier, signal)
    #expect(try await idle.rest().isEmpty)  // idle connections end: the shutdown has begun
    try await connection.send(request.body)
    #expect(try await connection.response().status == 202)
    #expect(await Self.end(of: process) == 0)
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
    let (process, output) = try start()
    let connection = try await RawConnection(port: try port(output))
    try await connection.send(TestKeys.github().bytes)
    #expect(try await connection.response().status == 202)
    kill(process.processIdentifier, SIGKILL)
    let worker = try Inbox.open(path: directory.path("exchange.sqlite"), key: key)
    #expect(try worker.pendingDeliveries(limit: 9).count == 1)
  }
}
