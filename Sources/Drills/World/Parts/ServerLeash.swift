import Foundation
import Incidents
import Synchronization

/// A real server started for a drill. It ends when its owner goes, and also when this process is killed: a small shell
/// waits on a pipe that only this process holds open.
final class ServerLeash: Sendable {
  private let input: Pipe
  private let output: Mutex<FileHandle>
  private let supervisor: Mutex<Process>

  /// Runs `script` with `sh -c`; `$1 …` are `arguments`. Secrets go to `standardInput`, which stays open afterwards.
  ///
  /// The script starts the server, prints `ready …` on a line of its own, answers each line of standard input with one until it
  /// ends, stops the server and removes its files.
  init(_ script: String, arguments: [String], user: String?, standardInput: String) throws(DrillError) {
    let process = Process()
    var command = ["/bin/sh", "-c", script, "sh"] + arguments
    if let user, geteuid() == 0 {
      command = ["/usr/bin/setpriv", "--reuid=\(user)", "--regid=\(user)", "--init-groups"] + command
    }
    process.executableURL = URL(filePath: command[0])
    process.arguments = Array(command.dropFirst())
    process.environment = [
      "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "TZ": "UTC",
    ]
    process.currentDirectoryURL = URL(filePath: "/")
    let input = Pipe()
    let output = Pipe()
    // Any other child that inherited our end would keep the server alive, and `stop` waiting, for as long as it lives.
    _ = fcntl(input.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    do {
      try process.run()
      try input.fileHandleForWriting.write(contentsOf: Data(standardInput.utf8))
    } catch {
      throw DrillError(.sandbox, "start \(command[0])", because: plainReason(of: error))
    }
    var text = ""
    while !text.contains("\n") {
      let chunk = output.fileHandleForReading.availableData
      guard !chunk.isEmpty else { break }
      text += String(decoding: chunk, as: UTF8.self)
    }
    guard text.hasPrefix("ready") else {
      throw DrillError(
        .sandbox, "start the server of the drill",
        because: text.isEmpty ? "it ended at once" : String(text.prefix(200)))
    }
    self.input = input
    // Kept also where nobody reads on: what the script says must not end it.
    self.output = Mutex(output.fileHandleForReading)
    supervisor = Mutex(process)
  }

  /// Sends a line to the script, which answers with one; one question after the other.
  /// - Returns: nil: it is gone.
  func ask(_ line: String) async -> String? {
    await withCheckedContinuation { continuation in
      // Reading blocks, so it has a thread of its own.
      Thread.detachNewThread { continuation.resume(returning: self.answer(to: line)) }
    }
  }

  private func answer(to line: String) -> String? {
    output.withLock { output in
      guard !isGone else { return nil }
      do { try input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8)) } catch { return nil }
      var text = ""
      while !text.contains("\n") {
        let chunk = output.availableData
        guard !chunk.isEmpty else { return nil }
        text += String(decoding: chunk, as: UTF8.self)
      }
      return text.trimmingCharacters(in: .newlines)
    }
  }

  /// Stops the server and waits until it is gone. Safe to repeat.
  func stop() {
    supervisor.withLock { process in
      guard process.isRunning else { return }
      try? input.fileHandleForWriting.close()  // a second close is harmless
      process.waitUntilExit()
    }
  }

  /// The server and its supervisor are gone.
  var isGone: Bool { supervisor.withLock { !$0.isRunning } }

  deinit { stop() }
}
