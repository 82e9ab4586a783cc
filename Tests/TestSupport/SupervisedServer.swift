import Foundation
import Synchronization

/// A server started for tests. It ends when its owner goes, and also when the test process is killed: a small shell
/// waits on a pipe that only the test process holds open.
public final class SupervisedServer: Sendable {
  /// The server did not start.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
    public init(description: String) { self.description = description }
  }

  /// What the script printed after `ready `.
  public let announcement: String
  private let leash: Pipe
  private let supervisor: Mutex<Process>

  /// Runs `script` with `sh -c`; `$1 …` are `arguments`.
  ///
  /// The script starts the server, prints `ready` (and what the test must know) on its own line, then reads standard
  /// input until it ends, then stops the server and removes its files.
  public init(_ script: String, arguments: [String], environment: [String: String] = [:], user: String? = nil)
    throws
  {
    let process = Process()
    var command = ["/bin/sh", "-c", script, "sh"] + arguments
    if let user, geteuid() == 0 {
      command = ["/usr/bin/setpriv", "--reuid=\(user)", "--regid=\(user)", "--init-groups"] + command
    }
    process.executableURL = URL(filePath: command[0])
    process.arguments = Array(command.dropFirst())
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
    process.currentDirectoryURL = URL(filePath: "/")
    let input = Pipe()
    let output = Pipe()
    process.standardInput = input
    process.standardOutput = output
    let errors = NSTemporaryDirectory() + "staunch-server-" + UUID().uuidString.lowercased()
    _ = FileManager.default.createFile(atPath: errors, contents: nil)
    defer { try? FileManager.default.removeItem(atPath: errors) }  // clean-up only
    process.standardError = FileHandle(forWritingAtPath: errors)
    try process.run()
    var text = ""
    while !text.contains("\n") {
      let chunk = output.fileHandleForReading.availableData
      guard !chunk.isEmpty else { break }
      text += String(decoding: chunk, as: UTF8.self)
    }
    guard let line = text.split(separator: "\n").first, line.hasPrefix("ready") else {
      let why = FileManager.default.contents(atPath: errors).map { String(decoding: $0, as: UTF8.self) } ?? ""
      throw Failure(description: "the server did not start: \(text) \(why.suffix(2000))")
    }
    announcement = line.dropFirst("ready".count).trimmingCharacters(in: .whitespaces)
    leash = input
    supervisor = Mutex(process)
  }

  /// Stops the server and waits until it is gone. Safe to repeat.
  public func stop() {
    supervisor.withLock { process in
      guard process.isRunning else { return }
      try? leash.fileHandleForWriting.close()  // a second close is harmless
      process.waitUntilExit()
    }
  }

  deinit { stop() }

  /// A port of this machine that was free a moment ago. Whoever binds it must be ready to lose the race.
  public static func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard isBound else { throw Failure(description: "no free port: errno \(errno)") }
    return Int(UInt16(bigEndian: address.sin_port))
  }
}
