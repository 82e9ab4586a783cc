import Capabilities

/// Whether the files of the work trees are as committed: asked of `git status`, which knows smudge filters and line ends.
struct WorkTreeState: Sendable {
  let git: GitProgram
  let layout: RepositoryLayout

  /// - Throws: `.unsafe` when tracked files or the index differ from HEAD, or an operation waits for the user.
  func refuseUncommittedChanges() async throws(CapabilityError) {
    if let operation = layout.operationInProgress() {
      throw CapabilityError(
        .unsafe, "rewrite history", because: "a \(operation.name) is in progress in this repository",
        fix: "finish it, or: \(operation.abort); or go on without touching files: --keep-worktree")
    }
    for tree in layout.workTrees {
      guard let root = tree.root, DurableFiles.exists(tree.gitDirectory / "index") else { continue }
      let outcome = try await git.run(
        [
          "--no-optional-locks", "status", "--porcelain", "-z", "--untracked-files=no",
          "--ignore-submodules=dirty",
        ], of: layout, at: tree)
      guard outcome.status == 0 else {
        throw CapabilityError(
          .refused, "git status", because: "it ended with status \(outcome.status)",
          fix: "see what it says: git -C '\(root.text)' status")
      }
      let changes = outcome.output.split(separator: 0).count
      if changes > 0 {
        throw CapabilityError(
          .unsafe, "rewrite history",
          because:
            "\(changes) tracked \(changes == 1 ? "file has" : "files have") uncommitted changes in \(root.text)",
          fix:
            "git -C '\(root.text)' stash (the stash is rewritten, too), or commit them; or keep the files as they are: --keep-worktree"
        )
      }
    }
  }

  /// Makes Git's index know the new files' times, so that also its plumbing sees them as unchanged. Optional: what fails
  /// here, the next `git status` does.
  func refreshIndexes(_ changed: Set<PathBytes>) async throws(CapabilityError) {
    for tree in layout.workTrees {
      guard tree.root != nil, changed.contains(tree.gitDirectory / "index") else { continue }
      _ = try await git.run(["update-index", "-q", "--refresh"], of: layout, at: tree)
    }
  }
}
