public import Secrets

/// Starts programs by argument vector, never through a shell.
public protocol ProcessRunner: Sendable {
  /// Runs a program that changes nothing. `readOnlyBecause` says why it is harmless.
  func inspect(_ call: ProcessCall, readOnlyBecause reason: StaticString) async throws(CapabilityError)
    -> ProcessOutcome
  /// Runs a program that changes nothing and whose output is a secret: it is neither redacted nor cut.
  /// - Throws: `.invalid` when there is too much of it.
  func readSecret(_ call: ProcessCall, readOnlyBecause reason: StaticString) async throws(CapabilityError)
    -> SecretOutcome
  /// Runs a program.
  func run(_ call: ProcessCall, under authority: borrowing ExecutionAuthority) async throws(CapabilityError)
    -> ProcessOutcome
}

/// One program call. Secrets go to its standard input, never to its arguments or environment.
public struct ProcessCall: Sendable {
  public var arguments: [String]
  /// The complete environment of the child, apart from PATH, HOME, LANG and TZ.
  public var environment: [String: String]
  public var workingDirectory: String?
  public var standardInput: Secret?
  public var timeout: Duration
  public init(
    _ arguments: [String], environment: [String: String] = [:], workingDirectory: String? = nil,
    standardInput: Secret? = nil, timeout: Duration = .seconds(60)
  ) {
    self.arguments = arguments
    self.environment = environment
    self.workingDirectory = workingDirectory
    self.standardInput = standardInput
    self.timeout = timeout
  }
}

/// How a program ended. Its output is bounded and redacted by the runner.
public struct ProcessOutcome: Sendable, Hashable {
  public let status: Int
  public let output: String
  public let errors: String
  public init(status: Int, output: String, errors: String) {
    self.status = status
    self.output = output
    self.errors = errors
  }
}

/// How a program ended whose output is a secret.
public struct SecretOutcome: Sendable {
  public let status: Int
  public let output: Secret
  /// Bounded and redacted.
  public let errors: String
  public init(status: Int, output: Secret, errors: String) {
    self.status = status
    self.output = output
    self.errors = errors
  }
}

extension ProcessRunner {
  /// For runners that start nothing.
  public func readSecret(_ call: ProcessCall, readOnlyBecause reason: StaticString)
    async throws(CapabilityError) -> SecretOutcome
  {
    throw CapabilityError(
      .unsupported, "run \(call.arguments.first ?? "")", because: "no secret can be read from a program here")
  }
}

/// Ends children of this process when it is killed: what outlived it would act after everybody has looked.
public protocol ChildLeash: Sendable {
  /// A variable that every child gets in its environment, and its children with it: by it they are found.
  var mark: (name: String, value: String) { get }
  /// The process `id`, and its session, end with us.
  func hold(_ id: Int32)
  /// It has ended: its number may be another's by now.
  func release(_ id: Int32)
}

/// Files on this machine.
public protocol FileSystem: Sendable {
  /// - Throws: `.notFound`, `.refused`.
  func read(_ path: String) async throws(CapabilityError) -> Secret
  /// Replaces `path` atomically (temporary file, fsync, rename, fsync of the directory); mode and owner are kept.
  func replace(_ path: String, with contents: Secret, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  /// As ``replace(_:with:under:)``, where the file still is what was read.
  /// - Parameter expected: what it held; nil: there was none.
  /// - Throws: also `.conflict` when it is something else by now; it stays as it is then.
  func replace(
    _ path: String, with contents: Secret, expecting expected: Secret?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError)
  /// Makes `path` and every directory above it that is missing, for their owner alone (mode 0700). One that is there stays
  /// as it is. Safe to repeat.
  func makeDirectory(_ path: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  func exists(_ path: String) async -> Bool
  /// Names of the regular files in `directory`, links to such among them, sorted.
  /// - Throws: `.notFound`, `.refused`.
  func files(in directory: String) async throws(CapabilityError) -> [String]
  /// Why ``replace(_:with:under:)`` would fail: the file or its directory may not be written. Nil: nothing speaks against
  /// it. Read only.
  func obstacle(toReplacing path: String) async -> String?
  /// Who besides the runner and root may change what stands at `path`, or put something else there; nil: nobody. Read only.
  func stranger(whoMayReplace path: String) async -> String?
}

extension FileSystem {
  /// For files without owners.
  public func stranger(whoMayReplace path: String) async -> String? { nil }

  /// What is read again right before: a write in between is not seen.
  public func replace(
    _ path: String, with contents: Secret, expecting expected: Secret?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let found = await exists(path) ? try await read(path) : nil
    let isSame =
      switch (found, expected) {
      case (nil, nil): true
      case (let found?, let expected?): found.isSame(as: expected)
      default: false
      }
    guard isSame else { throw .changedMeanwhile(path) }
    try await replace(path, with: contents, under: authority)
  }
}

extension CapabilityError {
  /// The file at `path` is no longer what was read.
  public static func changedMeanwhile(_ path: String) -> CapabilityError {
    CapabilityError(
      .conflict, "replace \(path)", because: "something else wrote the file at the same time",
      fix: "staunch resume")
  }
}

/// Where a secret of the runner's own comes from: see ``SecretReference``.
public protocol SecretSourceResolver: Sendable {
  /// - Throws: `.configuration` when the reference is malformed or a plain value, `.notFound` when nothing is there.
  func resolve(_ reference: String) async throws(CapabilityError) -> Secret
}
