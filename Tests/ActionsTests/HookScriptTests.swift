import Incidents
import Actions
import Capabilities
import Foundation
import Secrets
import Synchronization
import TestSupport
import Testing

/// The hooks as written, run by real git.
@Suite struct HookScriptTests {
  /// Looks like a key, never issued; in two parts, so that scanners leave this file alone.
  private static let secret = "sk-" + "proj-" + String(repeating: "Ab9", count: 20)

  private func script(isBare: Bool) async throws -> String {
    let stage = Stage(processes: FakeProcesses(output: isBare ? "true\n" : "false\n"))
    try await stage.run("guard.install", ["repository": .repository("training")])
    return try #require(stage.files.files.withLock { $0.values.first })
  }

  private func install(_ script: String, at path: String) throws {
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(script.utf8).write(to: URL(filePath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  private func git(_ arguments: [String], in directory: String) async throws -> String {
    try await Program.run(
      ["git", "-c", "user.name=Dev", "-c", "user.email=dev@example.org"] + arguments, in: directory,
      environment: ["GIT_CONFIG_GLOBAL": "/dev/null"])
  }

  @Test func `a commit that adds a secret is stopped, another is not, and the secret is not printed`()
    async throws
  {
    let directory = try TemporaryDirectory()
    _ = try await git(["init", "-q"], in: directory.path)
    try install(try await script(isBare: false), at: directory.path(".git/hooks/pre-commit"))
    try Data("print(1)\n".utf8).write(to: URL(filePath: directory.path("clean file.py")))
    _ = try await git(["add", "-A"], in: directory.path)
    _ = try await git(["commit", "-qm", "clean"], in: directory.path)
    try Data("key = '\(Self.secret)'\n".utf8).write(to: URL(filePath: directory.path("train.py")))
    _ = try await git(["add", "-A"], in: directory.path)
    let failure = await #expect(throws: Program.Failure.self) {
      try await git(["commit", "-qm", "dirty"], in: directory.path)
    }
    #expect(failure?.description.contains("train.py adds a secret") == true)
    #expect(failure?.description.contains(Self.secret) == false)
  }

  @Test func `a push that adds a secret is refused and one that does not is taken`() async throws {
    let directory = try TemporaryDirectory()
    let bare = directory.path("bare.git")
    let clone = directory.path("clone")
    _ = try await git(["init", "-q", "--bare", bare], in: directory.path)
    _ = try await git(["init", "-q", "-b", "main", clone], in: directory.path)
    try install(try await script(isBare: true), at: bare + "/hooks/pre-receive")
    try Data("print(1)\n".utf8).write(to: URL(filePath: clone + "/clean.py"))
    _ = try await git(["add", "-A"], in: clone)
    _ = try await git(["commit", "-qm", "clean"], in: clone)
    _ = try await git(["push", "-q", bare, "main"], in: clone)
    try Data("key = '\(Self.secret)'\n".utf8).write(to: URL(filePath: clone + "/train.py"))
    _ = try await git(["add", "-A"], in: clone)
    _ = try await git(["commit", "-qm", "dirty"], in: clone)
    _ = try await git(["rm", "-q", "train.py"], in: clone)
    _ = try await git(["commit", "-qm", "remove it again"], in: clone)
    let failure = await #expect(throws: Program.Failure.self) {
      try await git(["push", bare, "main"], in: clone)
    }
    #expect(failure?.description.contains("refs/heads/main adds a secret") == true)
  }
}
