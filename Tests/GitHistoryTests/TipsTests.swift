import Capabilities
import Foundation
import TestSupport
import Testing

@testable import GitHistory

/// What a plan remembers of a repository to see that it is still as it was: the ids of all references.
@Suite struct TipsTests {
  private func tips(_ git: Git, _ environment: [String: String] = Git.environment) async throws -> String? {
    try await GitHistoryRewriter(environment: environment, temporaryDirectory: NSTemporaryDirectory())
      .tips(repository: git.path)
  }

  @Test func `the same references give the same tips, however they are stored`() async throws {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    let before = try await tips(git)
    try git("pack-refs", "--all")
    try git("gc", "-q")
    try git.write("untracked", "x\n")
    #expect(try await tips(git) == before && before?.isEmpty == false)
  }

  @Test(arguments: [
    ["branch", "new"], ["tag", "new"], ["commit", "-q", "--allow-empty", "-m", "new"],
    ["branch", "-D", "other"],
    ["update-ref", "refs/pull/1/head", "HEAD"], ["symbolic-ref", "refs/heads/alias", "refs/heads/main"],
    ["branch", "-m", "other", "renamed"],
  ])
  func `a reference that appears, moves, is renamed or goes changes the tips`(arguments: [String])
    async throws
  {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    let before = try await tips(git)
    try git(arguments)
    #expect(try await tips(git) != before)
  }

  @Test func `a repository of another user has tips when git trusts it, and says why not when it does not`()
    async throws
  {
    try #require(getuid() == 0, "needs another user's repository")
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    let before = try await tips(git)
    try Git(path: "/")(["-R", "65534", git.path], program: "chown")
    let error = try await #require(throws: CapabilityError.self) { try await tips(git) }
    #expect(error.fix?.contains("safe.directory") == true)
    var environment = Git.environment
    environment["GIT_CONFIG_COUNT"] = "1"
    environment["GIT_CONFIG_KEY_0"] = "safe.directory"
    environment["GIT_CONFIG_VALUE_0"] = "*"
    #expect(try await tips(git, environment) == before)
  }
}
