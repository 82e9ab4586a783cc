import Capabilities
import Foundation
import GitObjects
import TestSupport
import Testing

@testable import GitHistory

/// A colleague who cloned before the rewrite.
@Suite struct CloneTests {
  private struct Scene {
    let directory: TemporaryDirectory
    let remote: Git
    let local: Git
    let clone: Git
    let purge: Purge
    let removed: RemovedObjects

    /// - Parameter work: what the colleague did before the rewrite.
    init(_ work: (Git) throws -> Void = { _ in }) async throws {
      directory = try TemporaryDirectory()
      remote = try Git(creating: directory.path("remote.git"), bare: true)
      local = try RewriteTests.leakyRepository(directory.path("local"))
      try local("remote", "add", "origin", remote.path)
      try local("push", "-q", "origin", "main", "other", "v1")
      try local("clone", "-q", "file://" + remote.path, directory.path("clone"))
      clone = Git(path: directory.path("clone"))
      try clone("config", "user.name", "Grace")
      try clone("config", "user.email", "grace@example.org")
      try work(clone)
      purge = Purge(local.path)
      let result = try await purge.rewrite()
      _ = try await purge.push(to: "origin")
      removed = try RemovedObjects(mapsDirectory: try #require(result.maps))
    }

    func check() async throws -> CloneReport {
      try await purge.rewriter.checkClone(clone.path, removed: removed)
    }
    func repair() async throws -> CloneRepairReport {
      try await purge.rewriter.repairClone(
        clone.path, remote: "origin", removed: removed, under: try approvedPlan().authority())
    }
  }

  @Test func `An old clone would bring the secret back, and is told the commands`() async throws {
    let scene = try await Scene()
    let report = try await scene.check()
    #expect(report.wouldBringItBack && report.removedObjects > 0)
    let main = try #require(report.tainted.first { $0.ref == "refs/heads/main" })
    #expect(main.ownCommits == 0 && main.command?.contains("branch -f main") == true)
    let fresh = scene.directory.path("fresh")
    try scene.local("clone", "-q", "--mirror", "file://" + scene.remote.path, fresh)
    #expect(try await scene.purge.rewriter.checkClone(fresh, removed: scene.removed).isClean)
  }

  @Test func `A repair keeps own commits, moves the rest, and removes the old objects`() async throws {
    let scene = try await Scene { clone in
      try clone("checkout", "-q", "-b", "feature")
      try clone.write("feature.txt", "mine\n")
      try clone.commit("my work")
      try clone.write("feature.txt", "mine, more\n")
      try clone.commit("more of my work")
    }
    let report = try await scene.repair()
    #expect(report.left.isEmpty, "\(report.left)")
    #expect(report.removedObjects == 0)
    #expect(try await scene.check().isClean)
    #expect(try scene.clone("symbolic-ref", "--short", "HEAD") == "feature")
    #expect(try scene.clone("log", "--format=%s", "-2", "feature") == "more of my work\nmy work")
    #expect(try scene.clone("rev-parse", "feature~2") == scene.remote("rev-parse", "main"))
    #expect(try scene.clone("rev-parse", "main") == scene.remote("rev-parse", "main"))
    #expect(String(decoding: try scene.clone.read("feature.txt"), as: UTF8.self) == "mine, more\n")
    #expect(try await Purge(scene.clone.path).scan().isClean)
    #expect(try await scene.repair().removedObjects == 0)
  }

  @Test func `Own commits that conflict are left as they are, with the command`() async throws {
    let scene = try await Scene { clone in
      try clone("checkout", "-q", "-b", "feature", "main~1")
      try clone.write("train.py", "key = \"\(leaked)\" # rotate me\nprint(2)\n")
      try clone.commit("touches the key's line")
    }
    let before = try scene.clone("rev-parse", "feature")
    let report = try await scene.repair()
    #expect(try scene.clone("rev-parse", "feature") == before)
    #expect(try scene.clone("status", "--porcelain") == "")
    let left = try #require(report.left.first { $0.place == "refs/heads/feature" })
    #expect(left.why.contains("conflict"))
    #expect(left.fix.contains("rebase --rebase-merges --onto"))
    #expect(report.removedObjects > 0)
  }

  @Test func `The server's guard refuses the old history, with the objects, and lets new work through`()
    async throws
  {
    let scene = try await Scene { clone in
      try clone.write("feature.txt", "mine\n")
      try clone.commit("my work")
    }
    let guardian = ReceiveGuard(scene.removed)
    try scene.remote.write("hooks/pre-receive", guardian.hook)
    try scene.remote.write("staunch-removed-objects", guardian.list)
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: scene.remote.path + "/hooks/pre-receive")
    let tip = try scene.remote("rev-parse", "main")
    let refused = try scene.clone.run(["push", "--force", "origin", "main"])
    #expect(refused.status != 0 && refused.errors.contains("would bring back history"))
    #expect(try scene.remote("rev-parse", "main") == tip)
    #expect(try await scene.repair().left.isEmpty)
    try scene.clone("push", "-q", "origin", "main")
    #expect(try scene.remote("log", "-1", "--format=%s", "main") == "my work")
    #expect(!guardian.list.contains(leaked) && guardian.hook.count < 2000)
  }

  @Test(arguments: SupportRequest.Forge.allCases)
  func `The text for a forge's support names what is left, and never the value`(forge: SupportRequest.Forge)
    async throws
  {
    let directory = try TemporaryDirectory()
    let remote = try Git(creating: directory.path("acme/orders.git"), bare: true)
    let local = try RewriteTests.leakyRepository(directory.path("local"))
    try local("remote", "add", "origin", remote.path)
    try local("push", "-q", "origin", "main", "main:refs/pull/7/head")
    let purge = Purge(local.path)
    _ = try await purge.rewrite()
    _ = try await purge.push(to: "origin")
    let request = try await purge.rewriter.supportRequest(
      repository: local.path, remote: "origin", forge: forge)
    #expect(request.text.contains("acme/orders"))
    #expect(request.text.contains("refs/pull/7/head"))
    #expect(request.firstChanged == [try local("rev-parse", "main~2")])
    #expect(!request.text.contains(leaked))
  }
}
