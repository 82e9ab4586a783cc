import Foundation
import Subprocess

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// The built `staunch`, run as a user would: own home, own state, nothing inherited but PATH.
public struct StaunchBinary: Sendable {
  /// How a run ended.
  public struct Outcome: Sendable {
    public let status: Int32
    public let output: String
    public let errors: String
  }

  /// The world the command sees.
  public var environment: [String: String]
  public var workingDirectory: String

  /// - Parameters:
  ///   - home: becomes HOME; the state directory is `<home>/state`.
  ///   - path: directories before the system's PATH (shims).
  public init(home: String, workingDirectory: String, path: [String] = []) {
    let inherited = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    environment = [
      "HOME": home, "STAUNCH_STATE": home + "/state", "PATH": (path + [inherited]).joined(separator: ":"),
      "LANG": "C.UTF-8", "TMPDIR": home,
    ]
    self.workingDirectory = workingDirectory
  }

  /// The program in a directory of its own, which is its home and holds staunch.yaml, and `playbooks/mine.yaml` where one is given.
  public static func world(_ configuration: String = "staunch: 1\n", playbook: String? = nil) throws -> (
    TemporaryDirectory, StaunchBinary
  ) {
    let directory = try TemporaryDirectory()
    try configuration.write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    if let playbook {
      try FileManager.default.createDirectory(
        atPath: directory.path("playbooks"), withIntermediateDirectories: true)
      try playbook.write(toFile: directory.path("playbooks/mine.yaml"), atomically: true, encoding: .utf8)
    }
    return (directory, StaunchBinary(home: directory.path, workingDirectory: directory.path))
  }

  /// The directory of build products: where the running test bundle lies.
  public static var products: String {
    get throws {
      URL(filePath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        .deletingLastPathComponent().path
    }
  }

  /// Runs `staunch arguments…` to its end.
  public func run(_ arguments: [String], input: String = "", environment extra: [String: String] = [:])
    async throws
    -> Outcome
  {
    var variables: [Environment.Key: String] = [:]
    for (name, value) in environment.merging(extra, uniquingKeysWith: { _, new in new }) {
      if let key = Environment.Key(rawValue: name) { variables[key] = value }
    }
    let result = try await Subprocess.run(
      .path(FilePath(try Self.products + "/staunch")), arguments: Arguments(arguments),
      environment: .custom(variables), workingDirectory: FilePath(workingDirectory), input: .string(input),
      output: .string(limit: 64 << 20), error: .string(limit: 64 << 20))
    let status: Int32 =
      switch result.terminationStatus {
      case .exited(let code): code
      case .signaled(let signal): -signal
      }
    return Outcome(status: status, output: result.standardOutput, errors: result.standardError)
  }

  /// A run that goes on beside the test.
  public final class Running: @unchecked Sendable {
    // Invariant for @unchecked: used by the test that started it only.
    private let process: Process
    fileprivate init(_ process: Process) { self.process = process }
    /// SIGKILL, and waits until it is gone.
    public func kill() {
      Foundation.kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
  }

  /// Starts `staunch arguments…`; what it writes is dropped.
  public func start(_ arguments: [String]) throws -> Running {
    let process = Process()
    process.executableURL = URL(filePath: try Self.products + "/staunch")
    process.arguments = arguments
    process.environment = environment
    process.currentDirectoryURL = URL(filePath: workingDirectory)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return Running(process)
  }
}
