import Synchronization

/// A rewrite that is known to the last object, before a file of it is written.
///
/// Between a plan and its run a person may think for an hour: whoever writes it has to make sure that the repository is
/// still the one that was read.
public final class PreparedRewrite: Sendable {
  /// What ``write(progress:)`` does; without a pack.
  public let outcome: RewriteOutcome
  private let objects: RepositoryObjects
  private struct Work: Sendable {
    let state: RewriteState
    let spools: [Spool]
  }
  private let work: Mutex<Work?>
  private let isKept: Bool

  /// Nothing has to change.
  convenience init(_ outcome: RewriteOutcome, objects: RepositoryObjects) {
    self.init(outcome, objects: objects, work: nil, isKept: true)
  }

  /// - Parameter spools: nil when the new objects did not fit into memory.
  convenience init(
    _ outcome: RewriteOutcome, objects: RepositoryObjects, state: RewriteState, spools: [Spool]?
  ) {
    self.init(
      outcome, objects: objects, work: spools.map { Work(state: state, spools: $0) }, isKept: spools != nil)
  }

  private init(_ outcome: RewriteOutcome, objects: RepositoryObjects, work: Work?, isKept: Bool) {
    self.outcome = outcome
    self.objects = objects
    self.work = Mutex(work)
    self.isKept = isKept
  }

  /// False when the new objects were too many to be kept: then ``ObjectRewrite/run(progress:)`` makes them again.
  public var canBeWritten: Bool { isKept }

  /// Writes the new pack into a fresh directory beside the old packs. Blocks. To be called once; what was kept is given
  /// back. On an error the directory is removed.
  /// - Throws: `.system` when the disk is full or read-only, `.cancelled`.
  public func write(progress: EngineProgress = .silent) throws(GitObjectsError) -> RewriteOutcome {
    try PackDirectory.making(in: objects) { directory throws(GitObjectsError) in
      try write(to: directory, progress: progress)
    }
  }

  func write(to directory: PackDirectory, progress: EngineProgress) throws(GitObjectsError) -> RewriteOutcome
  {
    precondition(canBeWritten, "the new objects were not kept")
    let work = work.withLock { work in
      defer { work = nil }
      return work
    }
    guard let work, !outcome.isUnchanged else {
      try directory.discard()
      return outcome
    }
    try directory.make()
    let layout = PackLayout(state: work.state, spools: work.spools)
    let written = try PackWriter(
      state: work.state, layout: layout, spools: work.spools, directory: directory.path
    ).write(progress: progress)
    try directory.removeSpools()
    var outcome = outcome
    outcome.pack = NewPack(
      directory: directory.path, name: written.name, byteCount: written.byteCount,
      objectCount: written.objectCount)
    return outcome
  }
}
