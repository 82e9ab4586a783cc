/// Takes files and directories out of every commit's tree, by path.
///
/// Only the directories on the way to a removed path depend on where they stand; everything else is rewritten, or kept,
/// whatever its path. What was removed goes from the pack unless another path still leads to it.
final class PathRemoval {
  private final class Node {
    var children: [[UInt8]: Node] = [:]
    var isEnd = false
  }
  private struct Place: Hashable {
    let tree: UInt32
    let node: ObjectIdentifier
  }
  private struct Entry {
    let whole: [UInt8]
    let idOffset: Int
    let name: [UInt8]
    /// Index of the object; nil when it is not in the repository.
    let child: Int?
    let isTree: Bool
  }

  private let state: RewriteState
  private let graph: CommitGraph
  private let reader: EntryReader
  private let root = Node()
  /// Commits whose tree holds a removed path, by object index.
  private(set) var commits: Set<UInt32> = []
  /// Non-zero for what stands at a removed path, and for the directories on the way to it.
  let isCandidate: Column<UInt8>
  private var holds: [Place: Bool] = [:]
  private var rebuiltTrees: [Place: ObjectID?] = [:]

  /// - Throws: `.corrupt`, `.system`.
  init(state: RewriteState, graph: CommitGraph) throws(GitObjectsError) {
    self.state = state
    self.graph = graph
    reader = try EntryReader(state.table)
    isCandidate = Column(0, count: state.table.count)
    for path in state.options.removedPaths {
      var node = root
      for part in path.split(separator: "/") {
        let next = node.children[Array(part.utf8)] ?? Node()
        node.children[Array(part.utf8)] = next
        node = next
      }
      node.isEnd = node !== root
    }
    guard !root.children.isEmpty else { return }
    for node in graph.nodes where node.kind == .commit && node.target != ObjectTable.none {
      if try holdsRemoved(node.target, root) { commits.insert(node.object) }
    }
  }

  private func entries(_ tree: UInt32) throws(GitObjectsError) -> [Entry] {
    let content = try reader.content(Int(tree))
    defer { reader.give(content) }
    let bytes = content.bytes
    guard let base = bytes.baseAddress else { return [] }
    return TreeEntries(bytes).map { entry in
      Entry(
        whole: Array(bytes[entry.whole]), idOffset: entry.id - entry.whole.lowerBound,
        name: Array(bytes[entry.name]), child: state.table.ids.position(of: base + entry.id),
        isTree: TreeMode(bytes, entry.mode) == .tree)
    }
  }

  private func holdsRemoved(_ tree: UInt32, _ node: Node) throws(GitObjectsError) -> Bool {
    let place = Place(tree: tree, node: ObjectIdentifier(node))
    if let known = holds[place] { return known }
    var found = false
    for entry in try entries(tree) {
      guard let next = node.children[entry.name] else { continue }
      if next.isEnd {
        found = true
        if let child = entry.child { try markBelow(UInt32(child)) }
      } else if entry.isTree, let child = entry.child, try holdsRemoved(UInt32(child), next) {
        found = true
      }
    }
    if found { isCandidate[Int(tree)] = 1 }
    holds[place] = found
    return found
  }

  private func markBelow(_ start: UInt32) throws(GitObjectsError) {
    var stack = [start]
    while let object = stack.popLast() {
      guard isCandidate[Int(object)] == 0 || object == start else { continue }
      isCandidate[Int(object)] = 1
      guard state.table.kind[Int(object)] == ObjectKind.tree.rawValue else { continue }
      stack += try entries(object).compactMap { $0.child.map { UInt32($0) } }
    }
  }

  /// What the tree of a commit still leads to: entries beside the removed paths.
  func remaining(_ commit: UInt32) throws(GitObjectsError) -> [Int] {
    guard let tree = graph.node(commit)?.target, tree != ObjectTable.none else { return [] }
    return try remaining(tree, root)
  }

  private func remaining(_ tree: UInt32, _ node: Node) throws(GitObjectsError) -> [Int] {
    var result: [Int] = []
    for entry in try entries(tree) {
      guard let child = entry.child else { continue }
      guard let next = node.children[entry.name] else {
        result.append(child)
        continue
      }
      if !next.isEnd, entry.isTree { result += try remaining(UInt32(child), next) }
    }
    return result
  }

  /// Marks as dirty what only removed paths lead to. Every needed object has its place by now.
  func dropUnreferenced(tips: [ObjectID], edges: TreeEdges) throws(GitObjectsError) {
    let isKept = Column<UInt8>(0, count: state.table.count)
    var stack = tips.compactMap { state.table.ids.position(of: $0) }
    while let object = stack.popLast() {
      guard isKept[object] == 0 else { continue }
      isKept[object] = 1
      if let node = graph.node(UInt32(object)) {
        stack += node.parents.filter { $0 != ObjectTable.none }.map { Int($0) }
        if commits.contains(UInt32(object)) {
          stack += try remaining(UInt32(object))
        } else if node.target != ObjectTable.none {
          stack.append(Int(node.target))
        }
      } else {
        for edge in edges[object] { stack.append(Int(edge.child)) }
      }
    }
    for object in 0..<state.table.count where isCandidate[object] != 0 && isKept[object] == 0 {
      state.isDirty[object] = 1
    }
  }

  /// Gives every affected commit the tree without the removed paths, and hands new trees to `spool`.
  func rebuild(into spool: Spool, edges: TreeEdges) throws(GitObjectsError) {
    for commit in commits where state.isNeeded(Int(commit)) {
      guard let tree = graph.node(commit)?.target else { continue }
      var id = try rebuilt(tree, root, spool, edges)
      if id == nil { id = try empty(spool) }
      state.treeOverrides[state.table.ids[Int(commit)]] = id
    }
  }

  private func empty(_ spool: Spool) throws(GitObjectsError) -> ObjectID {
    try spool.addExtra(.emptyTree, kind: .tree, bytes: UnsafeBufferPointer(start: nil, count: 0))
    return .emptyTree
  }

  /// Nil when nothing is left in the directory.
  private func rebuilt(_ tree: UInt32, _ node: Node, _ spool: Spool, _ edges: TreeEdges)
    throws(GitObjectsError) -> ObjectID?
  {
    let place = Place(tree: tree, node: ObjectIdentifier(node))
    if let known = rebuiltTrees[place] { return known }
    var bytes: [UInt8] = []
    for entry in try entries(tree) {
      guard let next = node.children[entry.name] else {
        bytes += entry.whole
        continue
      }
      if next.isEnd { continue }
      guard entry.isTree, let child = entry.child else {
        bytes += entry.whole
        continue
      }
      guard try holdsRemoved(UInt32(child), next) else {
        bytes += entry.whole
        continue
      }
      guard let id = try rebuilt(UInt32(child), next, spool, edges) else { continue }
      bytes += entry.whole[..<entry.idOffset] + id.bytes
    }
    let patched = try bytes.withUnsafeBufferPointer { buffer throws(GitObjectsError) in
      try TreePatch(state: state, edges: edges).parsed(buffer).bytes
    }
    guard !patched.isEmpty else {
      rebuiltTrees[place] = .some(nil)
      return nil
    }
    let id = try patched.withUnsafeBufferPointer { content throws(GitObjectsError) in
      let id = ObjectHash.id(.tree, content)
      try spool.addExtra(id, kind: .tree, bytes: content)
      return id
    }
    rebuiltTrees[place] = id
    return id
  }
}
