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
    let head = Array(("old" + String(repeating: " ", count: 38) + "new\n").utf8)
    var all: [(ObjectID, ObjectID)] = []
    for (name, ids) in [
      ("commit-map", outcome.commits), ("blob-map", outcome.blobs), ("tree-map", outcome.trees),
      ("tag-map", outcome.tags),
    ] {
      let sorted = ids.sorted { $0.key < $1.key }
      try DurableFiles.write(
        HistoryMaps.lines(of: sorted.map { ($0.key, $0.value) }, under: head), to: directory / name)
      all += sorted.map { ($0.key, $0.value) }
    }
    all.sort { $0.0 < $1.0 }
    try DurableFiles.write(HistoryMaps.lines(of: all), to: directory / "object-id-map.old-new.txt")
    var dropped: [UInt8] = []
    dropped.reserveCapacity(outcome.dropped.count * 41)
    for id in outcome.dropped.sorted() {
      id.append(to: &dropped)
      dropped.append(0x0A)
    }
    try DurableFiles.write(dropped, to: directory / "dropped-objects")
    try writeReferences(to: directory)
  }

  /// `old new` a line.
  private static func lines(of ids: [(old: ObjectID, new: ObjectID)], under head: [UInt8] = []) -> [UInt8] {
    var text = head
    text.reserveCapacity(head.count + ids.count * 82)
    for (old, new) in ids {
      old.append(to: &text)
      text.append(0x20)
      new.append(to: &text)
      text.append(0x0A)
    }
    return text
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
      old.append(to: &map)
      map.append(0x20)
      new.append(to: &map)
      map.append(0x20)
      map += change.name.bytes
      map.append(0x0A)
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
