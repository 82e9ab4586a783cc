import Synchronization

/// All objects of one repository: its packs, its loose objects and those of its alternates. Read only.
///
/// Files are mapped into memory when opened: what another process adds later is not seen, what it deletes stays readable.
public final class RepositoryObjects: Sendable {
  /// The directory with `objects/` in it: `.git`, a bare repository, or a worktree's common directory.
  public let gitDirectory: String
  let table: ObjectTable

  /// - Throws: `.notARepository`, `.unsupported` (SHA-256), `.corrupt` (a pack's or index's header or bounds are wrong).
  public convenience init(gitDirectory: String) throws(GitObjectsError) {
    try self.init(gitDirectory: gitDirectory, largest: ObjectTable.usualLargest)
  }

  /// - Parameter largest: blobs of more bytes are read in windows.
  init(gitDirectory: String, largest: Int) throws(GitObjectsError) {
    self.gitDirectory = gitDirectory
    table = try ObjectTableBuilder.build(ObjectStoreFiles(gitDirectory: gitDirectory), largest: largest)
  }

  /// Number of distinct objects, alternates included.
  public var count: Int { table.count }

  /// Whether `id` is in a pack, loose, or in an alternate.
  public func contains(_ id: ObjectID) -> Bool { table.ids.position(of: id) != nil }

  /// The object's kind and raw content. For single objects: a pass over all of them is ``ObjectScan``'s work.
  /// - Throws: `.missingObject`, `.corrupt`; `.unsupported` for a blob of more than 64 MiB
  ///   (``forEachHit(of:in:from:progress:_:)``).
  public func read(_ id: ObjectID) throws(GitObjectsError) -> (kind: ObjectKind, content: [UInt8]) {
    let object = try position(of: id)
    let content = try EntryReader(table).content(object)
    return (table.kind(object), Array(content.bytes))
  }

  /// The object's kind.
  /// - Throws: `.missingObject`.
  public func kind(of id: ObjectID) throws(GitObjectsError) -> ObjectKind {
    table.kind(try position(of: id))
  }

  /// Every object of `kind` in ascending order of ids.
  public func ids(of kind: ObjectKind) -> [ObjectID] {
    (0..<table.count).filter { table.kind[$0] == kind.rawValue }.map { table.ids[$0] }
  }

  private func position(of id: ObjectID) throws(GitObjectsError) -> Int {
    guard let object = table.ids.position(of: id) else {
      throw GitObjectsError(
        .missingObject, what: "object \(id)", why: "it is neither in a pack nor loose in \(gitDirectory)",
        fix: "git fetch it, or run git fsck --full to see what else is missing")
    }
    return object
  }
}
