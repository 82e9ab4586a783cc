/// Trees of `refs/notes/*`: their paths are the ids of the noted objects, cut into directories ("fan-out").
///
/// A note on a rewritten object moves to its successor, a note on a dropped one goes.
///
/// Source: git-notes(1).
final class NotesTrees {
  private let state: RewriteState
  private let reader: EntryReader
  /// Commits of the notes refs, by object index.
  let commits: Set<UInt32>
  private var holdsDirtyKey: [String: Bool] = [:]

  /// - Throws: `.system`.
  init(state: RewriteState, graph: CommitGraph) throws(GitObjectsError) {
    self.state = state
    reader = try EntryReader(state.table)
    var commits: Set<UInt32> = []
    var stack = state.options.notesTips.compactMap { id in state.table.ids.position(of: id).map { UInt32($0) }
    }
    while let object = stack.popLast() {
      guard let node = graph.node(object), node.kind == .commit, commits.insert(object).inserted else {
        continue
      }
      stack += node.parents.filter { $0 != ObjectTable.none }
    }
    self.commits = commits
  }

  private struct Entry {
    let mode: [UInt8]
    let name: [UInt8]
    let child: ObjectID
    let isTree: Bool
  }

  private func entries(_ tree: Int) throws(GitObjectsError) -> [Entry] {
    let content = try reader.content(tree)
    defer { reader.give(content) }
    let bytes = content.bytes
    guard let base = bytes.baseAddress else { return [] }
    return TreeEntries(bytes).map { entry in
      Entry(
        mode: Array(bytes[entry.mode]), name: Array(bytes[entry.name]), child: ObjectID(at: base + entry.id),
        isTree: TreeMode(bytes, entry.mode) == .tree)
    }
  }

  /// Whether a note in `tree`, whose path so far is `prefix`, is about an object that does not keep its id.
  func leadsToDirty(_ tree: UInt32, prefix: String = "") throws(GitObjectsError) -> Bool {
    guard tree != ObjectTable.none else { return false }
    let key = "\(tree)/\(prefix)"
    if let known = holdsDirtyKey[key] { return known }
    var found = false
    for entry in try entries(Int(tree)) {
      let path = prefix + String(decoding: entry.name, as: UTF8.self)
      if entry.isTree, path.utf8.count < 40, let child = state.table.ids.position(of: entry.child) {
        found = try leadsToDirty(UInt32(child), prefix: path)
      } else if let noted = ObjectID(hex: path), let object = state.table.ids.position(of: noted) {
        found = state.isDirty[object] != 0
      }
      if found { break }
    }
    holdsDirtyKey[key] = found
    return found
  }

  /// A new tree, its directories written before it.
  private final class Directory {
    var files: [(mode: [UInt8], name: [UInt8], id: ObjectID)] = []
    var directories: [[UInt8]: Directory] = [:]
  }

  /// Builds the tree in which every note stands at its object's new id, and hands its parts to `spool`.
  /// - Returns: the id of the new root.
  func rekeyed(_ root: UInt32, into spool: Spool) throws(GitObjectsError) -> ObjectID {
    let directory = Directory()
    try collect(Int(root), path: [], into: directory)
    return try write(directory, into: spool)
  }

  private func collect(_ tree: Int, path: [[UInt8]], into root: Directory) throws(GitObjectsError) {
    for entry in try entries(tree) {
      let whole = path + [entry.name]
      let digits = whole.flatMap { $0 }
      if entry.isTree, digits.count < 40, let child = state.table.ids.position(of: entry.child) {
        try collect(child, path: whole, into: root)
        continue
      }
      guard let id = state.successor(of: entry.child) else { continue }
      guard let noted = ObjectID(hex: String(decoding: digits, as: UTF8.self)) else {
        add(entry.mode, whole, id, to: root)
        continue
      }
      guard let successor = state.successor(of: noted) else { continue }
      add(entry.mode, cut(Array(successor.hex.utf8), like: whole), id, to: root)
    }
  }

  private func cut(_ digits: [UInt8], like path: [[UInt8]]) -> [[UInt8]] {
    var start = 0
    return path.map { part in
      defer { start += part.count }
      return Array(digits[start..<(start + part.count)])
    }
  }

  private func add(_ mode: [UInt8], _ path: [[UInt8]], _ id: ObjectID, to root: Directory) {
    var directory = root
    for name in path.dropLast() {
      let next = directory.directories[name] ?? Directory()
      directory.directories[name] = next
      directory = next
    }
    guard let name = path.last, !directory.files.contains(where: { $0.name == name }) else { return }
    directory.files.append((mode, name, id))
  }

  private func write(_ directory: Directory, into spool: Spool) throws(GitObjectsError) -> ObjectID {
    var entries = directory.files.map {
      (key: $0.name, bytes: $0.mode + [0x20] + $0.name + [0] + $0.id.bytes)
    }
    for (name, child) in directory.directories {
      let id = try write(child, into: spool)
      entries.append((name + [0x2F], Array("40000 ".utf8) + name + [0] + id.bytes))
    }
    entries.sort { $0.key.lexicographicallyPrecedes($1.key) }
    let bytes = entries.flatMap(\.bytes)
    return try bytes.withUnsafeBufferPointer { content throws(GitObjectsError) in
      let id = ObjectHash.id(.tree, content)
      try spool.addExtra(id, kind: .tree, bytes: content)
      return id
    }
  }
}
