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

/// Something that a scan could not look into.
public struct HistoryUnsearched: Sendable, Hashable, Codable {
  public let place: String
  public let why: String
  public init(place: String, why: String) {
    self.place = place
    self.why = why
  }
}

/// What a scan found.
public struct HistoryScan: Sendable, Codable {
  public let places: [HistoryPlace]
  public let objects: Int
  public let commits: Int
  /// What could not be searched, outside of the history itself: a history that cannot be read is an error.
  public let notSearched: [HistoryUnsearched]
  /// The address of the remote that was cloned for it, without user; nil: the repository on this machine was looked at.
  public let remote: String?
  /// Every other address that the repository's remotes lead to; empty where this machine's repository was looked at.
  public let elsewhere: [HistoryElsewhere]
  /// Of what was searched; says nothing of ``elsewhere``.
  public var isClean: Bool { places.isEmpty }
  public init(
    places: [HistoryPlace], objects: Int, commits: Int, notSearched: [HistoryUnsearched] = [],
    remote: String? = nil, elsewhere: [HistoryElsewhere] = []
  ) {
    self.places = places
    self.objects = objects
    self.commits = commits
    self.notSearched = notSearched
    self.remote = remote
    self.elsewhere = elsewhere
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
  /// What the values match, where one of them is short or common; nil: none is, or nobody counted.
  public let matches: HistoryMatches?

  public init(
    commits: Int, trees: Int, blobs: Int, tags: Int, refs: [RefMove], signaturesDropped: Int,
    residual: [Residual],
    backup: String?, maps: String?, matches: HistoryMatches? = nil
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
    self.matches = matches
  }
}

extension HistoryRewrite {
  /// What no rewrite of this repository can reach.
  public static let outOfReach: [Residual] = [
    Residual(
      place: "forks and other clones of the repository", why: "each is a copy of its own",
      fix: "tell their owners; staunch history check-clone looks into a clone"),
    Residual(
      place: "the forge's caches and merge-request references", why: "a push does not remove them",
      fix: "staunch history support-request writes the text for its support"),
    Residual(
      place: "CI logs, artifacts and build caches", why: "they hold what was checked out then",
      fix: "delete them in the CI system; the credential must be dead in any case"),
  ]

  /// Everything that a person must hear of: ``residual``, and what no rewrite reaches where this one found something.
  public var left: [Residual] {
    refs.isEmpty && blobs == 0 && tags == 0 ? residual : residual + Self.outOfReach
  }
}

/// What short or common values match: a word is no secret wherever it stands.
public struct HistoryMatches: Sendable, Codable, Hashable {
  /// What is remarkable about each such value, by its number from 1: never the value.
  public let values: [String]
  /// Matches of those values in the rewritten files and messages.
  public let count: Int
  /// Those of them that stand inside a longer word: `post` in `postgres`.
  public let insideWords: Int
  /// Files, by path, that they stand in.
  public let files: Int
  public init(values: [String], count: Int, insideWords: Int, files: Int) {
    self.values = values
    self.count = count
    self.insideWords = insideWords
    self.files = files
  }

  /// One line for people.
  public var text: String {
    "\(values.joined(separator: ", ")): \(count) matches in \(files) files, \(insideWords) of them inside longer words"
  }
}

/// The result of a push, per ref.
public struct HistoryPush: Sendable, Codable {
  public struct RefResult: Sendable, Codable, Hashable {
    public let ref: String
    public let isUpdated: Bool
    /// The remote's or Git's own reason when it is not.
    public let reason: String?
    /// Somebody pushed to it since it was last fetched: the same push would be refused again.
    public let isOvertaken: Bool
    public init(ref: String, isUpdated: Bool, reason: String?, isOvertaken: Bool = false) {
      self.ref = ref
      self.isUpdated = isUpdated
      self.reason = reason
      self.isOvertaken = isOvertaken
    }
  }
  public let refs: [RefResult]
  /// Where it was pushed to, without user.
  public let address: String
  /// References of the remote that hold nothing that was removed, besides ``refs``.
  public let untouched: Int
  /// References of the remote that hold, or may hold, what was removed, although they could be pushed to. The push is
  /// whole only without them.
  public let unaccounted: [String]
  /// What of the remote is left to people, those included.
  public let residual: [HistoryRewrite.Residual]
  public init(
    refs: [RefResult], address: String, untouched: Int = 0, unaccounted: [String] = [],
    residual: [HistoryRewrite.Residual] = []
  ) {
    self.refs = refs
    self.address = address
    self.untouched = untouched
    self.unaccounted = unaccounted
    self.residual = residual
  }

