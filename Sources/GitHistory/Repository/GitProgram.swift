import Capabilities
import Foundation
import Subprocess
import SystemPackage

/// Runs the `git` program: for what only it does as users know it (clone, push with lease, smudge filters, status).
///
/// Arguments are a vector, never a shell string; questions on the terminal are switched off; only the environment
/// that Git, its transports and credential helpers need is passed on.
public struct GitProgram: Sendable {
  private let environment: [String: String]

  /// Names that reach the child. Everything else stays here: the caller's environment may hold secrets.
  private static let passed: Set<String> = [
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR",
    "SSH_AUTH_SOCK", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_CERT",
    "GIT_SSL_KEY", "GIT_EXEC_PATH", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY",
    "all_proxy", "ALL_PROXY", "GNUPGHOME", "DBUS_SESSION_BUS_ADDRESS",
  ]

  /// - Parameter environment: the process environment; what Git does not need is dropped.
  public init(environment: [String: String]) {
    var kept = environment.filter { GitProgram.passed.contains($0.key) }
    kept["GIT_TERMINAL_PROMPT"] = "0"
    // Without these ssh would ask on the terminal for a passphrase or a host key, and wait (ssh(1), ENVIRONMENT).
    kept["SSH_ASKPASS"] = "/bin/false"
    kept["SSH_ASKPASS_REQUIRE"] = "force"
    kept["LC_ALL"] = "C.UTF-8"  // messages are read by program
    kept["PATH"] = kept["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    self.environment = kept
  }

  struct Outcome: Sendable {
    let status: Int
    let output: [UInt8]
    let errors: String
  }

  /// Runs `git` with `arguments`.
  ///
  /// - Parameters:
  ///   - directory: where; Git finds the repository from there.
  ///   - deadline: the child is ended after it.
  /// - Throws: `.configuration` when there is no `git`, `.timeout`, `.cancelled`. An exit status is no error here.
  func run(
    _ arguments: [[UInt8]], in directory: PathBytes, input: [UInt8] = [], more: [String: String] = [:],
    deadline: Duration = .seconds(3600)
  ) async throws(CapabilityError) -> Outcome {
    let operation =
      "git " + (arguments.first { $0.first != 0x2D }.map { String(decoding: $0, as: UTF8.self) } ?? "")
    let variables = environment.merging(more) { _, new in new }
    let settings = Environment.custom(variables.map { Array("\($0.key)=\($0.value)\0".utf8) })
    // Through a file and not a pipe: a child that ends early would end this process, too (SIGPIPE).
    guard let file = tmpfile() else { throw DurableFiles.failure("tmpfile", directory) }
    defer { fclose(file) }
    guard fwrite(input, 1, input.count, file) == input.count, fflush(file) == 0, fseek(file, 0, SEEK_SET) == 0
    else {
      throw DurableFiles.failure("write", PathBytes("a temporary file"))
    }
    let source = FileDescriptor(rawValue: fileno(file))
    let outcome: Outcome?
    do {
      outcome = try await withThrowingTaskGroup(of: Outcome?.self) { group in
        group.addTask {
          let result = try await Subprocess.run(
            .name("git"),
            arguments: Arguments(([Array("-C".utf8), directory.bytes] + arguments).map { $0 + [0] }),
            environment: settings, input: .fileDescriptor(source, closeAfterSpawningProcess: false),
            output: .bytes(limit: 256 << 20),
            error: .string(limit: 16 << 20, encoding: UTF8.self))
          let status: Int
          switch result.terminationStatus {
          case .exited(let code): status = Int(code)
          case .signaled(let signal): status = 128 + Int(signal)
          }
          return Outcome(status: status, output: result.standardOutput, errors: result.standardError)
        }
        group.addTask {
          try await Task.sleep(for: deadline)
          return nil
        }
        let first = try await group.next() ?? nil
        group.cancelAll()
        return first
      }
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw CapabilityError(
        .configuration, operation, because: "the program git is not installed", fix: "apt-get install git")
    } catch is CancellationError {
      throw CapabilityError(.cancelled, operation, because: "the run was interrupted")
    } catch {
      throw CapabilityError(.refused, operation, because: "git could not be run (\(type(of: error)))")
    }
    guard let outcome else {
      throw CapabilityError(
        .timeout, operation, because: "git did not finish within \(deadline)",
        fix: "check the network and the remote, then run the same command again")
    }
    return outcome
  }

  /// The same, for arguments that are plain text.
  func run(_ arguments: [String], in directory: PathBytes, input: [UInt8] = [], more: [String: String] = [:])
    async throws(CapabilityError) -> Outcome
  {
    try await run(arguments.map { Array($0.utf8) }, in: directory, input: input, more: more)
  }
}
