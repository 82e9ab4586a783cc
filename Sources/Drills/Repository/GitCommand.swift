import Foundation
import Subprocess

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// Runs `git` in the drill's own repositories, apart from the user's configuration.
struct GitCommand: Sendable {
  let directory: String

  /// - Returns: standard output without the last line break.
  @discardableResult
  func callAsFunction(_ arguments: String...) async throws(DrillError) -> String {
    try await run(arguments)
  }

  @discardableResult
  func run(_ arguments: [String]) async throws(DrillError) -> String {
    let settings = ["-c", "init.defaultBranch=main", "-c", "gc.auto=0", "-c", "advice.detachedHead=false"]
    var environment: [Environment.Key: String?] = [:]
    for (key, value) in Self.environment {
      if let key = Environment.Key(rawValue: key) { environment[key] = value }
    }
    do {
      let result = try await Subprocess.run(
        .name("git"), arguments: Arguments(settings + arguments),
        environment: .inherit.updating(environment), workingDirectory: FilePath(directory),
        output: .string(limit: 64 << 20), error: .string(limit: 1 << 20))
      guard result.terminationStatus.isSuccess else {
        throw DrillError(
          .sandbox, "git \(arguments.first ?? "")", because: "it ended with an error in \(directory)",
          fix: "see that git works: git --version")
      }
      return result.standardOutput.trimmingCharacters(in: .newlines)
    } catch let error as DrillError {
      throw error
    } catch {
      throw DrillError(
        .sandbox, "git \(arguments.first ?? "")", because: "it cannot be started",
        fix: "sudo apt-get install git")
    }
  }

  /// Fixed names and dates: two drills differ in their decoys only. Variables of an outer git (a hook) are cleared.
  private static let environment: [String: String?] = [
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Drill Author", "GIT_AUTHOR_EMAIL": "drill@example.org",
    "GIT_COMMITTER_NAME": "Drill Author", "GIT_COMMITTER_EMAIL": "drill@example.org",
    "GIT_AUTHOR_DATE": "2026-01-05T09:00:00Z", "GIT_COMMITTER_DATE": "2026-01-05T09:00:00Z",
    "GIT_DIR": nil, "GIT_WORK_TREE": nil, "GIT_INDEX_FILE": nil, "GIT_OBJECT_DIRECTORY": nil,
  ]
}