  /// Every reference that had to move has moved, and none of the remote's is left over.
  public var isWhole: Bool { refs.allSatisfy(\.isUpdated) && unaccounted.isEmpty }
}

/// What a push would do: every reference that the remote advertises is in it.
public struct HistoryPushPlan: Sendable, Codable, Hashable {
  public struct Update: Sendable, Codable, Hashable {
    public let ref: String
    /// What the remote has now; nil: nothing.
    public let from: String?
    /// nil: the reference goes, because its name holds the secret.
    public let to: String?
    public init(ref: String, from: String?, to: String?) {
      self.ref = ref
      self.from = from
      self.to = to
    }
  }
  /// Where it would go, without user.
  public let address: String
  public let updates: [Update]
  /// Rewritten references that the remote has already.
  public let done: [String]
  /// References that hold nothing that was removed.
  public let untouched: [String]
  /// As in ``HistoryPush/unaccounted``.
  public let unaccounted: [String]
  public let residual: [HistoryRewrite.Residual]
  public init(
    address: String, updates: [Update], done: [String], untouched: [String], unaccounted: [String],
    residual: [HistoryRewrite.Residual]
  ) {
    self.address = address
    self.updates = updates
    self.done = done
    self.untouched = untouched
    self.unaccounted = unaccounted
    self.residual = residual
  }
}

/// A remote as a plan sees it.
public struct HistoryRemote: Sendable, Hashable {
  /// Without user.
  public let address: String
  /// Every reference that it advertises; nil when it could not be asked.
  public let refs: [String]?
  /// Those of ``refs`` whose objects this repository does not have: a rewrite here cannot clean them.
  public let unfetched: [String]
  /// Why it could not be asked.
  public let silence: String?
  public init(address: String, refs: [String]?, unfetched: [String] = [], silence: String? = nil) {
    self.address = address
    self.refs = refs
    self.unfetched = unfetched
    self.silence = silence
  }
}

/// Finds and removes secrets in the history of repositories on this machine.
public protocol HistoryRewriter: Sendable {
  /// Every object, ref, reflog, index, work tree and config of the repository. Read only.
  func scan(repository: String, for removal: HistoryRemoval, progress: any ProgressSink)
    async throws(CapabilityError) -> HistoryScan
  /// One text over the names and ids of all refs: read in a moment. Read only.
  func tips(repository: String) async throws(CapabilityError) -> String?
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
  /// Where `remote` leads now, without user; what it advertises, and what of that was never fetched here. Read only.
  /// - Parameter deadline: how long to wait for the remote.
  func published(repository: String, remote: String, within deadline: Duration) async throws(CapabilityError)
    -> HistoryRemote
  /// Every other address that the repository's remotes lead to than `remote` is fetched from and pushed to; each is asked what
  /// it advertises, all at once. Read only.
  /// - Parameter deadline: how long to wait for them.
  func others(repository: String, besides remote: String, within deadline: Duration)
    async throws(CapabilityError) -> [HistoryRemote]
  /// Pushes every moved ref, atomically and with lease against the remote's ids before the rewrite.
  func push(
    repository: String, remote: String, progress: any ProgressSink,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> HistoryPush
  /// Scans a fresh clone made by `git` itself from `remote` (or from the repository when nil), and looks at every other
  /// address that the repository's remotes lead to. Read only.
  func verifyFreshClone(
    repository: String, remote: String?, for removal: HistoryRemoval, progress: any ProgressSink
  )
    async throws(CapabilityError) -> HistoryScan
}

extension HistoryRewriter {
  public func tips(repository: String) async throws(CapabilityError) -> String? { nil }
}
