import Secrets

/// Looks for secrets in every object of a repository, reachable or not.
public struct ObjectScan: Sendable {
  /// What a scan found.
  public struct Outcome: Sendable {
    /// By object id, then offset.
    public let hits: [ObjectHit]
    public let objectCount: Int
    public let commitCount: Int
    public var isClean: Bool { hits.isEmpty }
  }

  public let objects: RepositoryObjects
  public let patterns: SecretPatterns

  public init(objects: RepositoryObjects, patterns: SecretPatterns) {
    self.objects = objects
    self.patterns = patterns
  }

  /// Reads every object once. Blocks; uses two threads. Read only.
  /// - Throws: `.corrupt` (a pack or object breaks its format), `.cancelled`.
  public func run(progress: EngineProgress = .silent) throws(GitObjectsError) -> Outcome {
    throw .cancelled
  }
}
