public import Capabilities
import Foundation
import Secrets
import Subprocess

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// Starts programs with swift-subprocess: an argument vector, an environment of our choosing, bounded output.
///
/// A program that outlives its deadline, or whose task is cancelled, gets SIGTERM and two seconds later SIGKILL,
/// together with every process of its session. When this process is killed, they end with it.
public struct SubprocessRunner: ProcessRunner {
  private let inherited: [String: String]
  private let largestOutput: Int
  private let redact: @Sendable (String) -> String

  /// - Parameters:
  ///   - environment: of the runner; only PATH, HOME, LANG and TZ are handed on; STAUNCH_LEASH is added,
  ///     by which a child is found when this process was killed as it started it.
  ///   - largestOutput: bytes kept of each stream; the rest is read and dropped.
  ///   - redact: hides secrets in what the program wrote.
  public init(
    environment: [String: String], largestOutput: Int = 1 << 20,
    redact: @escaping @Sendable (String) -> String
  ) {
    inherited = environment.filter { ["PATH", "HOME", "LANG", "TZ"].contains($0.key) }
    self.largestOutput = largestOutput
    self.redact = redact
  }

  public func inspect(_ call: ProcessCall, readOnlyBecause reason: StaticString) async throws(CapabilityError)
    -> ProcessOutcome
  {
    outcome(of: try await start(call, changes: false))
  }

  public func readSecret(_ call: ProcessCall, readOnlyBecause reason: StaticString)
    async throws(CapabilityError) -> SecretOutcome
  {
    let ended = try await start(call, changes: false)
    guard !ended.output.isCut else {
      throw CapabilityError(
        .invalid, "run \(call.arguments.first ?? "")",
        because: "it wrote more than \(largestOutput) bytes", fix: "name the right secret")
    }
    return SecretOutcome(
      status: ended.status, output: Secret(SecretBytes(copying: ended.output.bytes)),
      errors: redact(ended.errors.wholeLines))
  }

