import Capabilities

extension RepositoryLayout {
  /// One reflog: the reference's name, the directory whose `logs/` holds it, and its file.
  struct ReflogFile: Sendable {
    let name: ReferenceName
    let base: PathBytes
    let file: PathBytes
  }

  /// Every reflog of the repository and of its linked work trees.
  func reflogs() throws(CapabilityError) -> [ReflogFile] {
    var found: [ReflogFile] = []
    for tree in workTrees {
      let logs = tree.gitDirectory / "logs"
      for path in try RepositoryLayout.files(below: logs) {
        guard let inside = path.relative(to: logs) else { continue }
        found.append(
          ReflogFile(name: ReferenceName(bytes: inside.bytes), base: tree.gitDirectory, file: path))
      }
    }
    return found
  }

  /// Small text files that name objects or quote messages: they follow a rewrite.
  func stateFiles() throws(CapabilityError) -> [PathBytes] {
    let names = [
      "ORIG_HEAD", "FETCH_HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD",
      "BISECT_HEAD",
      "AUTO_MERGE", "MERGE_MSG", "MERGE_MODE", "SQUASH_MSG", "COMMIT_EDITMSG", "TAG_EDITMSG", "NOTES_EDITMSG",
      "BISECT_LOG", "BISECT_START", "BISECT_EXPECTED_REV", "description",
    ]
    let directories = ["rebase-merge", "rebase-apply", "sequencer"]
    var found: [PathBytes] = []
    for tree in workTrees {
      found += names.map { tree.gitDirectory / $0 }.filter { DurableFiles.kind(of: $0) == .regular }
      for directory in directories {
        found += try RepositoryLayout.files(below: tree.gitDirectory / directory)
      }
    }
    return found
  }

  /// A merge, rebase, cherry-pick … that waits for the user in one of the work trees, with the command that ends it.
  func operationInProgress() -> (name: String, abort: String)? {
    let signs: [(sign: String, name: String, abort: String)] = [
      ("rebase-merge", "rebase", "git rebase --abort"),
      ("rebase-apply", "rebase or am", "git rebase --abort"),
      ("MERGE_HEAD", "merge", "git merge --abort"),
      ("CHERRY_PICK_HEAD", "cherry-pick", "git cherry-pick --abort"),
      ("REVERT_HEAD", "revert", "git revert --abort"),
      ("sequencer", "cherry-pick or revert", "git cherry-pick --abort"),
    ]
    for tree in workTrees {
      if let sign = signs.first(where: { DurableFiles.exists(tree.gitDirectory / $0.sign) }) {
        return (sign.name, sign.abort)
      }
    }
    return nil
  }

  /// Files that Git derives from packs: stale after a rewrite.
  func derivedObjectFiles() throws(CapabilityError) -> [PathBytes] {
    var found: [PathBytes] = []
    for name in ["commit-graph", "packs", "bitmaps"]
    where DurableFiles.kind(of: objects / "info" / name) == .regular {
      found.append(objects / "info" / name)
    }
    found += try RepositoryLayout.files(below: objects / "info" / "commit-graphs")
    for name in try DurableFiles.entries(of: packs) where name.starts(with: "multi-pack-index".utf8) {
      found.append(packs / name)
    }
    return found
  }

  /// Whether all work trees share the reference, so that it may live in `packed-refs`.
  func isShared(_ reference: Reference) -> Bool {
    guard reference.name.hasPrefix("refs/"), let file = reference.file else { return reference.file == nil }
    return file.relative(to: common / "refs") != nil
      && !["refs/bisect/", "refs/worktree/", "refs/rewritten/"].contains { reference.name.hasPrefix($0) }
  }

  /// A name that is unique over all work trees: their own references by their file's path.
  func key(of reference: Reference, renamed: ReferenceName? = nil) -> ReferenceName {
    if let file = reference.file, let inside = file.relative(to: common),
      inside.bytes.starts(with: "worktrees/".utf8)
    {
      return ReferenceName(bytes: inside.bytes)
    }
    return renamed ?? reference.name
  }

  /// Regular files below `directory`, sorted; none when it does not exist.
  static func files(below directory: PathBytes) throws(CapabilityError) -> [PathBytes] {
    var found: [PathBytes] = []
    for name in try DurableFiles.entries(of: directory) {
      let path = directory / name
      switch DurableFiles.kind(of: path) {
      case .directory: found += try files(below: path)
      case .regular: found.append(path)
      case .link, .other, .missing: continue
      }
    }
    return found
  }
}
