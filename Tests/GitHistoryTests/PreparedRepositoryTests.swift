import Capabilities
import Foundation
import GitObjects
import Secrets
import TestSupport
import Testing

@testable import GitHistory

/// A repository that somebody else prepared: what lies in its `.git/staunch` is not believed, and nothing of it runs.
@Suite struct PreparedRepositoryTests {
  private struct Scene {
    let directory: TemporaryDirectory
    let git: Git
    /// 16 digits, as a rewrite of ours is called.
    let id = RewriteDirectory.id(marker: "test")

    init() throws {
      directory = try TemporaryDirectory()
      git = try RewriteTests.leakyRepository(directory.path("r"))
    }

    var own: String { git.path + "/.git/staunch/history/" + id }

    func rewriter(_ key: String = "ours") -> GitHistoryRewriter {
      GitHistoryRewriter(
        environment: Git.environment, temporaryDirectory: NSTemporaryDirectory(),
        planKey: { () throws(CapabilityError) -> Secret in Secret(key) })
    }

    func rewrite(_ rewriter: GitHistoryRewriter, marker: String = "test") async throws -> HistoryRewrite {
      try await rewriter.rewrite(
        repository: git.path, removing: HistoryRemoval(secrets: [Secret(leaked)]), marker: marker,
        progress: Silent(), under: try approvedPlan().authority())
    }

    /// A rewrite that seems to have stopped after its point of no return, with a plan that moves `target`.
    func plant(_ target: String, state: String = "committed") throws {
      try git.write(".git/staunch/history/\(id)/staged/1", "ssh-ed25519 AAAA attacker\n")
      let staged = "c" + Hex.text(Array("staunch/history/\(id)/staged/1".utf8))
      try git.write(
        ".git/staunch/history/\(id)/plan",
        "staunch swap plan 1\nfile\t6\t\(target)\t-\t\(staged)\nend\n")
      try git.write(".git/staunch/history/\(id)/state", "preparing\n\(state)\n")
      try git.write(
        ".git/staunch/history/\(id)/result.json",
        #"{"blobs":0,"commits":0,"refs":[],"residual":[],"signaturesDropped":0,"tags":0,"trees":0}"#)
    }
  }

  @Test(arguments: ["staunch", "staunch/history", "id"])
  func `a link in place of our directory does not lead the clean-up elsewhere`(place: String) async throws {
    let scene = try Scene()
    let precious = scene.directory.path("precious")
    try Git(path: scene.directory.path).write("precious/\(scene.id)/file", "precious\n")
    try Git(path: scene.directory.path).write("precious/history/\(scene.id)/file", "precious\n")
    let link = place == "id" ? scene.own : scene.git.path + "/.git/" + place
    try FileManager.default.createDirectory(
      atPath: (link as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    let target = place == "id" ? precious + "/\(scene.id)" : precious
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
    let before = try listing(of: precious)
    let error = try await #require(throws: CapabilityError.self) { try await scene.rewrite(scene.rewriter()) }
    #expect(error.class == .unsafe)
    #expect(try listing(of: precious) == before)
  }

  @Test(arguments: ["absolute", "through a link", "upwards", "by core.worktree"])
  func `a planted plan writes nothing outside of the repository`(way: String) async throws {
    let scene = try Scene()
    let outside = Git(path: scene.directory.path)
    try outside.write("home/.ssh/config", "mine\n")
    let victim = scene.directory.path("home/.ssh/authorized_keys")
    let target: String
    switch way {
    case "absolute": target = "a" + Hex.text(Array(victim.utf8))
    case "through a link":
      try FileManager.default.createSymbolicLink(
        atPath: scene.git.path + "/link", withDestinationPath: scene.directory.path("home/.ssh"))
      target = "w" + Hex.text(Array("link/authorized_keys".utf8))
    case "upwards": target = "w" + Hex.text(Array("../home/.ssh/authorized_keys".utf8))
    default:
      try scene.git("config", "core.worktree", scene.directory.path("home"))
      target = "w" + Hex.text(Array(".ssh/authorized_keys".utf8))
    }
    try scene.plant(target)
    let error = try await #require(throws: CapabilityError.self) {
      try await scene.rewriter().resume(
        repository: scene.git.path, patterns: try SecretPatterns(secrets: [Secret(leaked)]),
        progress: Silent(),
        under: try approvedPlan().authority())
    }
    #expect(error.class == .unsafe, "\(error)")
    #expect(!FileManager.default.fileExists(atPath: victim))
  }

  @Test func `a plan is carried out by the installation that sealed it, and by no other`() async throws {
    let scene = try Scene()
    let before = try scene.git("for-each-ref")
    let result = try await scene.rewrite(scene.rewriter())
    let backup = try #require(result.backup)
    let error = try await #require(throws: CapabilityError.self) {
      try await scene.rewriter("theirs").restore(
        repository: scene.git.path, backup: backup, under: try approvedPlan().authority())
    }
    #expect(error.class == .unsafe && error.because.contains("seal"))
    try await scene.rewriter().restore(
      repository: scene.git.path, backup: backup, under: try approvedPlan().authority())
    #expect(try scene.git("for-each-ref") == before)
  }

