import Capabilities
import Foundation
import Secrets
import TestSupport
import Testing

@testable import GitHistory

/// Other programs, full disks and read-only files: the repository is as before or as after, never between.
@Suite struct SafetyTests {
  private func rewrite(_ path: String, at wanted: ProtocolStep, _ action: @escaping @Sendable () -> Void)
    async throws
    -> HistoryRewrite
  {
    let rewriter = GitHistoryRewriter(
      environment: Git.environment, temporaryDirectory: NSTemporaryDirectory(),
      observe: { if $0 == wanted { action() } })
    return try await rewriter.rewrite(
      repository: path, removing: HistoryRemoval(secrets: [Secret(leaked)]), marker: "safety",
      progress: Silent(),
      under: try approvedPlan().authority())
  }

  /// A child between fork and exec has such a second descriptor of the lock.
  @Test func `A run that is over leaves no lock behind, even when a child still has the file open`() throws {
    let directory = try TemporaryDirectory()
    let path = try RewriteTests.leakyRepository(directory.path("repository")).path
    let layout = try RepositoryLayout(path: path)
    var copies: [Int32] = []
    do {
      let run = try ExclusiveRun(layout)
      let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").filter { name in
        // Those of other tests come and go.
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
        return target.map { $0.hasPrefix(path) && $0.hasSuffix("/lock") } ?? false
      }
      copies = descriptors.compactMap { Int32($0) }.map { dup($0) }
      withExtendedLifetime(run) {}
    }
    defer { for copy in copies { close(copy) } }
    #expect(copies.count == 1)
    _ = try ExclusiveRun(layout)
  }

  @Test func `A commit made while the repository was being read stops the rewrite, and nothing is lost`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    let error = try await #require(throws: CapabilityError.self) {
      try await rewrite(git.path, at: .staged) {
        _ = try? git.run(["commit", "-q", "--allow-empty", "-m", "meanwhile"])  // checked below
      }
    }
    #expect(error.class == .conflict)
    #expect(try git("log", "-1", "--format=%s") == "meanwhile")
    #expect(!FileManager.default.fileExists(atPath: git.path + "/.git/staunch"))
    #expect(try git.run(["fsck", "--full"]).status == 0)
    #expect(try await Purge(git.path).rewrite().commits == 4)
  }

  @Test(arguments: [
    ["commit", "-q", "--allow-empty", "-m", "meanwhile"], ["branch", "-f", "other", "main~3"],
    ["pack-refs", "--all"],
    ["tag", "-d", "v1"], ["reset", "-q", "--hard", "main~1"], ["gc"],
  ])
  func `While files move, Git commands are refused by their own locks`(arguments: [String]) async throws {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    let refused = Flag()
    _ = try await rewrite(git.path, at: .committed) {
      refused.set((try? git.run(arguments).status) != 0)  // a child that cannot start counts as refused, too
    }
    #expect(refused.value)
    #expect(try git.run(["fsck", "--full"]).status == 0)
    #expect(try git("log", "-1", "--format=%s") == "remove key")
    #expect(try await Purge(git.path).scan().isClean)
  }

  @Test func `A fetch while files move leaves both its own commits and the rewritten ones whole`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    let other = try Git(creating: directory.path("other"))
    try other.write("README", "elsewhere\n")
    try other.commit("elsewhere")
    let path = directory.path("other")
    let fetched = Flag()
    _ = try await rewrite(git.path, at: .committed) {
      // Either is right: refused by our locks, or fetched into references of its own.
      fetched.set((try? git.run(["fetch", "-q", path, "main:refs/heads/fetched"]).status) == 0)
    }
    #expect(try git.run(["fsck", "--full"]).status == 0)
    #expect(try git("log", "-1", "--format=%s") == "remove key")
    #expect(try git.run(["log", "-1", "--format=%s", "fetched"]).status == (fetched.value ? 0 : 128))
    #expect(try await Purge(git.path).scan().isClean)
  }

  @Test func `A lock that another program holds is named, and left`() async throws {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    try git.write(".git/index.lock", "")
    let before = try listing(of: git.path)
    let error = try await #require(throws: CapabilityError.self) { try await Purge(git.path).rewrite() }
    #expect(error.class == .conflict && error.because.contains("index.lock"))
    #expect(try listing(of: git.path) == before)
  }

  @Test func `Two runs on one repository exclude each other`() async throws {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    let second = Flag()
    let path = git.path
    _ = try await rewrite(path, at: .staged) {
      do {
        _ = try ExclusiveRun(try RepositoryLayout(path: path))
      } catch {
        second.set(true)
      }
    }
    #expect(second.value)
  }

  /// The limit on the size of files stands for a full disk: writes fail with EFBIG as they would with ENOSPC.
  @Test(arguments: [0, 100, 700, 3000, 20000])
  func `When the disk is full nothing has changed, and the error says so`(limit: Int) async throws {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    try git.write("big", (0..<4000).map { "\($0 &* 7919) \(leaked)\n" }.joined())
    try git.commit("big")
    let path = git.path
    let before = try listing(of: path)
    await #expect(processExitsWith: .success) { [path = path as String, limit = limit as Int] in
      signal(SIGXFSZ, SIG_IGN)
      var size = rlimit()
      try #require(getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &size) == 0)
      size.rlim_cur = rlim_t(limit)
      try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &size) == 0)
      var failed = false
      do {
        _ = try await Purge(path).rewrite()
      } catch {
        failed = true
      }
      exit(failed ? 0 : 1)
    }
    #expect(try listing(of: path, except: [".git/staunch"]) == before)
    #expect(try git.run(["fsck", "--full"]).status == 0)
    #expect(try await Purge(path).rewrite().commits > 0)
  }

  @Test func `A repository in read-only directories is refused and left as it was`() async throws {
    try #require(getuid() == 0, "needs a user to become")
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    try Git(path: "/")(["-R", "a-w", git.path], program: "chmod")
    try Git(path: "/")(["755", directory.path], program: "chmod")
    let before = try listing(of: git.path)
    let path = git.path
    await #expect(processExitsWith: .success) { [path = path as String] in
      try #require(setuid(65534) == 0)
      do {
        _ = try await Purge(path).rewrite()
        exit(1)
      } catch let error as CapabilityError {
        exit(error.fix == nil ? 2 : 0)
      }
    }
    #expect(try listing(of: path) == before)
    try Git(path: "/")(["-R", "u+w", git.path], program: "chmod")
  }
}

/// One value set from another thread.
final class Flag: @unchecked Sendable {
  // Invariant: set before the awaited call returns, read after it.
  private(set) var value = false
  func set(_ new: Bool) { value = new }
}
