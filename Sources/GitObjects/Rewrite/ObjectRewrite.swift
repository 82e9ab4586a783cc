import Foundation

/// Rewrites every object that holds a secret, and what leads to it, into one new pack.
///
/// Nothing in the repository changes: the outcome names a finished pack in a temporary directory, and maps from old to
/// new ids. The caller moves refs, then the pack into place, then the superseded files away.
public struct ObjectRewrite: Sendable {
  public let objects: RepositoryObjects
  public let patterns: SecretPatterns
  /// Whatever must stay reachable: targets of refs, HEADs, reflog entries to keep, blobs in an index. Any kind of object.
  public let tips: [ObjectID]
  public let options: RewriteOptions

  public init(
    objects: RepositoryObjects, patterns: SecretPatterns, tips: [ObjectID], options: RewriteOptions = .init()
  ) {
    self.objects = objects
    self.patterns = patterns
    self.tips = tips
    self.options = options
  }

  /// Everything ``run(progress:)`` reports, without writing a file. Blocks.
  /// - Throws: `.corrupt`, `.missingObject` (a tip or a reachable object is not there), `.cancelled`.
  public func plan(progress: EngineProgress = .silent) throws(GitObjectsError) -> RewriteOutcome {
    try rewrite(directory: nil, progress: progress)
  }

  /// Scans, rewrites, and writes the new pack into a fresh directory beside the old packs. Blocks. On an error the
  /// directory is removed.
  /// - Throws: as ``plan(progress:)``; `.system` when the disk is full or read-only.
  public func run(progress: EngineProgress = .silent) throws(GitObjectsError) -> RewriteOutcome {
    let parent = objects.gitDirectory + "/objects/pack"
    let directory = parent + "/tmp_staunch_" + UUID().uuidString.lowercased()
    do {
      return try rewrite(directory: directory, progress: progress)
    } catch {
      // Clean-up: the error that led here is thrown on.
      try? FileManager.default.removeItem(atPath: directory)
      throw error
    }
  }

  private func rewrite(directory: String?, progress: EngineProgress) throws(GitObjectsError) -> RewriteOutcome
  {
    let table = objects.table
    let scan = try ObjectScan(
      objects: objects, patterns: patterns, searchesPaths: options.rewritesPaths
    ).run(progress: progress)
    var outcome = RewriteOutcome()
    outcome.hits = scan.hits
    outcome.notSearched = scan.notSearched
    outcome.objectCount = scan.objectCount
    outcome.commitCount = scan.commitCount
    let state = RewriteState(table: table, patterns: patterns.compiled, options: options, hits: scan.hits)
    guard state.hasWork else { return outcome }
    table.forgetPages()
    let graph = try CommitGraph.read(table, progress: progress)
    let removal = try PathRemoval(state: state, graph: graph)
    let edges = try TreeEdges.read(
      table, isWantedBlob: wantedBlobs(state, removal), links: options.gitlinks, progress: progress)
    let notes = try NotesTrees(state: state, graph: graph)
    let closure = DirtyClosure(state: state, edges: edges, graph: graph, notes: notes, removal: removal)
    var level = try closure.spread()
    try closure.markNeeds(of: tips)
    if !removal.commits.isEmpty {
      try removal.dropUnreferenced(tips: tips, edges: edges)
      level = try closure.spread()
    }
    if let directory {
      guard mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw .system("create \(directory)") }
    }
    let passes = RewritePasses(
      state: state, edges: edges, graph: graph, notes: notes, removal: removal, level: level,
      spoolPath: directory.map { $0 + "/spool" },
      progress: progress)
    table.forgetPages()
    try passes.run()
    table.forgetPages()
    OutcomeReport(state: state, graph: graph, passes: passes).fill(&outcome)
    guard let directory, !outcome.isUnchanged else {
      try discard(directory)
      return outcome
    }
    let layout = PackLayout(state: state, spools: passes.spools)
    let written = try PackWriter(
      state: state, layout: layout, spools: passes.spools, directory: directory
    ).write(progress: progress)
    try removeSpools(directory)
    outcome.pack = NewPack(
      directory: directory, name: written.name, byteCount: written.byteCount, objectCount: written.objectCount
    )
    return outcome
  }

  /// Dirty blobs, and those that may have to go with a removed path.
  private func wantedBlobs(_ state: RewriteState, _ removal: PathRemoval) -> Column<UInt8> {
    guard !removal.commits.isEmpty else { return state.isDirty }
    let wanted = Column<UInt8>(0, count: objects.count)
    for object in 0..<objects.count { wanted[object] = state.isDirty[object] | removal.isCandidate[object] }
    return wanted
  }

  private func discard(_ directory: String?) throws(GitObjectsError) {
    guard let directory else { return }
    try removeSpools(directory)
    guard rmdir(directory) == 0 else { throw .system("remove \(directory)") }
  }

  private func removeSpools(_ directory: String) throws(GitObjectsError) {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: directory)
    } catch {
      throw .system("list \(directory)")
    }
    for name in names where name.hasPrefix("spool") {
      guard unlink(directory + "/" + name) == 0 else { throw .system("remove \(directory)/\(name)") }
    }
  }
}
