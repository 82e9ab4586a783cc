import Capabilities
import GitObjects

/// Builds the ``SwapPlan`` of a rewrite and stages every new file. Changes nothing that Git looks at.
struct SwapPreparation {
  private let layout: RepositoryLayout
  private let directory: RewriteDirectory
  private let snapshot: ReferenceSnapshot
  private let outcome: RewriteOutcome
  private let patterns: SecretPatterns
  private let renames: ReferenceRenames
  private let keepsWorkTree: Bool
  private var plan = SwapPlan()
  private var nextVault = 0
  private var nextStaged = 0
  /// What each file was like before it was read.
  private var observed: [PathBytes: FileFingerprint] = [:]
  private var packsBefore: [[UInt8]] = []

  init(
    layout: RepositoryLayout, directory: RewriteDirectory, snapshot: ReferenceSnapshot,
    outcome: RewriteOutcome,
    patterns: SecretPatterns, renames: ReferenceRenames, keepsWorkTree: Bool
  ) {
    self.layout = layout
    self.directory = directory
    self.snapshot = snapshot
    self.outcome = outcome
    self.patterns = patterns
    self.renames = renames
    self.keepsWorkTree = keepsWorkTree
  }

  /// Every file staged and synced; the plan in memory.
  mutating func prepare(_ checkout: StagedCheckout) async throws(CapabilityError) -> SwapPlan {
    try DurableFiles.makeDirectory(directory.vault)
    try DurableFiles.makeDirectory(directory.staged)
    packsBefore = try packNames()
    planNewObjects()
    try planReferences()
    try planStateFiles()
    try await planIndexes(checkout)
    try planConfiguration()
    try planOldObjects()
    for rename in renames.all { plan.renames[rename.new] = rename.old }
    plan.objectFiles = Set(try layout.objectFiles().filter { !$0.text.contains("/tmp_staunch_") })
    plan.files.sort { $0.stage.rawValue < $1.stage.rawValue }
    try DurableFiles.synchronizeDirectory(directory.staged)
    return plan
  }

  private mutating func planNewObjects() {
    guard let pack = outcome.pack else { return }
    for suffix in [".pack", ".rev", ".idx"] {  // the index last: Git sees a pack by it
      let staged = PathBytes(pack.directory) / (pack.name + suffix)
      let target = layout.packs / (pack.name + suffix)
      guard DurableFiles.exists(staged), !DurableFiles.exists(target) else { continue }
      plan.files.append(.init(stage: .newObjects, path: target, vault: nil, staged: staged))
    }
  }

  private mutating func planReferences() throws(CapabilityError) {
    var entries: [ReferenceName: PackedReferences.Entry] = [:]
    for entry in snapshot.packed.entries { entries[entry.name] = entry }
    let packedBefore = entries
    for reference in snapshot.references {
      plan.before[layout.key(of: reference)] = ReferenceChange.text(reference.value)
      let new = renames.change(of: reference, by: outcome)
      plan.after[layout.key(of: reference, renamed: new.name)] = ReferenceChange.text(new.value)
      guard new.isChange else { continue }
      plan.locks.append(lock(for: reference))
      if new.name != reference.name {
        plan.locks.append(layout.common / (new.name.bytes + Array(".lock".utf8)))
      }
      guard layout.isShared(reference), case .object(let id) = new.value else {
        // HEAD, symbolic and per-work-tree references stay files.
        guard let file = reference.file else { continue }
        let target = new.name == reference.name ? file : layout.common / new.name.bytes
        if target != file { try stage(.looseReferences, file, nil) }
        try stage(.looseReferences, target, ReferenceChange.bytes(new.value))
        continue
      }
      entries[reference.name] = nil
      entries[new.name] = .init(name: new.name, id: id, peeled: new.peeled)
      if let file = reference.file { try stage(.looseReferences, file, nil) }
    }
    let peeledFix = entries.mapValues { entry in
      guard let peeled = entry.peeled, case .rewritten(let new) = outcome.fate(of: peeled) else {
        return entry
      }
      return PackedReferences.Entry(name: entry.name, id: entry.id, peeled: new)
    }
    if peeledFix != packedBefore {
      plan.locks.append(layout.common / "packed-refs.lock")
      try stage(
        .packedReferences, layout.packedReferences, PackedReferences(entries: Array(peeledFix.values)).bytes)
    }
    try planReflogs()
  }

  private mutating func planReflogs() throws(CapabilityError) {
    for log in try layout.reflogs() {
      observe(log.file)
      let old = try DurableFiles.read(log.file)
      let new = try Reflog(bytes: old).rewritten(by: outcome.fate(of:)) { bytes throws(CapabilityError) in
        try patterns.clean(bytes, as: .person)
      }
      let target = renames.renamed(log.name).map { log.base / "logs" / $0.bytes } ?? log.file
      guard new != old || target != log.file else { continue }
      if target != log.file { try stage(.logs, log.file, nil) }
      try stage(.logs, target, new)
    }
  }

  /// ORIG_HEAD, FETCH_HEAD, MERGE_HEAD, message drafts, a rebase's files: ids follow, secrets go.
  private mutating func planStateFiles() throws(CapabilityError) {
    for file in try layout.stateFiles() {
      observe(file)
      let state = StateFile(bytes: try DurableFiles.read(file))
      let new = try state.rewritten(by: outcome.fate(of:)) { bytes throws(CapabilityError) in
        try patterns.clean(bytes, as: .blob)
      }
      guard let new else { continue }
      try stage(.logs, file, new)
    }
  }

