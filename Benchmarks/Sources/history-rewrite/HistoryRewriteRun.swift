import Capabilities
import Foundation
import GitHistory
import GitObjects
import Incidents
import Secrets
import Synchronization

/// Runs the whole of a scan, a rewrite or its undo, with references, vault and proof:
/// `history-rewrite scan|plan|rewrite|restore REPOSITORY REPLACE-TEXT-FILE|BACKUP`.
///
/// The time at which each phase starts goes to standard output. Use copies: `rewrite` asks nobody.
@main
struct HistoryRewriteRun {
  static func main() async {
    let arguments = CommandLine.arguments
    guard arguments.count == 4 else {
      print("usage: history-rewrite scan|plan|rewrite|restore REPOSITORY REPLACE-TEXT-FILE|BACKUP")
      exit(2)
    }
    do {
      try await run(arguments[1], repository: arguments[2], argument: arguments[3])
    } catch {
      print("error: \(error)")
      exit(1)
    }
  }

  private static func run(_ verb: String, repository: String, argument: String) async throws {
    let clock = ContinuousClock()
    let start = clock.now
    let rewriter = GitHistoryRewriter(
      environment: ProcessInfo.processInfo.environment, temporaryDirectory: NSTemporaryDirectory())
    let phases = Phases(start)
    if verb == "restore" {
      try await rewriter.restore(repository: repository, backup: argument, under: try approved().authority())
      print("total \(clock.now - start)")
      return
    }
    let file = Array(try Data(contentsOf: URL(fileURLWithPath: argument)))
    let patterns = try SecretPatterns(try SecretPatterns.expressions(replaceText: file))
    switch verb {
    case "scan":
      let report = try await rewriter.scanReport(repository: repository, patterns: patterns, progress: phases)
      print("objects \(report.objects) places \(report.findings.count)")
    case "plan":
      let plan = try await rewriter.plan(repository: repository, patterns: patterns, progress: phases)
      print("commits \(plan.commits) blobs \(plan.blobs) refs \(plan.refs.count)")
    default:
      let result = try await rewriter.rewrite(
        repository: repository, patterns: patterns, marker: "benchmark", progress: phases,
        under: try approved().authority())
      print("commits \(result.commits) blobs \(result.blobs) refs \(result.refs.count)")
      print("backup \(result.backup ?? "none")")
      for residual in result.residual.prefix(5) { print("left: \(residual.place): \(residual.why)") }
    }
    print("total \(clock.now - start)")
  }

  private static func approved() throws -> ApprovedPlan {
    let identity = LocalIdentity()
    let role = RoleName("operator")
    let digest = PlanDigest("benchmark")
    return try ApprovedPlan(
      digest: digest, mode: .drill, approvals: [try identity.approve(digest, role: role, at: Date())],
      rule: ApprovalRule(), trusted: [try ApproverIdentity(rawKey: identity.publicKey, roles: [role])])
  }
}

/// Prints when a phase begins.
final class Phases: ProgressSink {
  private let start: ContinuousClock.Instant
  private let last = Mutex("")

  init(_ start: ContinuousClock.Instant) { self.start = start }

  func progress(_ phase: String, done: Int, total: Int?, unit: String) {
    if phase == "move", let total, done == total {
      print("moved \(total) files \(ContinuousClock().now - start)")
    }
    last.withLock { last in
      if last != phase { print("\(phase) \(ContinuousClock().now - start)") }
      last = phase
    }
  }
}
