import Capabilities

/// The steps of the write protocol, for tests that end the process at each of them.
enum ProtocolStep: Sendable, Hashable {
  case staged, locked, committed
  /// Before file number `n` moves, forward.
  case moving(Int)
  case moved, applied, unlocked, refreshed, finished
  case restoring
  /// Before file number `n` goes back.
  case returning(Int)
  case returned, removing
}

/// Moves the files of a ``SwapPlan``: forward to the new state, backward to the old. Both may be repeated at any time.
struct SwapExecution: Sendable {
  let plan: SwapPlan
  let directory: RewriteDirectory
  let observe: @Sendable (ProtocolStep) -> Void

  func forward(under authority: borrowing ExecutionAuthority) throws(CapabilityError) {
    var touched: Set<PathBytes> = [directory.vault]
    for (number, file) in plan.files.enumerated() {
      observe(.moving(number))
      touched.insert(file.path.parent)
      if let kept = file.vault {
        let old = directory.vault / String(kept)
        if !DurableFiles.exists(old) {
          if file.staged == nil {
            // Missing here means that an earlier try moved it and it came back from nowhere: nothing to keep.
            if DurableFiles.exists(file.path) { try DurableFiles.move(file.path, to: old) }
          } else {
            try DurableFiles.link(file.path, to: old)
          }
        }
      }
      if file.staged == nil { removeEmptyParents(of: file) }
      if let staged = file.staged, DurableFiles.exists(staged) {
        try DurableFiles.makeDirectory(file.path.parent, mode: 0o755)
        try DurableFiles.move(staged, to: file.path)
      }
    }
    for parent in touched where DurableFiles.exists(parent) { try DurableFiles.synchronizeDirectory(parent) }
    observe(.moved)
  }

  /// A directory's name may be what held the secret. Git's own (`refs/heads`, `objects/ab` …) stay.
  private func removeEmptyParents(of file: SwapPlan.File) {
    let kept: Int
    switch file.stage {
    case .workTree: kept = 0
    case .looseReferences: kept = 2
    case .logs: kept = 3
    case .newObjects, .packedReferences, .index, .configuration, .oldObjects: return
    }
    let common = directory.root.parent.parent.parent
    var parent = file.path.parent
    while true {
      if let inside = parent.relative(to: common), inside.bytes.split(separator: 0x2F).count <= kept {
        return
      }
      guard DurableFiles.removeEmptyDirectory(parent) else { return }
      parent = parent.parent
    }
  }

  func backward(under authority: borrowing ExecutionAuthority) throws(CapabilityError) {
    var touched: Set<PathBytes> = []
    for (number, file) in plan.files.enumerated().reversed() {
      observe(.returning(number))
      if let kept = file.vault {
        let old = directory.vault / String(kept)
        guard DurableFiles.exists(old) else { continue }  // never left, or already back
        try DurableFiles.makeDirectory(file.path.parent, mode: 0o755)
        try DurableFiles.move(old, to: file.path)
      } else if file.staged.map({ !DurableFiles.exists($0) }) ?? true {
        try DurableFiles.remove(file.path)
        removeEmptyParents(of: file)
      }
      touched.insert(file.path.parent)
    }
    for parent in touched where DurableFiles.exists(parent) { try DurableFiles.synchronizeDirectory(parent) }
    observe(.returned)
  }
}