  public func run(_ call: ProcessCall, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> ProcessOutcome
  {
    outcome(of: try await start(call, changes: true))
  }

  /// The first bytes of what a program wrote.
  private struct Head: Sendable {
    var bytes: [UInt8] = []
    var isCut = false

    /// The cut may run through a secret, whose half the redactor would not know: keep whole lines only.
    var wholeLines: String {
      guard isCut else { return String(decoding: bytes, as: UTF8.self) }
      let end = bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
      return String(decoding: bytes[..<end], as: UTF8.self) + "[output cut]"
    }
  }

  private struct Ended: Sendable {
    let status: Int
    let output: Head
    let errors: Head
  }

  private func outcome(of ended: Ended) -> ProcessOutcome {
    ProcessOutcome(
      status: ended.status, output: redact(ended.output.wholeLines), errors: redact(ended.errors.wholeLines))
  }

  private enum End: Sendable {
    case ended(Ended)
    case failed(CapabilityError)
    case timedOut
  }

  private func start(_ call: ProcessCall, changes: Bool) async throws(CapabilityError) -> Ended {
    let began = ContinuousClock.now
    do throws(CapabilityError) {
      let outcome = try await outcome(of: call, changes: changes)
      DebugLog.note(
        .debug, "process",
        "\(DebugLog.command(call.arguments)): exit \(outcome.status), \(DebugLog.time(since: began))")
      return outcome
    } catch {
      DebugLog.note(
        .debug, "process",
        "\(DebugLog.command(call.arguments)): \(error.because), \(DebugLog.time(since: began))")
      throw error
    }
  }

  private func outcome(of call: ProcessCall, changes: Bool) async throws(CapabilityError) -> Ended {
    guard let program = call.arguments.first, !program.isEmpty else {
      throw CapabilityError(
        .configuration, "run", because: "no program is named", fix: "add it to staunch.yaml")
    }
    let operation = "run \(program)"
    let end = await withTaskGroup(of: End.self) { group in
      group.addTask { await execute(program, call, operation) }
      group.addTask {
        // A cancelled sleep only means that the program ended first.
        try? await Task.sleep(for: call.timeout)
        return .timedOut
      }
      let first = await group.next() ?? .timedOut
      group.cancelAll()  // tears the program down when it was the deadline that came first
      return first
    }
    if Task.isCancelled {
      throw CapabilityError(
        changes ? .unknownOutcome : .cancelled, operation, because: "cancelled while it ran")
    }
    switch end {
    case .ended(let outcome): return outcome
    case .failed(let error): throw error
    case .timedOut:
      throw CapabilityError(
        changes ? .unknownOutcome : .timeout, operation, because: "it did not end within \(call.timeout)",
        fix: "raise the time limit or see why it hangs")
    }
  }

  private func execute(_ program: String, _ call: ProcessCall, _ operation: String) async -> End {
    var environment: [Environment.Key: String] = [:]
    for (name, value) in inherited.merging(call.environment, uniquingKeysWith: { _, own in own }) {
      if let key = Environment.Key(rawValue: name) { environment[key] = value }
    }
    let mark = Leash.shared.mark
    if let key = Environment.Key(rawValue: mark.name) { environment[key] = mark.value }
    var options = PlatformOptions()
    options.createSession = true  // no terminal to read from, and a group to end as a whole
    options.teardownSequence = [
      .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(2))
    ]
    let executable: Executable = program.contains("/") ? .path(FilePath(program)) : .name(program)
    let limit = largestOutput
    do {
      let input = try SubprocessRunner.standardInput(call.standardInput, operation)
      let result = try await Subprocess.run(
        executable, arguments: Arguments(Array(call.arguments.dropFirst())),
        environment: .custom(environment), workingDirectory: call.workingDirectory.map { FilePath($0) },
        platformOptions: options,
        input: .fileDescriptor(FileDescriptor(rawValue: input), closeAfterSpawningProcess: true),
        output: .sequence, error: .sequence
      ) { execution in
        let id = execution.processIdentifier.value
        Leash.shared.hold(id)
        defer { Leash.shared.release(id) }
        async let output = SubprocessRunner.head(of: execution.standardOutput, limit: limit)
        async let errors = SubprocessRunner.head(of: execution.standardError, limit: limit)
        return try await (output, errors)
      }
      let status =
        switch result.terminationStatus {
        case .exited(let code): Int(code)
        case .signaled(let signal): 128 + Int(signal)  // as a shell counts
        }
      return .ended(
        Ended(status: status, output: result.closureResult.0, errors: result.closureResult.1))
    } catch let error as CapabilityError {
      return .failed(error)
    } catch let error as SubprocessError where error.code == .executableNotFound {
      return .failed(
        CapabilityError(
          .notFound, operation, because: "there is no such program", fix: "install it or correct the path"))
    } catch let error as SubprocessError where error.code == .failedToChangeWorkingDirectory {
      return .failed(
        CapabilityError(
          .notFound, operation, because: "there is no such working directory", fix: "correct the path"))
    } catch let error as SubprocessError where error.code == .spawnFailed {
      return .failed(
        CapabilityError(
          .refused, operation, because: "it could not be started", fix: "check that it is executable"))
    } catch {
      return .failed(CapabilityError(.serverError, operation, because: "its output could not be read"))
    }
  }

  /// A descriptor to read `secret` from, or `/dev/null`. Whoever gets it closes it.
  private static func standardInput(_ secret: Secret?, _ operation: String) throws(CapabilityError) -> Int32 {
    guard let secret else {
      let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
      guard null >= 0 else { throw systemError(errno, operation) }
      return null
    }
    let file = try InheritedDescriptor.holding(secret, operation)
    let copy = withExtendedLifetime(file) { fcntl(file.number, F_DUPFD_CLOEXEC, 0) }
    guard copy >= 0 else { throw systemError(errno, operation) }
    return copy
  }

  /// Reads to the end and keeps the first `limit` bytes, so that a chatty program neither blocks nor fills memory.
  private static func head(of stream: SubprocessOutputSequence, limit: Int) async throws -> Head {
    var head = Head()
    for try await chunk in stream {
      let room = limit - head.bytes.count
      chunk.withUnsafeBytes { head.bytes.append(contentsOf: $0.prefix(room)) }
      if chunk.count > room { head.isCut = true }
    }
    return head
  }
}
