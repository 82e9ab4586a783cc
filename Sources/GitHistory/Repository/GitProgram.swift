import Capabilities
import Foundation
import Subprocess
import SystemPackage

/// Runs the `git` program: for what only it does as users know it (clone, push with lease, smudge filters, status).
///
/// Arguments are a vector, never a shell string; questions on the terminal are switched off; the repository's hooks and
/// its file system monitor do not run: whoever prepared a repository must not get a program started by it.
public struct GitProgram: Sendable {
  /// Whom a command talks to: decides which of the caller's variables it gets (``GitEnvironment``).
  enum Contact: Sendable { case nobody, remote }

  private let here: [String: String]
  private let outside: [String: String]
  /// How many settings the caller gives by `GIT_CONFIG_COUNT` already.
  private let settingsGiven: Int
  private static let guards = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]

  /// - Parameter environment: the process environment.
  public init(environment: [String: String]) {
    here = GitEnvironment.local(environment)
    outside = GitEnvironment.contact(environment)
    settingsGiven = environment["GIT_CONFIG_COUNT"].flatMap { Int($0) } ?? 0
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
  ///   - settings: for this command only, by environment: a value may hold a credential, and arguments are public.
  ///   - deadline: the child is ended after it.
  /// - Throws: `.configuration` when there is no `git`, `.timeout`, `.cancelled`. An exit status is no error here.
  func run(
    _ arguments: [[UInt8]], in directory: PathBytes, contacting contact: Contact = .nobody,
    input: [UInt8] = [], more: [String: String] = [:], settings given: [(key: String, value: String)] = [],
    deadline: Duration = .seconds(3600)
  ) async throws(CapabilityError) -> Outcome {
    let operation =
      "git " + (arguments.first { $0.first != 0x2D }.map { String(decoding: $0, as: UTF8.self) } ?? "")
    var variables = (contact == .remote ? outside : here).merging(more) { _, new in new }
    for (number, setting) in given.enumerated() {
      variables["GIT_CONFIG_KEY_\(settingsGiven + number)"] = setting.key
      variables["GIT_CONFIG_VALUE_\(settingsGiven + number)"] = setting.value
    }
    if !given.isEmpty { variables["GIT_CONFIG_COUNT"] = String(settingsGiven + given.count) }
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
            arguments: Arguments(
              ([Array("-C".utf8), directory.bytes] + GitProgram.guards.map { Array($0.utf8) } + arguments)
                .map { $0 + [0] }),
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
  func run(
    _ arguments: [String], in directory: PathBytes, contacting contact: Contact = .nobody,
    input: [UInt8] = [], more: [String: String] = [:], settings: [(key: String, value: String)] = [],
    deadline: Duration = .seconds(3600)
  ) async throws(CapabilityError) -> Outcome {
    try await run(
      arguments.map { Array($0.utf8) }, in: directory, contacting: contact, input: input, more: more,
      settings: settings, deadline: deadline)
  }
}
