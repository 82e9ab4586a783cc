public import GitObjects

/// What a rewrite may do beyond the contents of objects.
public struct HistoryOptions: Sendable {
  /// Rewrite although the work tree has uncommitted changes or an operation waits: references and index follow, the
  /// files of the work tree stay as they are, and those that hold the secret are reported.
  public var keepsWorkTree = false
  /// Files and directories to remove everywhere, path from the root.
  public var removedPaths: [String] = []
  /// Blobs to remove from every tree.
  public var removedBlobs: Set<ObjectID> = []
  /// Replace ids of rewritten commits that messages quote.
  public var remapsQuotedHashes = false
  /// Commits of submodules that another run rewrote, old → new (its `commit-map`).
  public var gitlinks: [ObjectID: ObjectID] = [:]
  public init() {}
}
