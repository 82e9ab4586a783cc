import Capabilities
import Foundation
import GitObjects
import Secrets
import TestSupport
import Testing

@testable import GitHistory

/// How a repository stores its objects makes no difference, and nothing derived from old packs stays.
@Suite struct StorageTests {
  enum Storage: String, CaseIterable, Sendable {
    case loose, onePack, severalPacks, keptPack, bitmap, multiPackIndex, commitGraph, commitGraphChain,
      cruftPack
    case referenceDeltas, symbolicGitDirectory

    func apply(_ git: Git) throws {
      switch self {
      case .loose: break
      case .onePack: try git("gc", "-q")
      case .severalPacks:
        try git("repack", "-q", "-d")
        try git.write("more", "more \(leaked)\n")
        try git.commit("more")
        try git("repack", "-q", "-d")
        try git.write("loose", "loose\n")
        try git.commit("loose")
      case .keptPack:
        try git("gc", "-q")
        let packs = try FileManager.default.contentsOfDirectory(atPath: git.path + "/.git/objects/pack")
        let pack = try #require(packs.first { $0.hasSuffix(".pack") })
        try git.write(".git/objects/pack/\(pack.dropLast(5)).keep", "")
      case .bitmap: try git("repack", "-q", "-a", "-d", "-b")
      case .multiPackIndex:
        try Storage.severalPacks.apply(git)
        try git("multi-pack-index", "write")
      case .commitGraph: try git("commit-graph", "write", "--reachable")
      case .commitGraphChain: try git("commit-graph", "write", "--reachable", "--split")
      case .cruftPack:
        try git.write("lost", "lost \(leaked)\n")
        try git.commit("lost")
        try git("reset", "-q", "--hard", "HEAD~1")
        try git("reflog", "expire", "--expire=now", "--all")
        try git("gc", "-q", "--cruft", "--prune=never")
      case .referenceDeltas:
        for number in 0..<20 {
          try git.write(
            "list", (0...200).map { "line \($0) of \($0 == number ? leaked : "text")\n" }.joined())
          try git.commit("list \(number)")
        }
        try git("-c", "repack.useDeltaBaseOffset=false", "repack", "-q", "-a", "-d", "-f")
      case .symbolicGitDirectory:
        try FileManager.default.moveItem(atPath: git.path + "/.git", toPath: git.path + ".store")
        try FileManager.default.createSymbolicLink(
          atPath: git.path + "/.git", withDestinationPath: git.path + ".store")
      }
    }
  }

  @Test(arguments: Storage.allCases)
  func `Whatever the storage, the rewrite is clean and the undo exact`(storage: Storage) async throws {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    try storage.apply(git)
    let before = try listing(of: directory.path)
    let result = try await Purge(git.path).rewrite()
    #expect(try await Purge(git.path).scan().isClean)
    #expect(try git.run(["fsck", "--full"]).status == 0)
    #expect(try git("status", "--porcelain") == "")
    #expect(try git("log", "--all", "--format=%H").isEmpty == false)
    let names = try listing(of: directory.path).keys.filter { !$0.contains("/staunch/") }
    #expect(
      names.contains { $0.hasSuffix(".bitmap") || $0.contains("commit-graph") || $0.contains("multi-pack") }
        == false)
    try await Purge(git.path).restore(try #require(result.backup))
    #expect(try listing(of: directory.path) == before)
  }

  @Test func `A repository of another user is refused with Git's own way to allow it, and that way helps`()
    async throws
  {
    try #require(getuid() == 0, "needs another user's repository")
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    try Git(path: "/")(["-R", "65534", git.path], program: "chown")
    let error = try await #require(throws: CapabilityError.self) { try await Purge(git.path).scan() }
    let path = try #require(error.fix?.firstMatch(of: /safe.directory '([^']*)'/)).output.1
    for trust in [String(path), "*"] {
      var environment = Git.environment
      environment["GIT_CONFIG_COUNT"] = "1"
      environment["GIT_CONFIG_KEY_0"] = "safe.directory"
      environment["GIT_CONFIG_VALUE_0"] = trust
      let rewriter = GitHistoryRewriter(environment: environment, temporaryDirectory: NSTemporaryDirectory())
      let purge = Purge(git.path)
      #expect(
        try await rewriter.scan(repository: git.path, for: purge.removal, progress: Silent()).isClean == false
      )
      #expect(
        try await rewriter.verifyFreshClone(
          repository: git.path, remote: nil, for: purge.removal, progress: Silent()
        ).isClean == false)
    }
  }

  @Test
  func
    `An interrupted rewrite goes on by itself or by resume, and a moved repository is restored where it is now`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    let before = try listing(of: git.path)
    let path = git.path
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      let rewriter = GitHistoryRewriter(
        environment: Git.environment, temporaryDirectory: NSTemporaryDirectory(),
        observe: { if $0 == .moving(2) { kill(getpid(), SIGKILL) } })
      _ = try await rewriter.rewrite(
        repository: path, removing: HistoryRemoval(secrets: [Secret(leaked)]), marker: "one",
        progress: Silent(),
        under: try approvedPlan().authority())
    }
    let purge = Purge(path)
    let other = try await #require(throws: CapabilityError.self) { try await purge.rewrite(marker: "two") }
    #expect(other.class == .conflict && other.fix?.contains("--resume") == true)
    let patterns = try SecretPatterns(secrets: [Secret(leaked)])
    let result = try await purge.rewriter.resume(
      repository: path, patterns: patterns, progress: Silent(), under: try approvedPlan().authority())
    #expect(try await purge.scan().isClean)
    let moved = directory.path("moved")
    try FileManager.default.moveItem(atPath: path, toPath: moved)
    try await Purge(moved).restore(try #require(result.backup))
    #expect(try listing(of: moved) == before)
  }
}