  @Test func `planted maps publish nothing`() async throws {
    let scene = try Scene()
    let remote = try Git(creating: scene.directory.path("remote.git"), bare: true)
    try scene.git("remote", "add", "origin", remote.path)
    try scene.git("push", "-q", "origin", "main")
    let tip = try scene.git("rev-parse", "main")
    let evil = try scene.git.commit("evil")
    try scene.plant("w" + Hex.text(Array("x".utf8)), state: "finished")
    try scene.git.write(".git/staunch/history/\(scene.id)/maps/commit-map", "old new\n\(tip) \(evil)\n")
    try scene.git.write(".git/staunch/history/\(scene.id)/maps/tag-map", "old new\n")
    let error = try await #require(throws: CapabilityError.self) {
      try await scene.rewriter().push(
        repository: scene.git.path, remote: "origin", progress: Silent(),
        under: try approvedPlan().authority())
    }
    #expect(error.class == .unsafe)
    #expect(try remote("rev-parse", "main") == tip)
  }

  @Test func `the repository's hooks and file system monitor do not run`() async throws {
    let scene = try Scene()
    let remote = try Git(creating: scene.directory.path("remote.git"), bare: true)
    try scene.git("remote", "add", "origin", remote.path)
    try scene.git("push", "-q", "origin", "main", "other", "v1")
    let ran = scene.directory.path("ran")
    let script = "#!/bin/sh\necho $0 >> '\(ran)'\n"
    for name in ["pre-push", "reference-transaction", "post-index-change", "post-checkout"] {
      try scene.git.write(".git/hooks/" + name, script)
      try Git(path: "/")(["755", scene.git.path + "/.git/hooks/" + name], program: "chmod")
    }
    try scene.git("config", "core.fsmonitor", scene.git.path + "/.git/hooks/pre-push")
    try? FileManager.default.removeItem(atPath: ran)  // what Git itself did before
    _ = try await scene.rewrite(scene.rewriter())
    let push = try await scene.rewriter().push(
      repository: scene.git.path, remote: "origin", progress: Silent(), under: try approvedPlan().authority())
    #expect(push.isWhole, "\(push)")
    #expect(!FileManager.default.fileExists(atPath: ran))
  }

  @Test func `a directory that does not call itself a linked work tree is none`() throws {
    let scene = try Scene()
    try Git(path: scene.directory.path).write("home/.ssh/config", "mine\n")
    try scene.git.write(".git/worktrees/x/gitdir", scene.directory.path("home/.git") + "\n")
    try scene.git.write(".git/worktrees/x/HEAD", "ref: refs/heads/main\n")
    let layout = try RepositoryLayout(path: scene.git.path)
    #expect(layout.workTrees.map(\.root) == [PathBytes(scene.git.path), nil])
  }
}
