import Foundation
import Subprocess

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// Runs other programs in tests.
public enum Program {
  /// A program ended with an error where the test needs it to work.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
    public init(description: String) { self.description = description }
  }

  /// Runs `arguments` in `directory` and returns standard output; a non-zero status throws.
  @discardableResult
  public static func run(_ arguments: [String], in directory: String, environment: [String: String] = [:])
    async throws -> String
  {
    guard let name = arguments.first else { throw Failure(description: "no program named") }
    var overrides: [Environment.Key: String?] = [:]
    for (key, value) in environment { if let key = Environment.Key(rawValue: key) { overrides[key] = value } }
    let result = try await Subprocess.run(
      .name(name), arguments: Arguments(Array(arguments.dropFirst())),
      environment: .inherit.updating(overrides),
      workingDirectory: FilePath(directory), output: .string(limit: 256 << 20),
      error: .string(limit: 16 << 20))
    guard result.terminationStatus.isSuccess else {
      throw Failure(description: "\(arguments.joined(separator: " ")): \(result.standardError)")
    }
    return result.standardOutput
  }
}
