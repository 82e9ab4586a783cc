public import Capabilities
import Foundation
import Subprocess
import SystemPackage

/// Runs the `git` program: for what only it does as users know it (clone, push with lease, smudge filters, status).
///
/// Arguments are a vector, never a shell string; questions on the terminal are switched off; the repository's hooks, its file
/// system monitor and (``GitProgram/run(_:of:at:contacting:input:more:settings:deadline:)``) its other settings that name
/// programs do not count: whoever prepared a repository must not get a program started by it.
///
/// A child has a session of its own. At its deadline, when its task is cancelled and when this process is killed, everything
/// that it started ends with it.
public struct GitProgram: Sendable {
  /// Whom a command talks to: decides which of the caller's variables it gets (``GitEnvironment``).
  enum Contact: Sendable { case nobody, remote }

  private let here: [String: String]
  private let outside: [String: String]
  /// How many settings the caller gives by `GIT_CONFIG_COUNT` already.
  private let settingsGiven: Int
  private let leash: (any ChildLeash)?
  let trust: RepositoryTrust
  /// Where views of repositories lie while a command runs.
  let temporaryDirectory: PathBytes
  // No clean-up in the background either: it would outlive the command.
  private static let guards = [
    "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c",
    "maintenance.auto=false",
  ]

  /// - Parameters:
  ///   - environment: the process environment.
  ///   - leash: ends what `git` starts when this process is killed; nil: nobody does.
  ///   - trust: whose settings count.
  public init(
    environment: [String: String], leash: (any ChildLeash)? = nil, trust: RepositoryTrust = .none
  ) {
    here = GitEnvironment.local(environment)
    outside = GitEnvironment.contact(environment)
    settingsGiven = environment["GIT_CONFIG_COUNT"].flatMap { Int($0) } ?? 0
    temporaryDirectory = PathBytes(environment["TMPDIR"] ?? "/tmp")
    self.leash = leash
    self.trust = trust
  }

  struct Outcome: Sendable {
    let status: Int
    let output: [UInt8]
    let errors: String
    /// Keys of the repository's own settings that did not count.
    var ignored: [String] = []
    /// Where the repository is that it was run for; nil: none.
    var repository: String?
  }

  /// Runs `git` with `arguments`, with the settings of whatever repository it finds.
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
    let began = ContinuousClock.now
    func log(_ end: String) {
      DebugLog.note(
        .debug, "process",
        DebugLog.command(
          ["git", "-C", directory.text] + arguments.map { String(decoding: $0, as: UTF8.self) })
          + ": \(end), \(DebugLog.time(since: began))")
    }
    do throws(CapabilityError) {
      let outcome = try await outcome(
        of: arguments, in: directory, contacting: contact, input: input, more: more, settings: given,
        deadline: deadline)
      log("exit \(outcome.status)")
      return outcome
    } catch {
      log(error.because)
      throw error
    }
  }

  private func outcome(
    of arguments: [[UInt8]], in directory: PathBytes, contacting contact: Contact, input: [UInt8],
    more: [String: String], settings given: [(key: String, value: String)], deadline: Duration
  ) async throws(CapabilityError) -> Outcome {
    let operation =
      "git " + (arguments.first { $0.first != 0x2D }.map { String(decoding: $0, as: UTF8.self) } ?? "")
    let environment = environment(contact, more, given)
    let words = [Array("-C".utf8), directory.bytes] + GitProgram.guards.map { Array($0.utf8) } + arguments
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
        // Whoever waits for seconds only does not wait two more for a child that does not want to end.
        let grace: Duration = deadline < .seconds(10) ? .milliseconds(300) : .seconds(2)
        group.addTask { try await execute(words, environment, source, grace) }
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
    } catch let error as CapabilityError {
      throw error
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

  private func environment(
    _ contact: Contact, _ more: [String: String], _ given: [(key: String, value: String)]
  ) -> Environment {
    var variables = (contact == .remote ? outside : here).merging(more) { _, new in new }
    for (number, setting) in given.enumerated() {
      variables["GIT_CONFIG_KEY_\(settingsGiven + number)"] = setting.key
      variables["GIT_CONFIG_VALUE_\(settingsGiven + number)"] = setting.value
    }
    if !given.isEmpty { variables["GIT_CONFIG_COUNT"] = String(settingsGiven + given.count) }
    if let leash { variables[leash.mark.name] = leash.mark.value }
    return .custom(variables.map { Array("\($0.key)=\($0.value)\0".utf8) })
  }

  private func execute(
    _ words: [[UInt8]], _ environment: Environment, _ input: FileDescriptor, _ grace: Duration
  ) async throws -> Outcome {
    var options = PlatformOptions()
    options.createSession = true  // no terminal to ask on, and a group to end as a whole
    options.teardownSequence = [
      .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: grace)
    ]
    let result = try await Subprocess.run(
      .name("git"), arguments: Arguments(words.map { $0 + [0] }), environment: environment,
      platformOptions: options, input: .fileDescriptor(input, closeAfterSpawningProcess: false),
      output: .sequence, error: .sequence
    ) { execution in
      let id = execution.processIdentifier.value
      leash?.hold(id)
      defer { leash?.release(id) }
      async let output = GitProgram.all(of: execution.standardOutput, atMost: 256 << 20)
      async let errors = GitProgram.all(of: execution.standardError, atMost: 16 << 20)
      return try await (output, errors)
    }
    let status: Int
    switch result.terminationStatus {
    case .exited(let code): status = Int(code)
    case .signaled(let signal): status = 128 + Int(signal)
    }
    return Outcome(
      status: status, output: result.closureResult.0,
      errors: String(decoding: result.closureResult.1, as: UTF8.self))
  }

  /// A part would be taken for the whole: references would be missing.
  private static func all(of stream: SubprocessOutputSequence, atMost limit: Int) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    for try await chunk in stream {
      chunk.withUnsafeBytes { bytes.append(contentsOf: $0) }
      guard bytes.count <= limit else {
        throw CapabilityError(
          .refused, "read what git says", because: "it is more than \(limit >> 20) MiB")
      }
    }
    return bytes
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
