/// What a rewrite may touch beyond the contents of blobs.
public struct RewriteOptions: Sendable {
  /// Files or directories to remove everywhere: path from the root of the tree, `/` between, no leading or trailing `/`.
  public var removedPaths: [String] = []
  /// Blobs to remove from every tree that holds them.
  public var removedBlobs: Set<ObjectID> = []
  /// Commit and tag messages.
  public var rewritesMessages = true
  /// author, committer, tagger and other headers.
  public var rewritesHeaders = true
  /// Names in trees.
  public var rewritesPaths = true
  /// Replace full and abbreviated (7 digits or more, unambiguous) ids of rewritten commits quoted in messages.
  public var remapsQuotedHashes = false
  /// Commits of submodules that another run rewrote, old → new.
  public var gitlinks: [ObjectID: ObjectID] = [:]
  /// Tips (of `refs/notes/*`) whose trees name the noted objects: those names follow the rewrite.
  public var notesTips: Set<ObjectID> = []
  public init() {}
}

/// A finished pack with its index, not yet visible to Git.
public struct NewPack: Sendable, Hashable {
  /// A directory `objects/pack/tmp_staunch_…`: to rename from, then to remove.
  public let directory: String
  /// `pack-<40 hex digits>`: the name without `.pack` and `.idx`, both in ``directory``, both synced to disk.
  public let name: String
  public let byteCount: Int
  public let objectCount: Int
}

/// What became of one object.
public enum ObjectFate: Sendable, Hashable {
  case unchanged
  case rewritten(ObjectID)
  /// Holds a secret (or leads to one) and nothing kept refers to it.
  case dropped
}

/// What a rewrite did, or, from ``ObjectRewrite/plan(progress:)``, would do.
public struct RewriteOutcome: Sendable {
  /// Old → new, only of objects that changed.
  public internal(set) var blobs: [ObjectID: ObjectID] = [:]
  public internal(set) var trees: [ObjectID: ObjectID] = [:]
  public internal(set) var commits: [ObjectID: ObjectID] = [:]
  public internal(set) var tags: [ObjectID: ObjectID] = [:]
  /// Every old object that the new pack does not hold, rewritten ones included, ascending.
  public internal(set) var dropped: [ObjectID] = []
  /// Rewritten commits (old ids) whose tree is now that of their first parent, and was not before. They are kept.
  public internal(set) var emptiedCommits: [ObjectID] = []
  /// Commits and tags (old ids) that lost a signature because their bytes changed.
  public internal(set) var signaturesDropped: [ObjectID] = []
  /// Entries of trees that got another name, old → new: paths are the entry's own name, without directories.
  public internal(set) var renamedEntries: [String: String] = [:]
  /// What the scan before the rewrite found.
  public internal(set) var hits: [ObjectHit] = []
  /// What the scan before the rewrite could not look into.
  public internal(set) var notSearched: [ObjectScan.Unsearched] = []
  /// Number of objects and of commits in the repository before.
  public internal(set) var objectCount = 0
  public internal(set) var commitCount = 0
  /// Nil when nothing changes, and in a plan.
  public internal(set) var pack: NewPack?
  /// Packs and loose objects whose content the new pack replaces: paths of `.pack` files and of loose files.
  public internal(set) var supersededPacks: [String] = []
  public internal(set) var supersededLooseObjects: [String] = []
  /// Objects of alternates that hold a secret: the alternate keeps its copy.
  public internal(set) var heldByAlternates: [ObjectID] = []

  /// True when no object changes and none is dropped: every ref may stay as it is.
  public var isUnchanged: Bool { dropped.isEmpty }

  /// What became of `id`.
  public func fate(of id: ObjectID) -> ObjectFate {
    if let new = commits[id] ?? trees[id] ?? blobs[id] ?? tags[id] { return .rewritten(new) }
    return isDropped(id) ? .dropped : .unchanged
  }

  private func isDropped(_ id: ObjectID) -> Bool {
    var low = 0
    var high = dropped.count
    while low < high {
      let middle = (low + high) / 2
      if dropped[middle] < id { low = middle + 1 } else { high = middle }
    }
    return low < dropped.count && dropped[low] == id
  }
}
