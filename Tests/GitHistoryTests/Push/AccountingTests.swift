import Capabilities
import Foundation
import TestSupport
import Testing

@testable import GitHistory

/// "Pushed" and "clean" are said of the remote, so the remote is asked: by `git clone --mirror` and a search of its objects.
@Suite struct AccountingTests {
  typealias Scene = PushTests.Scene

  /// Whether any object that a fresh mirror clone of `remote` gets holds the leaked value.
  private func holds(_ remote: Git, in directory: TemporaryDirectory) throws -> Bool {
    let mirror = directory.path("mirror-\(UUID().uuidString)")
    try Git(path: directory.path)("clone", "-q", "--mirror", "--no-local", remote.path, mirror)
    return try Git(path: mirror)("cat-file", "--batch-all-objects", "--batch").contains(leaked)
  }

  private func colleague(_ scene: Scene) throws -> Git {
    try scene.local("clone", "-q", scene.remote.path, scene.directory.path("colleague"))
    return Git(path: scene.directory.path("colleague"))
  }

  @Test func `A branch that was never fetched is not passed over: the push is not whole and names it`()
    async throws
  {
    let scene = try Scene()
    let colleague = try colleague(scene)
    try colleague("checkout", "-q", "-b", "feature", "origin/main~1")
    try colleague.commit("on the old history")
    try colleague("push", "-q", "origin", "feature")
    _ = try await scene.purge.rewrite()
    let plan = try await scene.purge.rewriter.pushPlan(repository: scene.local.path, remote: "origin")
    #expect(plan.unaccounted == ["refs/heads/feature"])
    let push = try await scene.purge.push(to: "origin")
    #expect(push.refs.allSatisfy { $0.isUpdated })
    #expect(push.isWhole == false)
    #expect(push.unaccounted == ["refs/heads/feature"])
    #expect(push.residual.contains { $0.place == "origin refs/heads/feature" && $0.fix.contains("fetch") })
    #expect(try holds(scene.remote, in: scene.directory))
    #expect(try await scene.purge.freshClone(of: "origin").isClean == false)
  }

  @Test
  func `After a refused lease and a fetch, "pushed" is not said while the remote's main holds the secret`()
    async throws
  {
    let scene = try Scene()
    let colleague = try colleague(scene)
    _ = try await scene.purge.rewrite()
    try colleague.commit("their work")
    try colleague("push", "-q", "origin", "main")
    #expect(try await scene.purge.push(to: "origin").isWhole == false)
    try scene.local("fetch", "-q", "origin")
    let again = try await scene.purge.push(to: "origin")
    #expect(again.refs.first { $0.ref == "refs/heads/main" }?.isUpdated == false)
    #expect(again.unaccounted == ["refs/heads/main"])
    #expect(try holds(scene.remote, in: scene.directory))
    // The way out that the answer names: rewrite again, what was fetched included, and push.
    _ = try await scene.purge.rewrite(marker: "again")
    let last = try await scene.purge.push(to: "origin")
    #expect(last.isWhole, "\(last)")
    #expect(try holds(scene.remote, in: scene.directory) == false)
    #expect(try await scene.purge.freshClone(of: "origin").isClean)
    #expect(try scene.remote("log", "-1", "--format=%s", "main") == "their work")
  }

  @Test func `A branch that a fetch brought after the rewrite is not called clean`() async throws {
    let scene = try Scene()
    let colleague = try colleague(scene)
    _ = try await scene.purge.rewrite()
    try colleague("checkout", "-q", "-b", "late")
    try colleague.commit("on the old history")
    try colleague("push", "-q", "origin", "late")
    try scene.local("fetch", "-q", "origin")
    let push = try await scene.purge.push(to: "origin")
    #expect(push.unaccounted == ["refs/heads/late"])
    #expect(try holds(scene.remote, in: scene.directory))
  }

