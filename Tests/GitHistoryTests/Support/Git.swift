import Foundation
import TestSupport
import Testing

/// The real `git`, with an environment of its own: no user configuration, fixed names, a fixed clock.
struct Git {
  /// A repository or the directory to run in.
  let path: String
  var more: [String: String] = [:]

  struct Failure: Error, CustomStringConvertible {
    let arguments: [String]
    let errors: String
    var description: String { "git \(arguments.joined(separator: " ")): \(errors)" }
  }

  static let environment: [String: String] = [
    "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "Ada",
    "LC_ALL": "C.UTF-8",
    "GIT_AUTHOR_EMAIL": "ada@example.org", "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "1700000000 +0100", "GIT_COMMITTER_DATE": "1700000000 +0100",
  ]

  /// A new repository with the branch `main`.
  init(creating path: String, bare: Bool = false) throws {
    self.path = path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try self(["init", "-q", "-b", "main"] + (bare ? ["--bare"] : []))
  }

  init(path: String) { self.path = path }

  /// Runs `git` and returns its output without the last line end.
  @discardableResult
  func callAsFunction(_ arguments: [String], input: [UInt8]? = nil, program: String = "git") throws -> String
  {
    let result = try run(arguments, input: input, program: program)
    guard result.status == 0 else { throw Failure(arguments: arguments, errors: result.errors) }
    return result.output.hasSuffix("\n") ? String(result.output.dropLast()) : result.output
  }

  @discardableResult
  func callAsFunction(_ arguments: String...) throws -> String { try self(arguments) }

  func run(_ arguments: [String], input: [UInt8]? = nil, program: String = "git") throws -> (
    status: Int32, output: String, errors: String
  ) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: path)
    process.environment = Git.environment.merging(more) { _, new in new }
    let output = Pipe()
    let errors = try TemporaryFile()
    process.standardOutput = output
    process.standardError = errors.handle
    if let input {
      let source = try TemporaryFile(Data(input))
      process.standardInput = source.handle
      try process.run()
    } else {
      process.standardInput = FileHandle.nullDevice
      try process.run()
    }
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self), try errors.text())
  }

  func write(_ name: String, _ bytes: some Sequence<UInt8>) throws {
    let file = URL(fileURLWithPath: path).appendingPathComponent(name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
  }

  func write(_ name: String, _ text: String) throws { try write(name, text.utf8) }

  func read(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path).appendingPathComponent(name)))
  }

  /// Adds everything and commits. - Returns: the commit's id.
  @discardableResult
  func commit(_ message: String = "change", _ more: String...) throws -> String {
    try self(["add", "-A"])
    try self(["commit", "-q", "--allow-empty", "-m", message] + more)
    return try self("rev-parse", "HEAD")
  }

  /// A file that is read and written by a child, and removed at the end.
  private final class TemporaryFile {
    let handle: FileHandle
    private let url: URL

    init(_ content: Data = Data()) throws {
      url = URL(fileURLWithPath: NSTemporaryDirectory()).appendingPathComponent(
        "staunch-io-\(UUID().uuidString)")
      try content.write(to: url)
      handle = try FileHandle(forUpdating: url)
    }

    func text() throws -> String { String(decoding: try Data(contentsOf: url), as: UTF8.self) }

    deinit {
      try? handle.close()  // clean-up only
      try? FileManager.default.removeItem(at: url)  // clean-up only
    }
  }
}
