import Capabilities
import GitObjects

/// The new files of a work tree, written by Git with the user's filters and line ends before anything is changed: an own
/// index, the new pack as a borrowed object store, and a directory of ours as the place.
struct StagedCheckout: Sendable {
  let git: GitProgram
  let directory: RewriteDirectory
  let layout: RepositoryLayout

  /// Where the new file for `path` of work tree `number` lies.
  func place(of path: [UInt8], in number: Int) -> PathBytes {
    directory.staged / "tree-\(number)" / path
  }

  /// - Parameters:
  ///   - index: the staged index of the work tree.
  ///   - pack: nil when no object changed (only names did).
  func write(
    _ paths: [[UInt8]], of tree: RepositoryLayout.WorkTree, number: Int, index: PathBytes, pack: NewPack?
  ) async throws(CapabilityError) {
    guard let root = tree.root, !paths.isEmpty else { return }
    // Git looks for attributes where the work tree is, so it runs there.
    let store = directory.staged / "objects"
    if let pack {
      try DurableFiles.makeDirectory(store / "pack")
      for suffix in [".pack", ".idx"] {
        let target = store / "pack" / (pack.name + suffix)
        if !DurableFiles.exists(target) {
          try DurableFiles.link(PathBytes(pack.directory) / (pack.name + suffix), to: target)
        }
      }
    }
    let prefix = directory.staged / "tree-\(number)"
    try DurableFiles.makeDirectory(prefix)
    var arguments = ["checkout-index", "--force", "-z", "--stdin"].map { Array($0.utf8) }
    arguments.append(Array("--prefix=".utf8) + prefix.bytes + [0x2F])
    let outcome = try await git.run(
      arguments, of: layout, at: tree, input: Array(paths.map { $0 + [0] }.joined()),
      more: ["GIT_INDEX_FILE": index.text, "GIT_ALTERNATE_OBJECT_DIRECTORIES": store.text])
    guard outcome.status == 0 else {
      throw CapabilityError(
        .refused, "git checkout-index",
        because: "the new files could not be written (status \(outcome.status))",
        fix:
          "nothing was changed; free disk space, see that filters work (git -C '\(root.text)' status), then repeat"
      )
    }
    for path in paths where DurableFiles.kind(of: place(of: path, in: number)) == .regular {
      try DurableFiles.synchronize(place(of: path, in: number))
    }
  }
}
