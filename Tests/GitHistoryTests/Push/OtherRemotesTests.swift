import Capabilities
import Foundation
import TestSupport
import Testing

@testable import GitHistory

/// "Clean" is not said over a second remote that still holds the value: each is asked what it advertises, and cloned where it
/// has something that was not searched.
@Suite struct OtherRemotesTests {
  typealias Scene = PushTests.Scene

  /// A second remote with what origin has.
  private func mirror(_ scene: Scene) throws -> Git {
    let mirror = try Git(creating: scene.directory.path("mirror.git"), bare: true)
    try scene.local("remote", "add", "mirror", mirror.path)
    try scene.local("push", "-q", "mirror", "main", "other", "v1")
    return mirror
  }

  private func cleaned(_ scene: Scene) async throws -> HistoryScan {
    _ = try await scene.purge.rewrite()
    #expect(try await scene.purge.push(to: "origin").isWhole)
    let scan = try await scene.purge.freshClone(of: "origin")
    #expect(scan.isClean)
    return scan
  }

  @Test func `a mirror that nobody pushed to still holds the value, and a push to it ends that`() async throws
  {
    let scene = try Scene()
    let mirror = try mirror(scene)
    let others = try await scene.purge.rewriter.others(
      repository: scene.local.path, besides: "origin", within: .seconds(60))
    #expect(others.map(\.address) == [mirror.path] && others.first?.refs?.contains("refs/heads/main") == true)
    let other = try #require(try await cleaned(scene).elsewhere.first)
    #expect(other.remote == "mirror" && other.address == mirror.path)
    guard case .found(let places) = other.state else {
      Issue.record("\(other)")
      return
    }
    #expect(places > 0)
    #expect(try await scene.purge.push(to: "mirror").isWhole)
    #expect(try await scene.purge.freshClone(of: "origin").elsewhere.map(\.state) == [.clean])
    // Behind, but nothing of it was not searched.
    try mirror("update-ref", "refs/heads/main", "main~1")
    #expect(try await scene.purge.freshClone(of: "origin").elsewhere.map(\.state) == [.clean])
  }

  @Test func `where a remote is pushed to beside where it is fetched from is looked at`() async throws {
    let scene = try Scene()
    let published = try Git(creating: scene.directory.path("published.git"), bare: true)
    try scene.local("push", "-q", published.path, "main")
    let scan = try await cleaned(scene)
    #expect(scan.elsewhere.isEmpty)
    try scene.local("remote", "set-url", "--push", "origin", published.path)
    let other = try #require(try await scene.purge.freshClone(of: "origin").elsewhere.first)
    #expect(other.address == published.path && other.finding?.contains("holds it in") == true, "\(other)")
  }

  @Test func `each address of a remote with several is looked at`() async throws {
    let scene = try Scene()
    let mirror = try mirror(scene)
    let second = try Git(creating: scene.directory.path("second.git"), bare: true)
    try scene.local("remote", "set-url", "--add", "mirror", second.path)
    let scan = try await cleaned(scene)
    #expect(scan.elsewhere.map(\.address) == [mirror.path, second.path])
    #expect(scan.elsewhere.last?.state == .clean, "there is nothing in it")
  }

  @Test func `where a branch is pushed to without a remote's name is looked at`() async throws {
    let scene = try Scene()
    let published = try Git(creating: scene.directory.path("published.git"), bare: true)
    try scene.local("push", "-q", published.path, "main")
    try scene.local("config", "branch.main.pushRemote", published.path)
    try scene.local("config", "branch.other.remote", ".")
    let other = try #require(try await cleaned(scene).elsewhere.first)
    #expect(other.finding?.hasPrefix("remote \(published.path): holds it in ") == true, "\(other)")
  }

  @Test func `a remote that does not answer is named as not looked at, and holds nothing up`() async throws {
    let scene = try Scene()
    try scene.local("remote", "add", "gone", scene.directory.path("gone.git"))
    let other = try #require(try await cleaned(scene).elsewhere.first)
    #expect(
      other.finding?.hasPrefix("remote gone (\(scene.directory.path("gone.git"))): not looked at: ") == true)
  }

  @Test func `a branch that only the mirror has, with a value that no rewrite saw, is found there`()
    async throws
  {
    let scene = try Scene()
    _ = try mirror(scene)
    try scene.local("clone", "-q", scene.directory.path("mirror.git"), scene.directory.path("colleague"))
    _ = try await cleaned(scene)
    #expect(try await scene.purge.push(to: "mirror").isWhole)
    let colleague = Git(path: scene.directory.path("colleague"))
    try colleague("checkout", "-q", "--orphan", "late")
    try colleague.write("late.txt", "key = \(leaked)\n")
    try colleague.commit("another copy")
    try colleague("push", "-q", "origin", "late")
    let other = try #require(try await scene.purge.freshClone(of: "origin").elsewhere.first)
    guard case .found = other.state else {
      Issue.record("\(other)")
      return
    }
  }
}
