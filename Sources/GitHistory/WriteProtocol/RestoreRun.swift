import Capabilities
import Foundation
import GitObjects

/// Undo of one rewrite: every file goes back from the vault, bit for bit with its times. Interrupted, it goes on.
struct RestoreRun: Sendable {
  let path: String
  let backup: String
  /// Commits made since the rewrite are given up (they stay in no reference).
  var discardsLaterWork = false
  let seal: RewriteSeal
  let observe: @Sendable (ProtocolStep) -> Void

  func run(under authority: borrowing ExecutionAuthority) throws(CapabilityError) {
    let layout = try RepositoryLayout(path: path)
    let exclusive = try ExclusiveRun(layout)
    defer { withExtendedLifetime(exclusive) {} }
    let directory = RewriteDirectory(id: backup, in: layout)
    let state = try directory.state
    guard let state, state != .preparing, DurableFiles.exists(directory.vault) else {
      let known = try RewriteDirectory.all(in: layout).map(\.id)
      try ExclusiveRun.removeTraces(layout)
      throw CapabilityError(
        .notFound, "restore", because: "there is no undo vault \(backup) in this repository",
        fix: known.isEmpty
          ? "nothing can be undone here: it was restored or shredded before"
          : "choose one of: \(known.joined(separator: ", "))")
    }
    try refuseLaterRewrites(directory, layout)
    let plan = try SwapPlan(bytes: try DurableFiles.read(directory.plan), PlanBases(layout))
    try OwnFiles(layout: layout).check(plan)
    try seal.check(.plan, of: directory, layout)
    let locks = RepositoryLocks(plan.locks, id: directory.id, layout: layout)
    try locks.take()
    do {
      if state == .finished || state == .applied { try refuseLaterWork(plan, layout) }
      try directory.record(.restoring)
      observe(.restoring)
      try SwapExecution(plan: plan, directory: directory, observe: observe).backward(under: authority)
      try removeLaterObjects(plan, layout)
      try repairReferences(plan, layout)
    } catch {
      try locks.release()
      throw error
    }
    try locks.release()
    observe(.removing)
    try DurableFiles.removeTree(directory.staged)
    try DurableFiles.removeTree(directory.vault)
    try DurableFiles.removeTree(directory.root)
    try ExclusiveRun.removeTraces(layout)
  }

  /// A later rewrite's vault lies on top of this one.
  private func refuseLaterRewrites(_ directory: RewriteDirectory, _ layout: RepositoryLayout)
    throws(CapabilityError)
  {
    let own = DurableFiles.status(of: directory.plan)?.st_mtim
    for other in try RewriteDirectory.all(in: layout) where other.id != directory.id {
      guard DurableFiles.exists(other.vault), let own,
        let later = DurableFiles.status(of: other.plan)?.st_mtim,
        (later.tv_sec, later.tv_nsec) > (own.tv_sec, own.tv_nsec)
      else { continue }
      throw CapabilityError(
        .conflict, "restore", because: "a later rewrite (\(other.id)) stands on this one",
        fix:
          "restore that one first: staunch history restore --repository '\(path)' --backup \(other.id) --live --confirm \(layout.name)"
      )
    }
  }

  private func refuseLaterWork(_ plan: SwapPlan, _ layout: RepositoryLayout) throws(CapabilityError) {
    guard !discardsLaterWork else { return }
    let now = try RestoreRun.values(layout)
    let changed =
      now.filter { plan.after[$0.key] != $0.value }.keys.sorted()
      + plan.after.keys.filter { now[$0] == nil }.sorted()
    guard let first = changed.first else { return }
    throw CapabilityError(
      .conflict, "restore",
      because:
        "\(changed.count) \(changed.count == 1 ? "reference" : "references") changed since the rewrite (first: \(first))",
      fix: "save that work (git bundle create later.bundle --all), then repeat with --discard-later-work")
  }

  /// Packs and loose objects that came after the rewrite (a repack, new commits): what they hold leads to objects that
  /// are gone now, and the old packs hold everything from before.
  private func removeLaterObjects(_ plan: SwapPlan, _ layout: RepositoryLayout) throws(CapabilityError) {
    let before = plan.objectFiles
    guard !before.isEmpty else { return }
    for file in try layout.objectFiles() where !before.contains(file) { try DurableFiles.remove(file) }
  }

  /// `git pack-refs` since then may have removed loose files that never were in the vault.
  private func repairReferences(_ plan: SwapPlan, _ layout: RepositoryLayout) throws(CapabilityError) {
    let now = try RestoreRun.values(layout)
    for (name, value) in plan.before where now[name] != value {
      // Symbolic ones are never packed: they came from the vault.
      guard let id = ObjectID(hex: value) else { continue }
      let file = layout.common / name.bytes
      try DurableFiles.makeDirectory(file.parent, mode: 0o755)
      try DurableFiles.write(Array("\(id.hex)\n".utf8), to: file, mode: 0o644)
    }
  }

  static func values(_ layout: RepositoryLayout) throws(CapabilityError) -> [ReferenceName: String] {
    var values: [ReferenceName: String] = [:]
    for reference in try ReferenceSnapshot(layout).references {
      values[layout.key(of: reference)] = ReferenceChange.text(reference.value)
    }
    return values
  }
}

extension RepositoryLayout {
  /// Packs with what belongs to them, loose objects, and what Git derives from them.
  func objectFiles() throws(CapabilityError) -> [PathBytes] {
    var found: [PathBytes] = []
    for name in try DurableFiles.entries(of: objects) {
      let path = objects / name
      guard DurableFiles.kind(of: path) == .directory, name != Array("info".utf8) else { continue }
      found += try RepositoryLayout.files(below: path)
    }
    return found + (try derivedObjectFiles()).filter { $0.relative(to: packs) == nil }
  }
}