  private mutating func planIndexes(_ checkout: StagedCheckout) async throws(CapabilityError) {
    for (number, tree) in layout.workTrees.enumerated() {
      let path = tree.gitDirectory / "index"
      observe(path)
      guard let bytes = try DurableFiles.readIfPresent(path) else { continue }
      plan.locks.append(tree.gitDirectory / "index.lock")
      let staged = nextStagedPath()
      try DurableFiles.write(bytes, to: staged, mode: DurableFiles.permissions(of: path))
      let index = try IndexFile(path: staged)
      let paths = PathCleaning(patterns: patterns, renamed: outcome.renamedEntries)
      let changes = try index.rewrite(by: outcome.fate(of:)) { path throws(CapabilityError) in
        try paths.cleaned(path)
      }
      guard !changes.isEmpty else {
        try DurableFiles.remove(staged)
        continue
      }
      try index.write()
      try DurableFiles.synchronize(staged)
      plan.files.append(.init(stage: .index, path: path, vault: takeVault(), staged: staged))
      guard let root = tree.root, !keepsWorkTree else { continue }
      let files = changes.filter {
        $0.old.stage == 0 && !$0.old.isSkipped && DurableFiles.exists(root / $0.old.path)
      }
      try await checkout.write(
        files.map(\.new.path), of: tree, number: number, index: staged, pack: outcome.pack)
      for (old, new) in files {
        observe(root / old.path)
        let place = checkout.place(of: new.path, in: number)
        if old.path == new.path {
          plan.files.append(.init(stage: .workTree, path: root / old.path, vault: takeVault(), staged: place))
        } else {
          plan.files.append(.init(stage: .workTree, path: root / old.path, vault: takeVault(), staged: nil))
          plan.files.append(.init(stage: .workTree, path: root / new.path, vault: nil, staged: place))
        }
      }
    }
  }

  private mutating func planConfiguration() throws(CapabilityError) {
    guard !renames.branches.isEmpty else { return }
    let path = layout.common / "config"
    observe(path)
    let old = try DurableFiles.read(path)
    let new = renames.configuration(old)
    guard new != old else { return }
    plan.locks.append(layout.common / "config.lock")
    try stage(.configuration, path, new)
  }

  private mutating func planOldObjects() throws(CapabilityError) {
    for pack in outcome.supersededPacks {
      let path = PathBytes(pack)
      let stem = Array(path.last.dropLast(5))  // ".pack"
      for name in try DurableFiles.entries(of: path.parent) where name.starts(with: stem + [0x2E]) {
        if outcome.pack.map({ stem == Array($0.name.utf8) }) ?? false { continue }
        plan.files.append(
          .init(stage: .oldObjects, path: path.parent / name, vault: takeVault(), staged: nil))
      }
    }
    for loose in outcome.supersededLooseObjects {
      plan.files.append(.init(stage: .oldObjects, path: PathBytes(loose), vault: takeVault(), staged: nil))
    }
    guard outcome.pack != nil || !outcome.isUnchanged else { return }
    // Derived from the old packs; Git makes them again.
    for path in try layout.derivedObjectFiles() {
      plan.files.append(.init(stage: .oldObjects, path: path, vault: takeVault(), staged: nil))
    }
  }

  /// Called when the locks are held: from here on Git changes nothing that we move.
  /// - Throws: `.conflict` when something changed since it was read.
  func refuseChangesMeanwhile() throws(CapabilityError) {
    var isSame = try ReferenceSnapshot(layout) == snapshot
    if try packNames() != packsBefore { isSame = false }
    for file in plan.files where file.vault != nil {
      guard let before = observed[file.path] else {
        isSame = isSame && DurableFiles.exists(file.path)
        continue
      }
      isSame = isSame && FileFingerprint(file.path) == before
    }
    guard isSame else {
      throw CapabilityError(
        .conflict, "rewrite history",
        because: "another program changed the repository while it was being read",
        fix: "nothing was changed by this run: run the same command again")
    }
  }

  private mutating func observe(_ path: PathBytes) {
    if observed[path] == nil { observed[path] = FileFingerprint(path) }
  }

  private func packNames() throws(CapabilityError) -> [[UInt8]] {
    try DurableFiles.entries(of: layout.packs).filter { $0.suffix(5).elementsEqual(".pack".utf8) }
  }

  private func lock(for reference: Reference) -> PathBytes {
    if let file = reference.file { return PathBytes(bytes: file.bytes + Array(".lock".utf8)) }
    return layout.common / (reference.name.bytes + Array(".lock".utf8))
  }

  /// Plans that `path` gets `bytes` (nil: goes), keeping what is there now.
  private mutating func stage(_ stage: SwapPlan.Stage, _ path: PathBytes, _ bytes: [UInt8]?)
    throws(CapabilityError)
  {
    observe(path)
    let exists = DurableFiles.exists(path)
    var staged: PathBytes?
    if let bytes {
      let place = nextStagedPath()
      try DurableFiles.write(bytes, to: place, mode: DurableFiles.permissions(of: path))
      staged = place
    }
    plan.files.append(.init(stage: stage, path: path, vault: exists ? takeVault() : nil, staged: staged))
  }

  private mutating func takeVault() -> Int {
    nextVault += 1
    return nextVault
  }

  private mutating func nextStagedPath() -> PathBytes {
    nextStaged += 1
    return directory.staged / String(nextStaged)
  }
}
