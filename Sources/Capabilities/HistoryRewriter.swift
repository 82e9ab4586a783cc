public import Secrets

/// What to remove from a repository's history.
public struct HistoryRemoval: Sendable {
  /// Each is removed in every form (raw, base64, escapes …).
  public let secrets: [Secret]
  /// What stands in its place; must hold none of the secrets.
  public let replacement: String
  public init(secrets: [Secret], replacement: String = "***REMOVED***") {
    self.secrets = secrets
    self.replacement = replacement
  }
}

/// A place in a repository that holds a secret. No value, no author.
public struct HistoryPlace: Sendable, Hashable, Codable {
  /// `blob`, `commit message`, `tag message`, `path`, `author`, `ref name`, `reflog`, `index`, `work tree`, `config` …
  public let place: String
  /// Object id or ref name.
  public let object: String
  public let path: String?
  public let line: Int?
  public let refs: [String]
  /// `raw`, `base64`, `hex` …
  public let form: String
  public init(place: String, object: String, path: String?, line: Int?, refs: [String], form: String) {
    self.place = place
    self.object = object
    self.path = path
    self.line = line
    self.refs = refs
    self.form = form
  }
}

/// What a scan found.
public struct HistoryScan: Sendable, Codable {
  public let places: [HistoryPlace]
  public let objects: Int
  public let commits: Int
  public var isClean: Bool { places.isEmpty }
  public init(places: [HistoryPlace], objects: Int, commits: Int) {
    self.places = places
    self.objects = objects
    self.commits = commits
  }
}

/// What a rewrite changed (or would change).
public struct HistoryRewrite: Sendable, Codable {
  public struct RefMove: Sendable, Codable, Hashable {
    public let ref: String
    public let from: String
    public let to: String
    public init(ref: String, from: String, to: String) {
      self.ref = ref
      self.from = from
      self.to = to
    }
  }
  /// Something that still holds the secret or needs a person.
  public struct Residual: Sendable, Codable, Hashable {
    public let place: String
    public let why: String
    public let fix: String
    public init(place: String, why: String, fix: String) {
      self.place = place
      self.why = why
      self.fix = fix
    }
  }
  public let commits: Int
  public let trees: Int
  public let blobs: Int
  public let tags: Int
  public let refs: [RefMove]
  public let signaturesDropped: Int
  public let residual: [Residual]
  /// Names the backup for `restore`; nil in a plan and when nothing matched.
  public let backup: String?
  /// Directory with commit-map and ref-map; nil in a plan.
  public let maps: String?

  public init(
    commits: Int, trees: Int, blobs: Int, tags: Int, refs: [RefMove], signaturesDropped: Int,
    residual: [Residual],
    backup: String?, maps: String?
  ) {
    self.commits = commits
    self.trees = trees
    self.blobs = blobs
    self.tags = tags
    self.refs = refs
    self.signaturesDropped = signaturesDropped
    self.residual = residual
    self.backup = backup
    self.maps = maps
  }
}

/// The result of a push, per ref.
public struct HistoryPush: Sendable, Codable {
  public struct RefResult: Sendable, Codable, Hashable {
    public let ref: String
    public let isUpdated: Bool
    /// The remote's or Git's own reason when it is not.
    public let reason: String?
    public init(ref: String, isUpdated: Bool, reason: String?) {
      self.ref = ref
      self.isUpdated = isUpdated
      self.reason = reason
    }
  }
  public let refs: [RefResult]
  public init(refs: [RefResult]) { self.refs = refs }
}

/// Finds and removes secrets in the history of repositories on this machine.
public protocol HistoryRewriter: Sendable {
  /// Every object, ref, reflog, index, work tree and config of the repository. Read only.
  func scan(repository: String, for removal: HistoryRemoval, progress: any ProgressSink)
    async throws(CapabilityError) -> HistoryScan
  /// What ``rewrite(repository:removing:marker:progress:under:)`` would do. Read only.
  func plan(repository: String, removing removal: HistoryRemoval, progress: any ProgressSink)
    async throws(CapabilityError) -> HistoryRewrite
  /// Rewrites, with a backup first. Interrupted, the same `marker` finishes or reports what was done.
  func rewrite(
    repository: String, removing removal: HistoryRemoval, marker: String, progress: any ProgressSink,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HistoryRewrite
  /// The finished rewrite of `marker`, or nil when there is none. Read only.
  func finished(repository: String, marker: String) async throws(CapabilityError) -> HistoryRewrite?
  /// Whether the rewrite `backup` can still be taken back: a complete ``restore(repository:backup:under:)`` uses it up.
  /// Read only.
  func holds(backup: String, repository: String) async throws(CapabilityError) -> Bool
  /// Bit for bit what was there before the rewrite.
  func restore(repository: String, backup: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  /// Pushes every moved ref, atomically and with lease against the remote's ids before the rewrite.
  func push(
    repository: String, remote: String, progress: any ProgressSink,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HistoryPush
  /// Scans a fresh clone made by `git` itself from `remote` (or from the repository when nil). Read only.
  func verifyFreshClone(
    repository: String, remote: String?, for removal: HistoryRemoval, progress: any ProgressSink
  )
    async throws(CapabilityError) -> HistoryScan
}
