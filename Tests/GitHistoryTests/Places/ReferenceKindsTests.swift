import Capabilities
import Foundation
import TestSupport
import Testing

@testable import GitHistory

/// Everything in a repository that names an object follows the rewrite.
@Suite struct ReferenceKindsTests {
  private func repository(_ directory: TemporaryDirectory) throws -> Git {
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    return git
  }

  /// The rewritten commit with the same subject on the branch.
  private func commit(_ subject: String, _ git: Git) throws -> String {
    try git("log", "main", "--format=%H", "--fixed-strings", "--grep", subject)
  }

  @Test func `Notes stay with their commits`() async throws {
    let directory = try TemporaryDirectory()
    let git = try repository(directory)
    try git("notes", "add", "-m", "about the manifest \(leaked)", "main~1")
    try git("notes", "add", "-m", "about the clean one", "main~3")
    _ = try await Purge(git.path).rewrite()
    #expect(try git("notes", "show", "main~1") == "about the manifest \(mark)")
    #expect(try git("notes", "show", "main~3") == "about the clean one")
    #expect(try git("notes", "list").split(separator: "\n").count == 2)
  }

  @Test func `Every stash entry can still be applied`() async throws {
    let directory = try TemporaryDirectory()
    let git = try repository(directory)
    for number in 1...2 {
      try git.write("README", "work \(number) \(leaked)\n")
      try git("stash", "push", "-q", "-m", "number \(number)")
    }
    _ = try await Purge(git.path).rewrite()
    #expect(try git("stash", "list").split(separator: "\n").count == 2)
    try git("stash", "pop", "-q", "stash@{1}")
    #expect(String(decoding: try git.read("README"), as: UTF8.self) == "work 1 \(mark)\n")
  }

  @Test func `A replacement of a rewritten commit replaces its new version`() async throws {
    let directory = try TemporaryDirectory()
    let git = try repository(directory)
    let new = try git(["commit-tree", "main^{tree}", "-p", "main~1", "-m", "better message"])
    try git("replace", "main", new)
    _ = try await Purge(git.path).rewrite()
    #expect(try git("log", "-1", "--format=%s", "main") == "better message")
    #expect(
      try git("for-each-ref", "--format=%(refname)", "refs/replace")
        == "refs/replace/\(try git("rev-parse", "main"))")
  }

  @Test
  func `A branch whose name leaks is renamed with its settings, its log and the HEAD that stands on it`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let git = try repository(directory)
    let name = "fix/\(leaked)"
    try git("checkout", "-q", "-b", name)
    try git("config", "branch.\(name).remote", "origin")
    try git("config", "branch.\(name).merge", "refs/heads/\(name)")
    try git.commit("on the branch")
    let result = try await Purge(git.path).rewrite()
    let head = try git("symbolic-ref", "HEAD")
    #expect(head.hasPrefix("refs/heads/fix/") && !head.contains(leaked))
    let short = String(head.dropFirst("refs/heads/".count))
    #expect(try git("config", "branch.\(short).remote") == "origin")
    #expect(try git("config", "branch.\(short).merge") == head)
    #expect(try git("log", "-g", "--format=%gs", "-1", short) == "commit: on the branch")
    #expect(try git("status", "--porcelain") == "")
    #expect(result.refs.contains { $0.ref == head })
    try await Purge(git.path).restore(try #require(result.backup))
    #expect(try git("symbolic-ref", "--short", "HEAD") == name)
    #expect(try git("config", "branch.\(name).remote") == "origin")
  }

  @Test func `Reflogs, ORIG_HEAD and the logs' older commits follow`() async throws {
    let directory = try TemporaryDirectory()
    let git = try repository(directory)
    try git.write("x", "\(leaked)\n")
    try git.commit("to be reset")
    try git("reset", "-q", "--hard", "HEAD~1")
    let count = try git("reflog").split(separator: "\n").count
    _ = try await Purge(git.path).rewrite()
    #expect(try git("reflog").split(separator: "\n").count == count)
    #expect(try git("show", "HEAD@{1}:x") == mark)
    #expect(try git("show", "ORIG_HEAD:x") == mark)
    #expect(try git.run(["fsck", "--full"]).status == 0)
  }

  @Test func `Every linked work tree follows with its HEAD, index and files`() async throws {
    let directory = try TemporaryDirectory()
    let git = try repository(directory)
    let linked = Git(path: directory.path("linked"))
    let detached = Git(path: directory.path("detached"))
    try git("worktree", "add", "-q", "-b", "linked", linked.path, "main~1")
    try git("worktree", "add", "-q", "--detach", detached.path, "main~2")
    let before = try listing(of: directory.path)
    let result = try await Purge(git.path).rewrite()
    for tree in [git, linked, detached] {
      #expect(try tree("status", "--porcelain") == "")
      #expect(try tree.run(["diff", "--quiet", "HEAD"]).status == 0)
    }
    #expect(try detached("rev-parse", "HEAD") == git("rev-parse", "main~2"))
    #expect(String(decoding: try linked.read("train.py"), as: UTF8.self).contains(mark))
    try await Purge(git.path).restore(try #require(result.backup))
    #expect(try listing(of: directory.path) == before)
  }

  @Test func `Files with line ends converted on checkout stay clean in the work tree`() async throws {
    let directory = try TemporaryDirectory()
    let git = try Git(creating: directory.path("r"))
    try git("config", "core.autocrlf", "true")
    try git.write(".gitattributes", "*.txt text eol=crlf\n")
    try git.write("a.txt", "one\r\nkey=\(leaked)\r\n")
    try git.commit()
    _ = try await Purge(git.path).rewrite()
    #expect(String(decoding: try git.read("a.txt"), as: UTF8.self) == "one\r\nkey=\(mark)\r\n")
    #expect(try git("status", "--porcelain") == "")
  }

  @Test(arguments: ["merge", "rebase", "cherry-pick"])
  func `An operation that waits for the user is refused with the command that ends it`(operation: String)
    async throws
  {
    let directory = try TemporaryDirectory()
    let git = try repository(directory)
    try git("checkout", "-q", "-b", "side", "main~1")
    try git.write("train.py", "conflict\n")
    try git.commit("side")
    _ = try git.run([operation, "main"])
    let error = try await #require(throws: CapabilityError.self) { try await Purge(git.path).rewrite() }
    #expect(error.class == .unsafe && error.fix?.contains("git \(operation) --abort") == true)
  }
}
