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
  /// For new objects, compressed; more of them go into files.
  var memory = 96 << 20

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
    try prepare(keeping: .nowhere, progress: progress).outcome
  }

  /// As ``plan(progress:)``, and keeps what was made for ``PreparedRewrite/write(progress:)``. Writes no file.
  public func prepare(progress: EngineProgress = .silent) throws(GitObjectsError) -> PreparedRewrite {
    try prepare(keeping: .memory, progress: progress)
  }

  /// Scans, rewrites, and writes the new pack into a fresh directory beside the old packs. Blocks. On an error the
  /// directory is removed.
  /// - Throws: as ``plan(progress:)``; `.system` when the disk is full or read-only.
  public func run(progress: EngineProgress = .silent) throws(GitObjectsError) -> RewriteOutcome {
    try PackDirectory.making(in: objects) { directory throws(GitObjectsError) in
      try prepare(keeping: .file(directory.path + "/spool"), makingPlace: directory.make, progress: progress)
        .write(to: directory, progress: progress)
    }
  }

  /// - Parameter makingPlace: makes the directory of the spools, once it is known that there is work.
  private func prepare(
    keeping place: SpoolPlace, makingPlace: () throws(GitObjectsError) -> Void = {}, progress: EngineProgress
  ) throws(GitObjectsError) -> PreparedRewrite {
    let table = objects.table
    let survey = try ObjectSurvey(
      ObjectScan(objects: objects, patterns: patterns, searchesPaths: options.rewritesPaths),
      blobs: options.removedBlobs, links: options.gitlinks, keepsContents: true
    ).run(progress: progress)
    var outcome = RewriteOutcome()
    outcome.hits = survey.scan.hits
    outcome.notSearched = survey.scan.notSearched
    outcome.objectCount = survey.scan.objectCount
    outcome.commitCount = survey.scan.commitCount
    let state = RewriteState(
      table: table, patterns: patterns.compiled, options: options, hits: survey.scan.hits)
    guard state.hasWork else { return PreparedRewrite(outcome, objects: objects) }
    table.forgetPages()
    let graph = if let known = survey.graph { known } else { try CommitGraph.read(table, progress: progress) }
    let removal = try PathRemoval(state: state, graph: graph)
    let edges = try edges(survey, state, removal, progress)
    let notes = try NotesTrees(state: state, graph: graph)
    let closure = DirtyClosure(state: state, edges: edges, graph: graph, notes: notes, removal: removal)
    var level = try closure.spread()
    try closure.markNeeds(of: tips)
    if !removal.commits.isEmpty {
      try removal.dropUnreferenced(tips: tips, edges: edges)
      level = try closure.spread()
    }
    try makingPlace()
    let passes = RewritePasses(
      state: state, edges: edges, graph: graph, notes: notes, removal: removal, level: level, spools: place,
      memory: memory, progress: progress)
    table.forgetPages()
    try passes.run()
    table.forgetPages()
    OutcomeReport(state: state, graph: graph, passes: passes).fill(&outcome)
    return PreparedRewrite(
      outcome, objects: objects, state: state, spools: passes.budget.isExceeded ? nil : passes.spools)
  }

  /// The survey's edges lead to blobs with a hit; a path that is removed asks for more.
  private func edges(
    _ survey: ObjectSurvey.Outcome, _ state: RewriteState, _ removal: PathRemoval, _ progress: EngineProgress
  ) throws(GitObjectsError) -> TreeEdges {
    if removal.commits.isEmpty, let edges = survey.edges { return edges }
    return try TreeEdges.read(
      objects.table, isWantedBlob: wantedBlobs(state, removal), links: options.gitlinks, progress: progress)
  }

  /// Dirty blobs, and those that may have to go with a removed path.
  private func wantedBlobs(_ state: RewriteState, _ removal: PathRemoval) -> Column<UInt8> {
    guard !removal.commits.isEmpty else { return state.isDirty }
    let wanted = Column<UInt8>(0, count: objects.count)
    for object in 0..<objects.count { wanted[object] = state.isDirty[object] | removal.isCandidate[object] }
    return wanted
  }
}
