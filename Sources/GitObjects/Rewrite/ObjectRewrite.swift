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
    throw .cancelled
  }

  /// Scans, rewrites, and writes the new pack into a fresh directory beside the old packs. Blocks. On an error the
  /// directory is removed.
  /// - Throws: as ``plan(progress:)``; `.system` when the disk is full or read-only.
  public func run(progress: EngineProgress = .silent) throws(GitObjectsError) -> RewriteOutcome {
    throw .cancelled
  }
}
