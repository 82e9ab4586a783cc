import Capabilities
import Foundation
import GitObjects
import Secrets
import TestSupport
import Testing

@testable import GitHistory

@Suite struct SecureShellPushTests {
  private func rewriter(_ command: String) -> GitHistoryRewriter {
    var environment = Git.environment
    environment["GIT_SSH_COMMAND"] = command
    return GitHistoryRewriter(environment: environment, temporaryDirectory: NSTemporaryDirectory())
  }

  @Test func `A push over a real sshd moves every reference, and a fresh clone over it is clean`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let server = try SecureShellServer(in: directory.path)
    let remote = try Git(creating: directory.path("remote.git"), bare: true)
    var local = try RewriteTests.leakyRepository(directory.path("local"))
    local.more["GIT_SSH_COMMAND"] = server.command
    let user = NSUserName()
    try local("remote", "add", "origin", "ssh://\(user)@git.test\(remote.path)")
    try local("push", "-q", "origin", "main", "other", "v1")
    let removal = HistoryRemoval(secrets: [Secret(leaked)])
    let rewriter = rewriter(server.command)
    _ = try await rewriter.rewrite(
      repository: local.path, removing: removal, marker: "ssh", progress: Silent(),
      under: try approvedPlan().authority())
    let push = try await rewriter.push(
      repository: local.path, remote: "origin", progress: Silent(), under: try approvedPlan().authority())
    #expect(push.refs.count == 3 && push.refs.allSatisfy { $0.isUpdated })
    #expect(try remote("rev-parse", "main") == local("rev-parse", "main"))
    let scan = try await rewriter.verifyFreshClone(
      repository: local.path, remote: "origin", for: removal, progress: Silent())
    #expect(scan.isClean && scan.commits > 0)
  }

  @Test func `A changed host key and a refused key are explained, and nothing moves`() async throws {
    let directory = try TemporaryDirectory()
    let server = try SecureShellServer(in: directory.path)
    let remote = try Git(creating: directory.path("remote.git"), bare: true)
    let local = try RewriteTests.leakyRepository(directory.path("local"))
    try local("push", "-q", remote.path, "main")
    try local("remote", "add", "origin", "ssh://\(NSUserName())@git.test\(remote.path)")
    _ = try await Purge(local.path).rewrite()
    let tip = try remote("rev-parse", "main")
    let here = Git(path: directory.path)
    try here.write("authorized_keys", "")
    let refused = try await #require(throws: CapabilityError.self) {
      try await rewriter(server.command).push(
        repository: local.path, remote: "origin", progress: Silent(), under: try approvedPlan().authority())
    }
    #expect(refused.class == .refused && refused.because.contains("credentials"))
    let key = String(decoding: try here.read("user.pub"), as: UTF8.self)
    try here.write("known_hosts", "git.test " + key)
    let changed = try await #require(throws: CapabilityError.self) {
      try await rewriter(server.command).push(
        repository: local.path, remote: "origin", progress: Silent(), under: try approvedPlan().authority())
    }
    #expect(changed.class == .refused && changed.because.contains("host key"))
    #expect(try remote("rev-parse", "main") == tip)
  }
}
