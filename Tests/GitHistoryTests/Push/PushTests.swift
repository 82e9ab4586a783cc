import Capabilities
import Foundation
import TestSupport
import Testing

@testable import GitHistory

@Suite struct PushTests {
  struct Scene {
    let directory: TemporaryDirectory
    let local: Git
    let remote: Git
    var purge: Purge { Purge(local.path) }

    init() throws {
      directory = try TemporaryDirectory()
      local = try RewriteTests.leakyRepository(directory.path("local"))
      remote = try Git(creating: directory.path("remote.git"), bare: true)
      try local("remote", "add", "origin", remote.path)
      try local("push", "-q", "origin", "main", "other", "v1")
    }

    func hook(_ name: String, _ script: String) throws {
      try remote.write("hooks/\(name)", "#!/bin/sh\n\(script)\n")
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: remote.path + "/hooks/\(name)")
    }
  }

  @Test func `Every rewritten reference of the remote moves, and a fresh clone of it is clean`() async throws
  {
    let scene = try Scene()
    _ = try await scene.purge.rewrite()
    let push = try await scene.purge.push(to: "origin")
    #expect(push.refs.map(\.ref).sorted() == ["refs/heads/main", "refs/heads/other", "refs/tags/v1"])
    #expect(push.refs.allSatisfy { $0.isUpdated })
    #expect(try scene.remote("rev-parse", "main") == scene.local("rev-parse", "main"))
    #expect(try await scene.purge.freshClone(of: "origin").isClean)
  }

  @Test func `A second push finds everything done`() async throws {
    let scene = try Scene()
    _ = try await scene.purge.rewrite()
    _ = try await scene.purge.push(to: "origin")
    let again = try await scene.purge.push(to: "origin")
    #expect(again.refs.allSatisfy { $0.isUpdated && $0.reason == "was already" })
  }

  @Test func `Commits that were never pushed stay here`() async throws {
    let scene = try Scene()
    try scene.local.write("private.txt", "not yet\n")
    try scene.local.commit("local work")
    try scene.local("branch", "private")
    _ = try await scene.purge.rewrite()
    _ = try await scene.purge.push(to: "origin")
    #expect(try scene.remote("rev-parse", "main") == scene.local("rev-parse", "main~1"))
    #expect(try scene.remote.run(["rev-parse", "-q", "--verify", "private"]).status != 0)
  }

  @Test func `Somebody else's push in between stops everything`() async throws {
    let scene = try Scene()
    _ = try await scene.purge.rewrite()
    try scene.local("clone", "-q", scene.remote.path, scene.directory.path("colleague"))
    let colleague = Git(path: scene.directory.path("colleague"))
    try colleague.commit("their work")
    try colleague("push", "-q", "origin", "main")
    let other = try scene.remote("rev-parse", "other")
    let push = try await scene.purge.push(to: "origin")
    #expect(push.refs.allSatisfy { !$0.isUpdated })
    let main = try #require(push.refs.first { $0.ref == "refs/heads/main" })
    #expect(main.reason?.contains("since the last fetch") == true)
    #expect(try scene.remote("rev-parse", "other") == other)
  }

  @Test(arguments: [
    (
      "update", "[ \"$1\" != refs/heads/other ] || { echo 'no changes to other'; exit 1; }",
      "no changes to other"
    ),
    ("pre-receive", "echo 'GH006: Protected branch update failed for main.'; exit 1", "protected"),
  ])
  func `A refused reference stops all, with the remote's reason`(hook: String, script: String, reason: String)
    async throws
  {
    let scene = try Scene()
    _ = try await scene.purge.rewrite()
    try scene.hook(hook, script)
    let before = try scene.remote("for-each-ref")
    let push = try await scene.purge.push(to: "origin")
    #expect(push.refs.allSatisfy { !$0.isUpdated })
    #expect(push.refs.contains { $0.reason?.contains(reason) == true })
    #expect(try scene.remote("for-each-ref") == before)
  }

  @Test func `A server that forbids rewriting is named`() async throws {
    let scene = try Scene()
    _ = try await scene.purge.rewrite()
    try scene.remote("config", "receive.denyNonFastForwards", "true")
    let push = try await scene.purge.push(to: "origin")
    #expect(push.refs.contains { $0.reason?.contains("receive.denyNonFastForwards") == true })
    #expect(push.refs.allSatisfy { !$0.isUpdated })
  }

  @Test func `Hidden merge-request references are left out and reported`() async throws {
    let scene = try Scene()
    try scene.remote("update-ref", "refs/pull/7/head", "main")
    _ = try await scene.purge.rewrite()
    let push = try await scene.purge.push(to: "origin")
    #expect(push.refs.contains { $0.ref.contains("pull") } == false)
    #expect(push.residual.contains { $0.place.contains("refs/pull/7/head") })
  }

  @Test
  func `A fresh clone says of a hidden merge-request reference that it still holds the value, and where`()
    async throws
  {
    let scene = try Scene()
    try scene.remote("update-ref", "refs/pull/7/head", "main")
    _ = try await scene.purge.rewrite()
    let push = try await scene.purge.push(to: "origin")
    #expect(push.isWhole, "the push did what a push can")
    let hidden = try #require(push.residual.first { $0.place.contains("refs/pull/7/head") })
    #expect(hidden.place == "a hidden reference of origin (first: refs/pull/7/head)")
    #expect(hidden.why == "the forge keeps them for merge requests and refuses a push")
    #expect(hidden.fix.contains("staunch history support-request"))
    let clone = try await scene.purge.freshClone(of: "origin")
    #expect(clone.isClean == false)
    #expect(clone.places.contains { $0.refs == ["refs/pull/7/head"] }, "\(clone.places)")
    #expect(clone.places.allSatisfy { !$0.refs.contains("refs/heads/main") })
    let request = try await scene.purge.rewriter.supportRequest(
      repository: scene.local.path, remote: "origin", forge: .github)
    #expect(request.hidden == ["refs/pull/7/head"] && request.text.contains("refs/pull/7/head"))
  }

  @Test(arguments: [("nowhere", CapabilityError.Class.notFound), ("/does/not/exist", .notFound)])
  func `A remote that is not there is explained`(remote: String, kind: CapabilityError.Class) async throws {
    let scene = try Scene()
    _ = try await scene.purge.rewrite()
    let error = try await #require(throws: CapabilityError.self) { try await scene.purge.push(to: remote) }
    #expect(error.class == kind)
    #expect(
      error.fix?.contains("git -C '\(scene.local.path)' remote -v") == true,
      "it works wherever it is pasted: \(error.fix ?? "")")
  }
}
