import Capabilities
import Foundation
import GitObjects
import Secrets
import Synchronization
import TestSupport
import Testing

@testable import GitHistory

/// Ends the process (SIGKILL) at each step of the write protocol, in a child, and looks at what is left.
@Suite(.serialized) struct CrashTests {
  /// A rewriter that kills its process when step number `fatal` begins; counts steps when it is nil.
  static func rewriter(fatal: Int?, counting: Counter) -> GitHistoryRewriter {
    GitHistoryRewriter(
      environment: Git.environment, temporaryDirectory: NSTemporaryDirectory(),
      observe: { _ in
        if counting.next() == fatal { kill(getpid(), SIGKILL) }
      })
  }

  final class Counter: Sendable {
    private let value = Mutex(0)
    func next() -> Int {
      value.withLock {
        $0 += 1
        return $0 - 1
      }
    }
    var count: Int { value.withLock { $0 } }
  }

  static func rewrite(_ path: String, fatal: Int?, counter: Counter = Counter()) async throws
    -> HistoryRewrite
  {
    try await rewriter(fatal: fatal, counting: counter).rewrite(
      repository: path, removing: HistoryRemoval(secrets: [Secret(leaked)]), marker: "crash",
      progress: Silent(),
      under: try approvedPlan().authority())
  }

  static func restore(_ path: String, _ backup: String, fatal: Int?, counter: Counter = Counter())
    async throws
  {
    try await rewriter(fatal: fatal, counting: counter).restore(
      repository: path, backup: backup, under: try approvedPlan().authority())
  }

  /// Packs, a loose commit, a linked work tree, a branch whose name leaks, packed and loose references.
  private func template(_ directory: TemporaryDirectory) throws -> String {
    let git = try RewriteTests.leakyRepository(directory.path("template"))
    try git("branch", "fix-\(leaked)")
    try git("gc", "-q")
    try git("worktree", "add", "-q", "-b", "linked", directory.path("template/linked"), "main~2")
    try git.write(".gitignore", "linked\n")
    try git.write("late", "\(leaked)\n")
    try git("add", ".gitignore", "late")
    try git("commit", "-q", "-m", "late")
    return git.path
  }

  private func copy(_ path: String, to target: String) throws {
    try Git(path: "/")(["-a", path, target], program: "cp")
    // A linked work tree knows its repository by an absolute path.
    let git = Git(path: target)
    try git.write("linked/.git", "gitdir: \(target)/.git/worktrees/linked\n")
    try git.write(".git/worktrees/linked/gitdir", "\(target)/linked/.git\n")
  }

  @Test func `After a kill at any step of a rewrite, resume gives the new state and restore the old`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let template = try template(directory)
    let counter = Counter()
    try copy(template, to: directory.path("whole"))
    let whole = try await CrashTests.rewrite(directory.path("whole"), fatal: nil, counter: counter)
    let wanted = try Git(path: directory.path("whole"))("for-each-ref")
    #expect(counter.count > 10)
    for step in 0..<counter.count {
      let path = directory.path("r\(step)")
      try copy(template, to: path)
      let before = try listing(of: path)
      await #expect(processExitsWith: .signal(SIGKILL), "step \(step)") {
        [path = path as String, step = step as Int] in
        _ = try await CrashTests.rewrite(path, fatal: step)
      }
      let undo = directory.path("u\(step)")
      try copy(path, to: undo)
      let result = try await CrashTests.rewrite(path, fatal: nil)
      let git = Git(path: path)
      #expect(result.refs == whole.refs, "step \(step)")
      #expect(try git("for-each-ref") == wanted, "step \(step)")
      #expect(try git("status", "--porcelain") == "", "step \(step)")
      #expect(try git.run(["fsck", "--full"]).status == 0, "step \(step)")
      #expect(
        try FileManager.default.subpathsOfDirectory(atPath: path).filter { $0.hasSuffix(".lock") } == [])
      try await undoing(undo, whole.backup, before, step)
      try FileManager.default.removeItem(atPath: path)
      try FileManager.default.removeItem(atPath: undo)
    }
  }

  /// Restores, or, when nothing was committed, rewrites and restores: the old state is there again.
  private func undoing(_ path: String, _ backup: String?, _ before: [String: String], _ step: Int)
    async throws
  {
    let backup = try #require(backup)
    do {
      try await CrashTests.restore(path, backup, fatal: nil)
    } catch let error as CapabilityError where error.class == .notFound {
      _ = try await CrashTests.rewrite(path, fatal: nil)
      try await CrashTests.restore(path, backup, fatal: nil)
    }
    let except = ["linked/.git", ".git/worktrees/linked/gitdir"]  // the copy's own
    let after = try listing(of: path, except: except)
    for (name, value) in before where !except.contains(name) {
      #expect(after[name] == value, "step \(step): \(name)")
    }
    #expect(Set(after.keys).subtracting(before.keys) == [], "step \(step)")
  }

  @Test func `After a kill at any step of a restore, restoring again gives the old state`() async throws {
    let directory = try TemporaryDirectory()
    let template = try template(directory)
    let rewritten = directory.path("rewritten")
    try copy(template, to: rewritten)
    let before = try listing(of: rewritten)
    let backup = try #require(try await CrashTests.rewrite(rewritten, fatal: nil).backup)
    try copy(rewritten, to: directory.path("whole"))
    let counter = Counter()
    try await CrashTests.restore(directory.path("whole"), backup, fatal: nil, counter: counter)
    #expect(counter.count > 10)
    for step in 0..<counter.count {
      let path = directory.path("r\(step)")
      try copy(rewritten, to: path)
      await #expect(processExitsWith: .signal(SIGKILL), "step \(step)") {
        [path = path as String, step = step as Int, backup = backup as String] in
        try await CrashTests.restore(path, backup, fatal: step)
      }
      try await CrashTests.restore(path, backup, fatal: nil)
      let except = ["linked/.git", ".git/worktrees/linked/gitdir"]
      let after = try listing(of: path, except: except)
      for (name, value) in before where !except.contains(name) {
        #expect(after[name] == value, "step \(step): \(name)")
      }
      #expect(Set(after.keys).subtracting(before.keys) == [], "step \(step)")
      try FileManager.default.removeItem(atPath: path)
    }
  }
}
