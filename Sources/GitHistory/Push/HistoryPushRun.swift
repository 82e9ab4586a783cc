public import Capabilities
import Foundation
import GitObjects

/// A push of rewritten history, with what the port's answer cannot hold.
public struct PushReport: Sendable {
  public let push: HistoryPush
  /// References of the remote that keep the secret and need somebody else: hidden merge-request references, references
  /// that nobody here knows.
  public let residual: [HistoryRewrite.Residual]
}

/// Pushes every reference of a remote whose value was rewritten: `git push --atomic --force-with-lease=<ref>:<old>`.
///
/// What is pushed is decided by what the remote has, not by what is here: each of its references that points to
/// rewritten history gets exactly the rewritten version of its own value, so local work is never published by this.
struct HistoryPushRun: Sendable {
  let path: String
  let remote: String
  let git: GitProgram

  func run(progress: any ProgressSink, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
    -> PushReport
  {
    let layout = try RepositoryLayout(path: path)
    let plan = try await plan(layout)
    var results = plan.alreadyDone.map {
      HistoryPush.RefResult(ref: $0.description, isUpdated: true, reason: "was already")
    }
    if !plan.updates.isEmpty {
      progress.progress("push", done: 0, total: plan.updates.count, unit: "references")
      results += try await push(plan.updates, layout)
      progress.progress("push", done: plan.updates.count, total: plan.updates.count, unit: "references")
    }
    return PushReport(push: HistoryPush(refs: results), residual: residual(plan))
  }

  /// What would be pushed. Asks the remote, changes nothing.
  func plan(_ layout: RepositoryLayout) async throws(CapabilityError) -> PushPlan {
    let rewrites = try finishedRewrites(layout)
    guard !rewrites.isEmpty else {
      throw CapabilityError(
        .notFound, "push", because: "no finished rewrite was found in this repository",
        fix:
          "staunch history rewrite --repository '\(path)' --replace-text FILE --live --confirm \(layout.name)"
      )
    }
    var map: [ObjectID: ObjectID] = [:]
    var moved: [(old: ReferenceName, new: ReferenceName, from: ObjectID, to: ObjectID)] = []
    var tracked: [ReferenceName: ObjectID] = [:]
    for directory in rewrites {
      for name in ["commit-map", "tag-map"] {
        let later = try HistoryMaps.read(directory.maps / name)
        for (old, new) in map { map[old] = later[new] ?? new }
        map.merge(later) { _, new in new }
      }
      moved += try moves(directory, layout, &tracked)
    }
    let objects = try engine { () throws(GitObjectsError) in
      try RepositoryObjects(gitDirectory: layout.common.text)
    }
    let there = try await RemoteReferences(remote: remote, layout: layout, git: git)
    return PushPlan(
      remote: there.ids, map: map, moved: moved, tracked: tracked, contains: { objects.contains($0) })
  }

  private func finishedRewrites(_ layout: RepositoryLayout) throws(CapabilityError) -> [RewriteDirectory] {
    var found: [(directory: RewriteDirectory, seconds: Int, nanoseconds: Int)] = []
    for directory in try RewriteDirectory.all(in: layout) {
      switch try directory.state {
      case .finished:
        let time = DurableFiles.status(of: directory.maps / "commit-map")?.st_mtim
        found.append((directory, Int(time?.tv_sec ?? 0), Int(time?.tv_nsec ?? 0)))
      case .committed, .applied, .restoring:
        throw CapabilityError(
          .conflict, "push", because: "the rewrite \(directory.id) was interrupted",
          fix: "staunch history rewrite --repository '\(path)' --replace-text FILE --resume --live")
      case .preparing, nil: continue
      }
    }
    return found.sorted { ($0.seconds, $0.nanoseconds) < ($1.seconds, $1.nanoseconds) }.map(\.directory)
  }

  /// From the stored result, and old names (which may hold the secret) from the plan while the vault exists.
  private func moves(
    _ directory: RewriteDirectory, _ layout: RepositoryLayout, _ tracked: inout [ReferenceName: ObjectID]
  )
    throws(CapabilityError)
    -> [(old: ReferenceName, new: ReferenceName, from: ObjectID, to: ObjectID)]
  {
    let stored = try StoredRewrite.read(directory)
    var oldNames: [ReferenceName: ReferenceName] = [:]
    if let bytes = try DurableFiles.readIfPresent(directory.plan) {
      oldNames = try SwapPlan(bytes: bytes, PlanBases(layout)).renames
    }
    return stored.refs.compactMap { move in
      guard let from = ObjectID(hex: move.from), let to = ObjectID(hex: move.to) else { return nil }
      let new = ReferenceName(move.ref)
      let prefix = "refs/remotes/\(remote)/"
      if new.hasPrefix(prefix) {
        tracked[ReferenceName("refs/heads/" + move.ref.dropFirst(prefix.count))] = from
      }
      return (oldNames[new] ?? new, new, from, to)
    }
  }

  private func push(_ updates: [PushPlan.Update], _ layout: RepositoryLayout) async throws(CapabilityError)
    -> [HistoryPush.RefResult]
  {
    var arguments = ["push", "--porcelain", "--atomic", "--no-follow-tags", "--recurse-submodules=no"].map {
      Array($0.utf8)
    }
    for update in updates {
      arguments.append(
        Array("--force-with-lease=".utf8) + update.name.bytes + Array(":\(update.lease?.hex ?? "")".utf8))
    }
    arguments += [Array("--".utf8), Array(remote.utf8)]
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
      try DurableFiles.write(Array("[remote \"\(remote)\"]\n\(lines)".utf8), to: configuration)
      arguments.insert(
        contentsOf: [Array("-c".utf8), Array("include.path=\(configuration.text)".utf8)], at: 0)
    }
    let outcome = try await git.run(arguments, in: layout.common, deadline: .seconds(7200))
    let results = PushOutput(outcome).results(for: updates.map(\.name))
    guard results.contains(where: { $0.isReported }) else {
      throw PushFailure.error(of: outcome, remote: remote, operation: "git push")
    }
    return results.map { HistoryPush.RefResult(ref: $0.ref, isUpdated: $0.isUpdated, reason: $0.reason) }
  }

  private func residual(_ plan: PushPlan) -> [HistoryRewrite.Residual] {
    var residual: [HistoryRewrite.Residual] = []
    if !plan.hidden.isEmpty {
      residual.append(
        .init(
          place: "\(plan.hidden.count) hidden references of \(remote) (first: \(plan.hidden[0]))",
          why: "the forge keeps them for merge requests and refuses a push",
          fix: "send the text of: staunch history support-request --repository '\(path)' --remote \(remote)"))
    }
    for name in plan.unknown {
      residual.append(
        .init(
          place: "\(remote) \(name)", why: "it points to an object that this repository never saw",
          fix: "git -C '\(path)' fetch \(remote) '+\(name):\(name)', then scan and rewrite again"))
    }
    return residual
  }
}