  @Test func `A remote that leads to an empty repository is not "pushed", and its clone is not clean`()
    async throws
  {
    let scene = try Scene()
    _ = try await scene.purge.rewrite()
    let empty = try Git(creating: scene.directory.path("empty.git"), bare: true)
    try FileManager.default.removeItem(atPath: scene.remote.path)
    try FileManager.default.moveItem(atPath: empty.path, toPath: scene.remote.path)
    let pushed = try await #require(throws: CapabilityError.self) {
      try await scene.purge.push(to: "origin")
    }
    #expect(pushed.class == .conflict && pushed.because.contains("no references"))
    let cloned = try await #require(throws: CapabilityError.self) {
      try await scene.purge.freshClone(of: "origin")
    }
    #expect(cloned.because.contains("an empty clone proves nothing"))
  }

  @Test func `A remote that leads elsewhere than at the rewrite gets nothing`() async throws {
    let scene = try Scene()
    _ = try await scene.purge.rewrite()
    let other = try Git(creating: scene.directory.path("other.git"), bare: true)
    try scene.local("push", "-q", other.path, "main")
    try scene.local("remote", "set-url", "origin", other.path)
    let before = try other("for-each-ref")
    let error = try await #require(throws: CapabilityError.self) { try await scene.purge.push(to: "origin") }
    #expect(error.class == .conflict && error.because.contains(scene.remote.path), "\(error)")
    #expect(try other("for-each-ref") == before)
  }

  @Test func `What is asked for its references is what is pushed to`() async throws {
    let scene = try Scene()
    let published = try Git(creating: scene.directory.path("published.git"), bare: true)
    try scene.local("push", "-q", published.path, "main", "other", "v1")
    try scene.local("remote", "set-url", "--push", "origin", published.path)
    _ = try await scene.purge.rewrite()
    let push = try await scene.purge.push(to: "origin")
    #expect(push.address == published.path)
    #expect(push.isWhole)
    #expect(try published("rev-parse", "main") == scene.local("rev-parse", "main"))
    #expect(try holds(published, in: scene.directory) == false)
    // What is fetched is another repository here, and it is the one that others clone.
    #expect(try await scene.purge.freshClone(of: "origin").isClean == false)
  }

  @Test func `A plan that was approved is carried out as it is, or not at all`() async throws {
    let scene = try Scene()
    _ = try await scene.purge.rewrite()
    let plan = try await scene.purge.rewriter.pushPlan(repository: scene.local.path, remote: "origin")
    #expect(plan.updates.map(\.ref) == ["refs/heads/main", "refs/heads/other", "refs/tags/v1"])
    try scene.remote("update-ref", "refs/heads/extra", "main")
    let error = try await #require(throws: CapabilityError.self) {
      try await scene.purge.rewriter.push(
        plan, repository: scene.local.path, remote: "origin", progress: Silent(),
        under: try approvedPlan().authority())
    }
    #expect(error.because.contains("not those of the plan"))
    #expect(try scene.remote("rev-parse", "extra") == scene.remote("rev-parse", "main"))
  }

  @Test(arguments: [false, true])
  func `A remote that is given another address after the plan was approved gets nothing`(isPush: Bool)
    async throws
  {
    let scene = try Scene()
    _ = try await scene.purge.rewrite()
    let plan = try await scene.purge.rewriter.pushPlan(repository: scene.local.path, remote: "origin")
    // A faithful copy: its references are those of the plan.
    let other = scene.directory.path("other.git")
    try scene.local("clone", "-q", "--mirror", scene.remote.path, other)
    let before = try Git(path: other)("for-each-ref")
    if isPush {
      try scene.local("remote", "set-url", "--push", "origin", other)
    } else {
      try scene.local("remote", "set-url", "origin", other)
    }
    let error = try await #require(throws: CapabilityError.self) {
      try await scene.purge.rewriter.push(
        plan, repository: scene.local.path, remote: "origin", progress: Silent(),
        under: try approvedPlan().authority())
    }
    #expect(error.class == .conflict && error.because.contains(other), "\(error)")
    #expect(try Git(path: other)("for-each-ref") == before)
  }

  @Test func `A hardened configuration does not stop the clone of one's own repository`() async throws {
    let scene = try Scene()
    let home = scene.directory.path("gitconfig")
    try "[protocol]\n\tallow = never\n[protocol \"https\"]\n\tallow = always\n".write(
      toFile: home, atomically: true, encoding: .utf8)
    var environment = Git.environment
    environment["GIT_CONFIG_GLOBAL"] = home
    let rewriter = GitHistoryRewriter(environment: environment, temporaryDirectory: NSTemporaryDirectory())
    let scan = try await rewriter.verifyFreshClone(
      repository: scene.local.path, remote: nil, for: scene.purge.removal, progress: Silent())
    #expect(scan.isClean == false && scan.remote == nil)
    let error = try await #require(throws: CapabilityError.self) {
      try await rewriter.verifyFreshClone(
        repository: scene.local.path, remote: "origin", for: scene.purge.removal, progress: Silent())
    }
    #expect(error.because.contains("protocol.allow"), "\(error)")
  }
}

@Suite struct GitEnvironmentTests {
  @Test func `A push has what git push has: the programs that know the password, and their token`() {
    let caller = [
      "GIT_ASKPASS": "/ci/askpass", "SSH_ASKPASS": "/ci/ssh-askpass", "CI_PUSH_TOKEN": "x", "KRB5CCNAME": "k",
      "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c",
      "GIT_DIR": "/elsewhere", "GIT_INDEX_FILE": "/i", "GIT_TRACE": "1", "STAUNCH_STATE": "/s",
    ]
    let contact = GitEnvironment.contact(caller)
    for name in ["GIT_ASKPASS", "SSH_ASKPASS", "CI_PUSH_TOKEN", "KRB5CCNAME", "GIT_CONFIG_VALUE_0"] {
      #expect(contact[name] == caller[name])
    }
    for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_TRACE", "STAUNCH_STATE"] { #expect(contact[name] == nil) }
    let local = GitEnvironment.local(caller)
    #expect(local["CI_PUSH_TOKEN"] == nil && local["GIT_ASKPASS"] == nil && local["GIT_DIR"] == nil)
    #expect(local["GIT_CONFIG_COUNT"] == "1")
    #expect(GitEnvironment.contact([:])["SSH_ASKPASS"] == "/bin/false")
  }
}
