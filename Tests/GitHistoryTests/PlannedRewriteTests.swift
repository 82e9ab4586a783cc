import Capabilities
import Foundation
import GitObjects
import Secrets
import Synchronization
import TestSupport
import Testing

@testable import GitHistory

/// A run that goes on from its own plan.
@Suite struct PlannedRewriteTests {
  /// Which phases were reported, each once, in their order.
  private final class Phases: ProgressSink {
    private let seen = Mutex<[String]>([])
    var names: [String] { seen.withLock { $0 } }

    func progress(_ phase: String, done: Int, total: Int?, unit: String) {
      seen.withLock { seen in if !seen.contains(phase) { seen.append(phase) } }
    }
  }

  private let patterns: SecretPatterns
  init() throws { patterns = try SecretPatterns(secrets: [Secret(leaked)]) }

  private func plan(_ path: String, _ rewriter: GitHistoryRewriter? = nil) async throws -> PlannedRewrite {
    try await (rewriter ?? Purge(path).rewriter).prepare(
      repository: path, patterns: patterns, progress: Silent())
  }

  private func run(
    _ plan: PlannedRewrite, _ phases: Phases = Phases(), _ rewriter: GitHistoryRewriter? = nil
  ) async throws -> HistoryRewrite {
    try await (rewriter ?? Purge(plan.path).rewriter).rewrite(
      plan, marker: "planned", progress: phases, under: try approvedPlan().authority())
  }

  @Test func `While nothing changed the run writes what its plan found, and searches only for the proof`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    try Git(path: "/")(["-a", git.path, directory.path("other")], program: "cp")
    let phases = Phases()
    let result = try await run(try await plan(git.path), phases)
    #expect(phases.names == ["move", "scan"])
    #expect(result.commits == 3 && result.residual.map(\.place).allSatisfy { $0.hasPrefix("undo vault") })
    #expect(try await Purge(git.path).scan().isClean)
    #expect(try git.run(["fsck", "--full", "--strict"]).status == 0)
    let other = try await Purge(directory.path("other")).rewrite()
    #expect(other.refs == result.refs)
  }

  @Test func `A repository without the secret is searched once, by the plan`() async throws {
    let directory = try TemporaryDirectory()
    let git = try Git(creating: directory.path("r"))
    try git.write("a", "nothing here\n")
    try git.commit()
    let phases = Phases()
    let result = try await run(try await plan(git.path), phases)
    #expect(phases.names.isEmpty)
    #expect(result.commits == 0 && result.backup == nil)
  }

  @Test(arguments: ["commit", "object", "branch", "pack", "reflog"])
  func `What came between plan and run is searched and rewritten too`(what: String) async throws {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    let plan = try await plan(git.path)
    switch what {
    case "commit":
      try git.write("late", "late \(leaked)\n")
      try git.commit("late")
    case "object": try git(["hash-object", "-w", "--stdin"], input: Array("late \(leaked)\n".utf8))
    case "branch": try git("branch", "late", "main~2")
    case "pack": try git("repack", "-q", "-a", "-d")
    default: try git("update-ref", "-m", "late \(leaked)", "--create-reflog", "refs/heads/late", "main")
    }
    let phases = Phases()
    _ = try await run(plan, phases)
    #expect(phases.names.first == "scan")
    #expect(try await Purge(git.path).scan().isClean)
    #expect(try git("log", "--all", "--reflog", "-p").contains(leaked) == false)
    #expect(try git.run(["fsck", "--full", "--strict"]).status == 0)
  }

  @Test func `A plan is carried out once: the second time the repository is searched`() async throws {
    let directory = try TemporaryDirectory()
    let git = try Git(creating: directory.path("r"))
    try git.write("a", "nothing here\n")
    try git.commit()
    let plan = try await plan(git.path)
    _ = try await run(plan)
    let phases = Phases()
    _ = try await run(plan, phases)
    #expect(phases.names == ["scan"])
  }

  @Test func `The proof reads what is there after the rewrite, whatever the plan found`() async throws {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    let rewriter = GitHistoryRewriter(
      environment: Git.environment, temporaryDirectory: NSTemporaryDirectory(),
      observe: { step in
        guard step == .unlocked else { return }
        // Checked below: without the object there is nothing to find.
        _ = try? git(["hash-object", "-w", "--stdin"], input: Array("back again \(leaked)\n".utf8))
      })
    let result = try await run(try await plan(git.path, rewriter), Phases(), rewriter)
    #expect(result.residual.contains { $0.place.hasPrefix("object ") })
  }
}
