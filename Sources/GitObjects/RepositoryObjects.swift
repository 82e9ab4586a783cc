/// All objects of one repository: its packs, its loose objects and those of its alternates. Read only.
///
/// Files are mapped into memory when opened: what another process adds later is not seen, what it deletes stays readable.
public final class RepositoryObjects: Sendable {
  /// The directory with `objects/` in it: `.git`, a bare repository, or a worktree's common directory.
  public let gitDirectory: String

  /// - Throws: `.notARepository`, `.unsupported` (SHA-256), `.corrupt` (a pack's or index's header or bounds are wrong).
  public init(gitDirectory: String) throws(GitObjectsError) {
    self.gitDirectory = gitDirectory
  }

  /// Number of distinct objects, alternates included.
  public var count: Int { 0 }

  /// Whether `id` is in a pack, loose, or in an alternate.
  public func contains(_ id: ObjectID) -> Bool { false }

  /// The object's kind and raw content.
  /// - Throws: `.missingObject`, `.corrupt`.
  public func read(_ id: ObjectID) throws(GitObjectsError) -> (kind: ObjectKind, content: [UInt8]) {
    throw .cancelled
  }

  /// The object's kind.
  /// - Throws: `.missingObject`, `.corrupt`.
  public func kind(of id: ObjectID) throws(GitObjectsError) -> ObjectKind { throw .cancelled }

  /// Every object's id in ascending order, reachable or not.
  public func allIDs() -> [ObjectID] { [] }

  /// Every object of `kind` in ascending order of ids.
  /// - Throws: `.corrupt`.
  public func ids(of kind: ObjectKind) throws(GitObjectsError) -> [ObjectID] { throw .cancelled }
}
