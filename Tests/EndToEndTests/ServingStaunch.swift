import Cryptography
import Foundation
import LocalSystem
import Secrets
import Synchronization
import TestSupport

/// The built `staunch serve` with its built `staunch-receiver`, as an operator starts it, or another program that goes on.
///
/// A small shell holds it on a leash: when this test process dies, it dies too.
final class ServingStaunch: Sendable {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Lines of its standard output (`ready …`) and standard error.
  private let lines: AsyncStream<String>
  private let record = Mutex("")
  /// Lines that nobody has asked for yet.
  private let passed = Mutex<[String]>([])
  /// The shell lets go when this is closed.
  private let leash: Mutex<InheritedDescriptor?>
  private let shell: ChildProcess
  let pid: Int32

  /// Its descriptor 0 is the leash, of which staunch gets nothing. It ends with staunch.
  private static let script = #"""
    cd "$1"; shift
    exec 9<&0
    "$@" 9<&- </dev/null & p=$!
    echo "pid $p"
    (cat <&9 >/dev/null; kill -TERM $p) &
    wait $p; echo "status $?"
    """#

  /// - Parameter binary: whose environment and directory are used.
  convenience init(_ binary: StaunchBinary, _ arguments: [String] = [], environment: [String: String] = [:])
    throws
  {
    try self.init(
      program: [StaunchBinary.products + "/staunch", "serve"] + arguments, in: binary.workingDirectory,
      environment: binary.environment.merging(environment) { _, new in new })
  }

  /// - Parameters:
  ///   - program: with its arguments; what is told to end is this process, so a wrapper must execute what it wraps.
  ///   - environment: all that it gets.
  init(program: [String], in directory: String, environment: [String: String]) throws {
    let held = try InheritedDescriptor.pipe("hold it")
    let output = try InheritedDescriptor.pipe("hear it")
    // Not Foundation's Process: it hands on the signals that this thread blocks, and a shell then waits for ever.
    shell = try ChildProcess.start(
      "/bin/sh",
      ["-c", Self.script, "sh", directory] + program, environment: environment,
      descriptors: [0: held.reading, 1: output.writing, 2: output.writing])
    leash = Mutex(held.writing)
    let (lines, found) = AsyncStream<String>.makeStream()
    self.lines = lines
    let reader = LineReader(output.reading)
    guard let first = reader.next(), first.hasPrefix("pid "), let pid = Int32(first.dropFirst(4)) else {
      throw Failure(description: "the shell did not start it")
    }
    self.pid = pid
    Thread.detachNewThread { [self] in
      while let line = reader.next() {
        record.withLock { $0 += line + "\n" }
        found.yield(line)
      }
      found.finish()
    }
  }

  /// Everything that it has said.
  var said: String { record.withLock { $0 } }

  /// The first line that contains `text` and was not given before, whatever was said around it.
  /// - Throws: when it ends without such a line.
  @discardableResult
  func line(with text: String) async throws -> String {
    let earlier = passed.withLock { passed in
      passed.firstIndex { $0.contains(text) }.map { passed.remove(at: $0) }
    }
    if let earlier { return earlier }
    for await line in lines {
      if line.contains(text) { return line }
      passed.withLock { $0.append(line) }
    }
    throw Failure(description: "it ended without \"\(text)\":\n\(said)")
  }

  /// Waits until it listens. - Returns: `http://HOST:PORT`.
  func ready() async throws -> String {
    "http://" + (try await line(with: "ready ")).dropFirst("ready ".count)
  }

  /// SIGTERM, as a service manager stops it. - Returns: its exit status.
  func stop() async throws -> Int32 {
    leash.withLock { $0 = nil }
    let line = try await line(with: "status ")
    return Int32(line.dropFirst("status ".count)) ?? -1
  }

  /// Waits until the worker has been killed (by itself, at a crash point).
  func ended() async throws { _ = try await line(with: "status 137") }
}

/// Lines of a pipe, for one thread.
private final class LineReader: @unchecked Sendable {
  // Invariant: first the starting thread asks, then only the reading one, which is started after that.
  private let descriptor: InheritedDescriptor
  private var text: [UInt8] = []

  init(_ descriptor: InheritedDescriptor) { self.descriptor = descriptor }

  /// The next line; nil at the end.
  func next() -> String? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      if let end = text.firstIndex(of: 0x0A) {
        defer { text.removeFirst(end + 1) }
        return String(decoding: text[..<end], as: UTF8.self)
      }
      let count = read(descriptor.number, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return nil }
      text += buffer[..<count]
    }
  }
}

/// Posts as senders do, by curl.
struct Sender {
  let base: String

  /// - Returns: the status code.
  func post(_ path: String, _ body: String, headers: [String]) async throws -> Int {
    let answer = try await Program.run(
      ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", body]
        + headers.flatMap { ["-H", $0] } + [base + path], in: "/")
    return Int(answer) ?? 0
  }

  /// A GitHub webhook, signed.
  func github(_ body: String, event: String = "secret_scanning_alert", delivery: String, key: String)
    async throws -> Int
  {
    let code = HMAC<SHA256>.authenticationCode(
      for: Data(body.utf8), using: SymmetricKey(data: Data(key.utf8)))
    return try await post(
      "/hooks/github", body,
      headers: [
        "Content-Type: application/json", "X-GitHub-Event: \(event)", "X-GitHub-Delivery: \(delivery)",
        "X-Hub-Signature-256: sha256=\(Hex.text(code))",
      ])
  }

  func report(_ body: String, token: String) async throws -> Int {
    try await post(
      "/reports", body, headers: ["Content-Type: application/json", "Authorization: Bearer \(token)"])
  }
}
