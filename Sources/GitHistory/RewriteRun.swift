import Capabilities
import Foundation
import GitObjects

/// One rewrite of one repository, from the scan to the proof: the write protocol's order.
///
/// preparing → (new pack, staged files, plan, all synced) → locks, nothing changed meanwhile? → committed → files move →
/// applied → rescan → finished. Before "committed" a crash rolls back, after it rolls forward.
struct RewriteRun: Sendable {
  let path: String
  /// Names the rewrite and its backup: `RewriteDirectory.id(marker:)`.
  let id: String
  let patterns: SecretPatterns
  let options: HistoryOptions
  let git: GitProgram
  let seal: RewriteSeal
  let observe: @Sendable (ProtocolStep) -> Void

  /// - Parameter plan: of the same repository and patterns: what it has made is used while nothing changed since.
  func run(
    _ plan: PlannedRewrite? = nil, progress: any ProgressSink, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HistoryRewrite {
    let layout = try await OpenRepository.checked(path, for: .rewrite, git: git)
    let exclusive = try ExclusiveRun(layout)
    defer { withExtendedLifetime(exclusive) {} }
    do {
      return try await runAlone(layout, plan, progress: progress, under: authority)
    } catch {
      try ExclusiveRun.removeTraces(layout)
      throw error
    }
  }

  private func runAlone(
    _ layout: RepositoryLayout, _ plan: PlannedRewrite?, progress: any ProgressSink,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HistoryRewrite {
    let directory = RewriteDirectory(id: id, in: layout)
    try refuseOtherUnfinished(directory, layout)
    switch try directory.state {
    case .finished:
      try DurableFiles.removeTree(directory.staged)  // a kill right after "finished" leaves it
      return try StoredRewrite.read(directory)
    case .committed, .applied:
      return try await complete(directory, layout, progress: progress, under: authority)
    case .restoring:
      throw CapabilityError(
        .conflict, "rewrite history", because: "an undo of this rewrite was interrupted",
        fix:
          "staunch history restore --repository '\(path)' --backup \(directory.id) --live --confirm \(layout.name)"
      )
    case .preparing, nil: try rollBack(directory, layout)
    }
    if !options.keepsWorkTree { try await WorkTreeState(git: git, layout: layout).refuseUncommittedChanges() }
    if let unchanged = try await start(layout, plan, directory, progress: progress) {
      return try nothingToChange(unchanged, layout)
    }
    return try await complete(directory, layout, progress: progress, under: authority)
  }

  /// What the repository becomes, its new pack written. Reads after the clean-up of an interrupted try: what that removed
  /// must not be in what we rewrite.
  private func written(
    _ layout: RepositoryLayout, _ plan: PlannedRewrite?, progress: any ProgressSink
  ) async throws(CapabilityError) -> (repository: OpenRepository, outcome: RewriteOutcome) {
    if let work = try plan?.take(for: layout) {
      let outcome = try await BlockingWork.run(progress: progress) { try work.rewrite.write(progress: $0) }
      return (work.repository, outcome)
    }
    let repository = try OpenRepository(layout)
    let outcome = try await BlockingWork.run(progress: progress) { [self] in
      try rewriting(repository).run(progress: $0)
    }
    return (repository, outcome)
  }

  /// Up to "committed".
  /// - Returns: what was found when there is nothing to change; nil when it is committed.
  private func start(
    _ layout: RepositoryLayout, _ plan: PlannedRewrite?, _ directory: RewriteDirectory,
    progress: any ProgressSink
  ) async throws(CapabilityError) -> RewriteOutcome? {
    let (repository, outcome) = try await written(layout, plan, progress: progress)
    do {
      try DurableFiles.makeDirectory(directory.root)
      try directory.record(.preparing)
      let renames = try ReferenceRenames(
        repository.snapshot, outcome: outcome, patterns: patterns, peel: peeling(repository, outcome))
      var preparation = SwapPreparation(
        layout: layout, directory: directory, snapshot: repository.snapshot, outcome: outcome,
        patterns: patterns,
        renames: renames, keepsWorkTree: options.keepsWorkTree)
      let plan = try await preparation.prepare(
        StagedCheckout(git: git, directory: directory, layout: layout))
      guard !plan.files.isEmpty else {
        try rollBack(directory, layout)
        try ExclusiveRun.removeTraces(layout)
        return outcome
      }
      try HistoryMaps(outcome: outcome, snapshot: repository.snapshot, renames: renames).write(
        to: directory.maps)
      try await RemoteRecord.write(to: directory, layout: layout, git: git) {
        address throws(CapabilityError) in
        try patterns.clean(Array(address.utf8), as: .blob) == nil
      }
      let result = RewriteSummary(outcome: outcome, snapshot: repository.snapshot, renames: renames)
        .result(residual: [], directory: directory)
      try StoredRewrite.write(result, to: directory)
      try DurableFiles.write(plan.bytes(PlanBases(layout)), to: directory.plan)
      try seal.write(directory, layout)
      observe(.staged)
      let locks = RepositoryLocks(plan.locks, id: directory.id, layout: layout)
      try locks.take()
      observe(.locked)
      try preparation.refuseChangesMeanwhile()
    } catch {
      try rollBack(directory, layout)
      throw error
    }
    try directory.record(.committed)
    observe(.committed)
    return nil
  }

  /// From "committed" on: may be repeated until it is done.
  private func complete(
    _ directory: RewriteDirectory, _ layout: RepositoryLayout, progress: any ProgressSink,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HistoryRewrite {
    let plan = try SwapPlan(bytes: try DurableFiles.read(directory.plan), PlanBases(layout))
    try OwnFiles(layout: layout).check(plan)
    try seal.check(.plan, of: directory, layout)
    if try directory.state == .committed {
      let locks = RepositoryLocks(plan.locks, id: directory.id, layout: layout)
      try locks.take()
      let count = plan.files.count
      progress.progress("move", done: 0, total: count, unit: "files")
      try SwapExecution(plan: plan, directory: directory, observe: observe).forward(under: authority)
      progress.progress("move", done: count, total: count, unit: "files")
      try removeTemporaryPacks(layout)
      try directory.record(.applied)
      observe(.applied)
    }
    try RepositoryLocks(plan.locks, id: directory.id, layout: layout).release()
    observe(.unlocked)
    try await WorkTreeState(git: git, layout: layout).refreshIndexes(Set(plan.files.map(\.path)))
    observe(.refreshed)
    var residual = try await ResidualFinder(path: path, patterns: patterns, backup: directory.id, git: git)
      .find(progress: progress)
    if !options.keepsWorkTree, plan.files.contains(where: { $0.stage == .workTree && $0.staged != nil }) {
      residual += try await Residuals.filters(layout, git: git)
    }
    let result = try StoredRewrite.read(directory).with(residual: residual)
    try StoredRewrite.write(result, to: directory)
    try directory.record(.finished)
    observe(.finished)
    try DurableFiles.removeTree(directory.staged)
    return result
  }

  /// What a rewrite would do. Changes nothing.
  func plan(progress: any ProgressSink) async throws(CapabilityError) -> HistoryRewrite {
    let repository = try await OpenRepository(path: path, for: .rewrite, git: git)
    let outcome = try await BlockingWork.run(progress: progress) { [self] in
      try rewriting(repository).plan(progress: $0)
    }
    return try await summary(repository, outcome, progress: progress)
  }

  /// The same, with what the run needs: new objects are kept in memory.
  func prepare(progress: any ProgressSink) async throws(CapabilityError) -> PlannedRewrite {
    let layout = try await OpenRepository.checked(path, for: .rewrite, git: git)
    let state = try RepositoryState(layout)
    let repository = try OpenRepository(layout)
    let rewrite = try await BlockingWork.run(progress: progress) { [self] in
      try rewriting(repository).prepare(progress: $0)
    }
    return PlannedRewrite(
      try await summary(repository, rewrite.outcome, progress: progress), path: path, patterns: patterns,
      work: PlannedRewrite.Work(state: state, repository: repository, rewrite: rewrite))
  }

  private func summary(_ repository: OpenRepository, _ outcome: RewriteOutcome, progress: any ProgressSink)
    async throws(CapabilityError) -> HistoryRewrite
  {
    let matches = try await BlockingWork.run(progress: progress) { [patterns] in
      try MatchCensus(patterns: patterns, outcome: outcome).count(in: repository.objects, progress: $0)
    }
    let renames = try ReferenceRenames(
      repository.snapshot, outcome: outcome, patterns: patterns, peel: peeling(repository, outcome))
    let forecast = try RewriteForecast(
      repository.layout, outcome: outcome, renames: renames, patterns: patterns,
      keepsWorkTree: options.keepsWorkTree)
    var residual = try others(repository.snapshot, repository.layout, forecast: forecast)
    residual += Residuals.notSearched(Residuals.notSearched(outcome.notSearched))
    if !options.keepsWorkTree {
      if !outcome.blobs.isEmpty { residual += try await Residuals.filters(repository.layout, git: git) }
      do throws(CapabilityError) {
        try await WorkTreeState(git: git, layout: repository.layout).refuseUncommittedChanges()
      } catch {
        // The run will refuse it, too: said before, and no reason to hold up the rest of a plan.
        guard error.class == .unsafe else { throw error }
        residual.append(
          .init(
            place: "work tree", why: "as it is now the rewrite refuses: \(error.because)",
            fix: error.fix ?? "git status"))
      }
    }
    return RewriteSummary(outcome: outcome, snapshot: repository.snapshot, renames: renames)
      .result(residual: residual, directory: nil, matches: matches)
  }

  /// What stays in places that are no objects, as it is or as `forecast` says it will be.
  private func others(_ snapshot: ReferenceSnapshot, _ layout: RepositoryLayout, forecast: RewriteForecast?)
    throws(CapabilityError) -> [HistoryRewrite.Residual]
  {
    let others = try Places(layout, patterns: patterns, forecast: forecast).find(snapshot)
    var residual: [HistoryRewrite.Residual] = []
    for place in others.places {
      if let found = Residuals.residual(of: place, in: layout), !residual.contains(found) {
        residual.append(found)
      }
    }
    return residual + Residuals.notSearched(others.notSearched) + (try Residuals.submodules(layout))
  }

  private func rewriting(_ repository: OpenRepository) throws(CapabilityError) -> ObjectRewrite {
    var rewriteOptions = RewriteOptions()
    rewriteOptions.removedPaths = options.removedPaths
    rewriteOptions.removedBlobs = options.removedBlobs
    rewriteOptions.remapsQuotedHashes = options.remapsQuotedHashes
    rewriteOptions.gitlinks = options.gitlinks
    rewriteOptions.notesTips = repository.notesTips
    return ObjectRewrite(
      objects: repository.objects, patterns: patterns, tips: try repository.tips(), options: rewriteOptions)
  }

  /// Follows the old tag and maps where it ends: the new tag points to the new end.
  private func peeling(_ repository: OpenRepository, _ outcome: RewriteOutcome)
    -> @Sendable (ObjectID) -> ObjectID?
  {
    { old in
      do {
        guard let end = try repository.peeled(old) else { return nil }
        if case .rewritten(let new) = outcome.fate(of: end) { return new }
        return end
      } catch {
        return nil  // without a peeled line Git reads the tag itself
      }
    }
  }

  private func nothingToChange(_ outcome: RewriteOutcome, _ layout: RepositoryLayout)
    throws(CapabilityError) -> HistoryRewrite
  {
    let residual = try others(try ReferenceSnapshot(layout), layout, forecast: nil)
    return HistoryRewrite(
      commits: 0, trees: 0, blobs: 0, tags: 0, refs: [], signaturesDropped: 0,
      residual: residual + Residuals.notSearched(Residuals.notSearched(outcome.notSearched)), backup: nil,
      maps: nil)
  }

  /// Removes what a try left that never reached "committed". Safe to repeat.
  private func rollBack(_ directory: RewriteDirectory, _ layout: RepositoryLayout) throws(CapabilityError) {
    if let bytes = try DurableFiles.readIfPresent(directory.plan) {
      let plan = try SwapPlan(bytes: bytes, PlanBases(layout))
      try OwnFiles(layout: layout).check(plan)
      try RepositoryLocks(plan.locks, id: directory.id, layout: layout).release()
    }
    try removeTemporaryPacks(layout)
    try DurableFiles.removeTree(directory.root)
  }

  /// Directories of packs that were never put into place; only one run of ours works at a time.
  private func removeTemporaryPacks(_ layout: RepositoryLayout) throws(CapabilityError) {
    for name in try DurableFiles.entries(of: layout.packs) where name.starts(with: "tmp_staunch_".utf8) {
      try DurableFiles.removeTree(layout.packs / name)
    }
  }

  private func refuseOtherUnfinished(_ own: RewriteDirectory, _ layout: RepositoryLayout)
    throws(CapabilityError)
  {
    for other in try RewriteDirectory.all(in: layout) where other.id != own.id {
      switch try other.state {
      case .finished: continue
      case .preparing, nil: try rollBack(other, layout)
      case .committed, .applied, .restoring:
        throw CapabilityError(
          .conflict, "rewrite history",
          because: "an earlier rewrite of this repository (\(other.id)) was interrupted",
          fix:
            "finish it: the command that began it, with --resume; or: staunch history restore --repository '\(path)' --backup \(other.id) --live --confirm \(layout.name)"
        )
      }
    }
  }
}
