import Capabilities
import Foundation
import GitObjects

/// Pushes every reference of a remote whose value was rewritten: `git push --atomic --force-with-lease=<ref>:<old>`.
///
/// What is pushed is decided by what the remote has, not by what is here: each of its references that points to
/// rewritten history gets exactly the rewritten version of its own value, so local work is never published by this.
/// Every reference that the remote advertises is accounted for; "pushed" is said only when nothing is left over.
struct HistoryPushRun: Sendable {
  let path: String
  let remote: String
  let git: GitProgram
  let seal: RewriteSeal

  /// - Parameter expected: the plan that was approved; nil: made now. The leases are those of the plan.
  func run(
    _ expected: HistoryPushPlan? = nil, progress: any ProgressSink,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HistoryPush {
    let layout = try RepositoryLayout(path: path)
    let (plan, target) = try await plan(layout)
    let now = document(plan, target)
    if let expected, expected != now {
      throw CapabilityError(
        .conflict, "push to \(remote)",
        because: expected.address == now.address
          ? "its references are not those of the plan"
          : "the remote leads to \(now.address), the plan was made for \(expected.address)",
        fix:
          "nothing was pushed; look at the new plan: staunch history push --repository '\(path)' --remote \(remote)"
      )
    }
    var results = plan.alreadyDone.map {
      HistoryPush.RefResult(ref: $0.description, isUpdated: true, reason: "was already")
    }
    if !plan.updates.isEmpty {
      progress.progress("push", done: 0, total: plan.updates.count, unit: "references")
      results += try await push(plan.updates, target, layout)
      progress.progress("push", done: plan.updates.count, total: plan.updates.count, unit: "references")
    }
    return HistoryPush(
      refs: results, address: target.shown, untouched: plan.clean.count,
      unaccounted: plan.unaccounted.map(\.description), residual: residual(plan, target))
  }

  /// What would be pushed. Asks the remote, changes nothing.
  func planned() async throws(CapabilityError) -> HistoryPushPlan {
    let (plan, target) = try await plan(try RepositoryLayout(path: path))
    return document(plan, target)
  }

  private func document(_ plan: PushPlan, _ target: RemoteTarget) -> HistoryPushPlan {
    HistoryPushPlan(
      address: target.shown,
      updates: plan.updates.map { .init(ref: $0.name.description, from: $0.lease?.hex, to: $0.new?.hex) },
      done: plan.alreadyDone.map(\.description), untouched: plan.clean.map(\.description),
      unaccounted: plan.unaccounted.map(\.description), residual: residual(plan, target))
  }

  private func plan(_ layout: RepositoryLayout) async throws(CapabilityError) -> (PushPlan, RemoteTarget) {
    let target = try await RemoteTarget(remote, layout: layout, git: git)
    let known = try KnownRewrites(path: path, remote: remote, layout: layout, seal: seal)
    try known.refuseOtherAddress(target)
    let there = try await RemoteReferences(target, layout: layout, git: git)
    try known.refuseOtherRepository(there)
    var standing = RemoteStanding(known, try OpenRepository(layout))
    var standings: [ObjectID: PushPlan.Standing] = [:]
    for id in Set(there.ids.values) { standings[id] = try standing.of(id) }
    let plan = PushPlan(remote: there.ids, moved: known.moved, tracked: known.tracked) {
      standings[$0] ?? .absent
    }
    return (plan, target)
  }

  private func push(_ updates: [PushPlan.Update], _ target: RemoteTarget, _ layout: RepositoryLayout)
    async throws(CapabilityError) -> [HistoryPush.RefResult]
  {
    var arguments = ["push", "--porcelain", "--atomic", "--no-follow-tags", "--recurse-submodules=no"].map {
      Array($0.utf8)
    }
    for update in updates {
      arguments.append(
        Array("--force-with-lease=".utf8) + update.name.bytes + Array(":\(update.lease?.hex ?? "")".utf8))
    }
    arguments += [Array("--".utf8), Array(target.operand.utf8)]
    let refspecs = updates.map { Array((($0.new?.hex ?? "") + ":").utf8) + $0.name.bytes }
    // Very many references do not fit on one command line: their names then stand in a configuration file.
    let configuration = layout.own / "push-\(getpid())"
    // Clean-up only: the file names references, nothing else.
    defer { try? DurableFiles.remove(configuration) }
    let size = (arguments + refspecs).reduce(0) { $0 + $1.count + 16 }
    if size < 1_200_000 {
      arguments += refspecs
    } else {
      let lines = refspecs.map { "\tpush = " + String(decoding: $0, as: UTF8.self) + "\n" }.joined()
      try DurableFiles.write(
        Array("[remote \"\(target.operand)\"]\n\(lines)".utf8), to: configuration)
      arguments.insert(
        contentsOf: [Array("-c".utf8), Array("include.path=\(configuration.text)".utf8)], at: 0)
    }
    let outcome = try await git.run(
      arguments, of: layout, contacting: .remote, settings: target.settings,
      deadline: .seconds(7200))
    let results = PushOutput(outcome).results(for: updates.map(\.name))
    guard results.contains(where: { $0.isReported }) else {
      throw PushFailure.error(of: outcome, remote: remote, operation: "git push")
    }
    return results.map {
      HistoryPush.RefResult(
        ref: $0.ref, isUpdated: $0.isUpdated, reason: $0.reason, isOvertaken: $0.isOvertaken)
    }
  }

  private func residual(_ plan: PushPlan, _ target: RemoteTarget) -> [HistoryRewrite.Residual] {
    var residual: [HistoryRewrite.Residual] = []
    func fetch(_ name: ReferenceName) -> String {
      "git -C '\(path)' fetch \(remote) '+\(name):refs/staunch/\(remote)/\(name.description.trimmingPrefix("refs/"))', then scan and rewrite again"
    }
    if let first = plan.hidden.first {
      residual.append(
        .init(
          place: "\(HistoryPushRun.hidden(plan.hidden)) of \(remote) (first: \(first))",
          why: "the forge keeps them for merge requests and refuses a push",
          fix: "send the text of: staunch history support-request --repository '\(path)' --remote \(remote)"))
    }
    if let first = plan.hiddenUnknown.first {
      residual.append(
        .init(
          place: "\(HistoryPushRun.hidden(plan.hiddenUnknown)) of \(remote) (first: \(first))",
          why: "they were never fetched here, so nobody here can say what they hold",
          fix:
            "staunch history verify with --remote \(remote) and the same expressions or incident looks into them"
        )
      )
    }
    residual += plan.unknown.map {
      .init(
        place: "\(remote) \($0)", why: "it points to an object that this repository never saw",
        fix: fetch($0))
    }
    residual += plan.stale.map {
      .init(
        place: "\(remote) \($0)",
        why: "its history holds what the rewrite removed, in a version that came after the rewrite",
        fix: fetch($0))
    }
    return residual
  }

  private static func hidden(_ names: [ReferenceName]) -> String {
    names.count == 1 ? "a hidden reference" : "\(names.count) hidden references"
  }
}
