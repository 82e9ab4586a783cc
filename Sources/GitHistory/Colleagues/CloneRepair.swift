public import Capabilities
import GitObjects

/// What a repair of a clone did.
public struct CloneRepairReport: Sendable {
  /// References that now stand on the rewritten history.
  public let repaired: [String]
  /// What is left to a person, with the command to begin with.
  public let left: [HistoryRewrite.Residual]
  /// Removed objects that the clone still holds.
  public let removedObjects: Int
}

/// Puts a colleague's clone on the rewritten history without losing their commits.
///
/// Fetches the rewritten history, moves branches without own commits, rebases the others (a conflict is rolled back and
/// left to the person), and only when everything succeeded lets Git delete what is unreachable.
struct CloneRepair: Sendable {
  let path: String
  let remote: String
  let removed: RemovedObjects
  let git: GitProgram

  func run(under authority: borrowing ExecutionAuthority) async throws(CapabilityError) -> CloneRepairReport {
    let layout = try RepositoryLayout(path: path)
    try await RepositoryOwner(layout: layout, git: git).check()
    try await refusePrograms(layout)
    try await WorkTreeState(git: git, layout: layout).refuseUncommittedChanges()
    let directory = layout.workTrees.first?.root ?? layout.common
    let fetched = try await git.run(
      ["fetch", "--quiet", "--prune", "--force", "--tags", remote], in: directory, contacting: .remote)
    guard fetched.status == 0 else {
      throw PushFailure.error(of: fetched, remote: remote, operation: "git fetch")
    }
    let check = CloneCheck(path: path, removed: removed, git: git)
    let head = try await git.run(["symbolic-ref", "--quiet", "HEAD"], in: directory)
    let current = ReferenceName(bytes: head.output.filter { $0 != 0x0A })
    var repaired: [String] = []
    var left: [HistoryRewrite.Residual] = []
    for branch in try check.branches(try OpenRepository(layout)) {
      if let problem = try await move(branch, current, check, directory) {
        left.append(problem)
      } else {
        repaired.append(branch.name.description)
      }
    }
    if current.hasPrefix("refs/heads/") {
      _ = try await git.run(
        ["checkout", "--quiet", String(current.description.dropFirst(11))], in: directory)
    }
    if left.isEmpty {
      for arguments in [
        ["reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all"],
        ["gc", "--quiet", "--prune=now"],
      ] {
        let outcome = try await git.run(arguments, in: directory)
        guard outcome.status == 0 else {
          throw PushFailure.error(of: outcome, remote: remote, operation: "git \(arguments[0])")
        }
      }
    }
    return CloneRepairReport(
      repaired: repaired, left: left, removedObjects: try await check.report().removedObjects)
  }

  /// A rebase writes where Git itself must find the clone, so its settings count: those that start programs are for its owner.
  private func refusePrograms(_ layout: RepositoryLayout) async throws(CapabilityError) {
    guard !git.trust.covers(layout) else { return }
    let keys = Set(try await RepositorySettings.read(layout, git: git).startsPrograms).sorted()
    guard !keys.isEmpty else { return }
    throw CapabilityError(
      .unsafe, "put the clone on the rewritten history",
      because: "its own settings name programs or lead elsewhere: \(keys.joined(separator: ", "))",
      fix: "look at them: git -C '\(layout.standing.text)' config --local --list; when they are yours: "
        + "the same command with --trust-repository-config")
  }

  /// - Returns: nil when it stands on the rewritten history now.
  private func move(
    _ branch: CloneCheck.Branch, _ current: ReferenceName, _ check: CloneCheck, _ directory: PathBytes
  ) async throws(CapabilityError) -> HistoryRewrite.Residual? {
    let objects = try engine { () throws(GitObjectsError) in
      try RepositoryObjects(gitDirectory: try CloneRepair.common(path))
    }
    guard branch.name.hasPrefix("refs/heads/"), branch.bases.count == 1, let base = branch.bases.first,
      let new = removed.commits[base], objects.contains(new)
    else {
      return .init(
        place: branch.name.description,
        why: "its history holds removed commits and cannot be moved by itself",
        fix: check.command(for: branch) ?? "git -C '\(path)' log --graph \(branch.name)")
    }
    let short = String(branch.name.description.dropFirst("refs/heads/".count))
    let arguments: [String]
    if branch.ownCommits == 0 {
      arguments =
        branch.name == current
        ? ["reset", "--quiet", "--keep", new.hex] : ["branch", "--force", short, new.hex]
    } else {
      arguments = ["rebase", "--quiet", "--rebase-merges", "--onto", new.hex, base.hex, short]
    }
    let outcome = try await git.run(arguments, in: directory)
    if outcome.status == 0 { return nil }
    // A rebase that stopped in the middle waits for the user; anything else never began (no user.name, a hook …).
    let isConflict = try RepositoryLayout(path: path).operationInProgress() != nil
    if isConflict { _ = try await git.run(["rebase", "--abort"], in: directory) }
    return .init(
      place: branch.name.description,
      why: isConflict
        ? "its own commits conflict with the rewritten history; nothing was changed"
        : "git \(arguments[0]) ended with status \(outcome.status); nothing was changed",
      fix: check.command(for: branch) ?? "git -C '\(path)' log --graph \(branch.name)")
  }

  private static func common(_ path: String) throws(GitObjectsError) -> String {
    try GitRepository(path: path, ownerIsChecked: true).commonDirectory
  }
}
