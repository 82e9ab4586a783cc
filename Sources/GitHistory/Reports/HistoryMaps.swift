import Capabilities
import GitObjects

/// Old and new ids in git-filter-repo's file formats, so that clean-up tools for forges read them.
///
/// `commit-map`, `ref-map`, `changed-refs` are named and laid out as in filter-repo 2.47; `blob-map`, `tree-map` and
/// `tag-map` follow `commit-map`; `object-id-map.old-new.txt` is BFG's, which GitLab's repository clean-up takes.
/// Source: git-filter-repo(1), INTERNALS; GitLab "Reduce repository size".
struct HistoryMaps: Sendable {
  let outcome: RewriteOutcome
  let snapshot: ReferenceSnapshot
  let renames: ReferenceRenames

  func write(to directory: PathBytes) throws(CapabilityError) {
    try DurableFiles.makeDirectory(directory)
    try DurableFiles.write(HistoryMaps.map(outcome.commits), to: directory / "commit-map")
    try DurableFiles.write(HistoryMaps.map(outcome.blobs), to: directory / "blob-map")
    try DurableFiles.write(HistoryMaps.map(outcome.trees), to: directory / "tree-map")
    try DurableFiles.write(HistoryMaps.map(outcome.tags), to: directory / "tag-map")
    let all = outcome.commits.merging(outcome.blobs) { first, _ in first }
      .merging(outcome.trees) { first, _ in first }.merging(outcome.tags) { first, _ in first }
    let lines = all.sorted { $0.key < $1.key }.map { "\($0.key.hex) \($0.value.hex)\n" }.joined()
    try DurableFiles.write(Array(lines.utf8), to: directory / "object-id-map.old-new.txt")
    let dropped = outcome.dropped.sorted().map { "\($0.hex)\n" }.joined()
    try DurableFiles.write(Array(dropped.utf8), to: directory / "dropped-objects")
    try writeReferences(to: directory)
  }

  /// `old new` a line, sorted, under filter-repo's head line.
  private static func map(_ ids: [ObjectID: ObjectID]) -> [UInt8] {
    let head = "old" + String(repeating: " ", count: 38) + "new\n"
    return Array(
      (head + ids.sorted { $0.key < $1.key }.map { "\($0.key.hex) \($0.value.hex)\n" }.joined()).utf8)
  }

  /// Names are those after the rewrite: an old name may hold the secret.
  private func writeReferences(to directory: PathBytes) throws(CapabilityError) {
    let space = String(repeating: " ", count: 38)
    var map = Array("old\(space)new\(space)ref\n".utf8)
    var changed: [UInt8] = []
    for reference in snapshot.references where reference.name.hasPrefix("refs/") {
      guard case .object(let old) = reference.value else { continue }
      let change = renames.change(of: reference, by: outcome)
      guard case .object(let new) = change.value else { continue }
      map += Array("\(old.hex) \(new.hex) ".utf8) + change.name.bytes + [0x0A]
      if change.isChange { changed += change.name.bytes + [0x0A] }
    }
    try DurableFiles.write(map, to: directory / "ref-map")
    try DurableFiles.write(changed, to: directory / "changed-refs")
  }

  /// Reads a `commit-map`-like file; lines that are not two ids are left out.
  static func read(_ path: PathBytes) throws(CapabilityError) -> [ObjectID: ObjectID] {
    var map: [ObjectID: ObjectID] = [:]
    for line in try DurableFiles.read(path).split(separator: 0x0A) where line.count == 81 {
      let old = ObjectID(hex: String(decoding: line.prefix(40), as: UTF8.self))
      let new = ObjectID(hex: String(decoding: line.suffix(40), as: UTF8.self))
      if let old, let new { map[old] = new }
    }
    return map
  }
}
