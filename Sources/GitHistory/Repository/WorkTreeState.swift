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
          "--no-optional-locks", "-c", "core.fsmonitor=false", "status", "--porcelain", "-z",
          "--untracked-files=no",
          "--ignore-submodules=dirty",
        ], in: root)
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

  /// Writes files from the index with the user's filters.
  func checkOut(_ files: [SwapPlan.Checkout]) async throws(CapabilityError) {
    var byRoot: [PathBytes: [[UInt8]]] = [:]
    for file in files { byRoot[file.root, default: []].append(file.path) }
    for (root, paths) in byRoot.sorted(by: { $0.key < $1.key }) {
      let input = Array(paths.map { $0 + [0] }.joined())
      let outcome = try await git.run(
        ["checkout-index", "--force", "--index", "-z", "--stdin"], in: root, input: input)
      guard outcome.status == 0 else {
        throw CapabilityError(
          .refused, "git checkout-index", because: "it ended with status \(outcome.status)",
          fix: "history is rewritten; bring the files back with: git -C '\(root.text)' restore .")
      }
    }
  }
}
