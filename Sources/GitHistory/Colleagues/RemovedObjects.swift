public import Capabilities
import GitObjects

/// What a rewrite removed, by id: the maps that it wrote. They hold no secret and may be handed to colleagues.
public struct RemovedObjects: Sendable {
  /// Old → new.
  private(set) var commits: [ObjectID: ObjectID] = [:]
  /// Every old object that is gone, rewritten ones included.
  private(set) var objects: Set<ObjectID> = []

  init() {}

  mutating func formUnion(_ other: RemovedObjects) {
    commits.merge(other.commits) { _, new in new }
    objects.formUnion(other.objects)
  }

  /// - Parameter directory: the `maps` directory of a rewrite, or of a copy of it.
  /// - Throws: `.notFound` when it is none.
  public init(mapsDirectory directory: String) throws(CapabilityError) {
    try self.init(directory: PathBytes(directory))
  }

  init(directory: PathBytes) throws(CapabilityError) {
    guard DurableFiles.exists(directory / "commit-map") else {
      throw CapabilityError(
        .notFound, "read \(directory.text)", because: "it holds no commit-map",
        fix: "give the directory that the rewrite named as its maps")
    }
    commits = try HistoryMaps.read(directory / "commit-map")
    var all = Set(commits.keys)
    for name in ["blob-map", "tree-map", "tag-map"] where DurableFiles.exists(directory / name) {
      all.formUnion(try HistoryMaps.read(directory / name).keys)
    }
    if let dropped = try DurableFiles.readIfPresent(directory / "dropped-objects") {
      for line in dropped.split(separator: 0x0A) {
        if let id = ObjectID(hex: String(decoding: line, as: UTF8.self)) { all.insert(id) }
      }
    }
    objects = all
  }
}
