/// Carries dirt upwards (tree → tree → commit → commit, tag) and marks what of it the tips need.
struct DirtyClosure {
  let state: RewriteState
  let edges: TreeEdges
  let graph: CommitGraph
  let notes: NotesTrees
  let removal: PathRemoval
  private var table: ObjectTable { state.table }

  init(state: RewriteState, edges: TreeEdges, graph: CommitGraph, notes: NotesTrees, removal: PathRemoval) {
    self.state = state
    self.edges = edges
    self.graph = graph
    self.notes = notes
    self.removal = removal
  }

  /// Marks ``RewriteState/isDirty`` of trees, commits and tags.
  /// - Returns: the trees by level: level 0 holds no dirty tree, level n trees of level n − 1 at most.
  /// - Throws: `.corrupt` when a tree holds itself.
  func spread() throws(GitObjectsError) -> Column<UInt16> {
    let level = Column<UInt16>(0, count: table.count)
    let status = Column<UInt8>(0, count: table.count)  // 0 new, 1 open, 2 done
    for tree in 0..<table.count where table.kind[tree] == ObjectKind.tree.rawValue {
      if status[tree] == 0 { try spread(from: tree, level, status) }
    }
    let isNote = { (number: Int) in notes.commits.contains(graph.nodes[number].object) }
    // Notes last: whether they change depends on the commits that they are about.
    for number in graph.topological where !isNote(number) && isDirty(graph.nodes[number]) {
      state.isDirty[Int(graph.nodes[number].object)] = 1
    }
    // Tags of tags: repeat until nothing changes; nesting is shallow.
    var changes = true
    while changes {
      changes = false
      for node in graph.nodes
      where node.kind == .tag && state.isDirty[Int(node.object)] == 0 && isDirty(node.target) {
        state.isDirty[Int(node.object)] = 1
        changes = true
      }
    }
    for number in graph.topological where isNote(number) {
      let node = graph.nodes[number]
      let moves = try notes.leadsToDirty(node.target)
      if moves || isDirty(node) { state.isDirty[Int(node.object)] = 1 }
    }
    return level
  }

  private func isDirty(_ node: CommitGraph.Node) -> Bool {
    isDirty(node.target) || node.parents.contains(where: isDirty) || state.hasHit[Int(node.object)] != 0
      || removal.commits.contains(node.object)
  }

  private func isDirty(_ object: UInt32) -> Bool {
    object != ObjectTable.none && state.isDirty[Int(object)] != 0
  }

  private func spread(from start: Int, _ level: Column<UInt16>, _ status: Column<UInt8>)
    throws(GitObjectsError)
  {
    var stack: [(tree: Int, next: Int)] = [(start, 0)]
    status[start] = 1
    while let (tree, next) = stack.last {
      let list = edges[tree]
      if next < list.count {
        stack[stack.count - 1].next += 1
        let child = Int(list[next].child)
        guard table.kind[child] == ObjectKind.tree.rawValue, status[child] != 2 else { continue }
        guard status[child] == 0 else { throw .corrupt("tree \(table.ids[child])", "it holds itself") }
        guard stack.count < Int(UInt16.max) else {
          throw .corrupt("tree \(table.ids[child])", "directories are nested too deeply")
        }
        status[child] = 1
        stack.append((child, 0))
        continue
      }
      stack.removeLast()
      status[tree] = 2
      var dirty = state.hasHit[tree] != 0 || edges.hasMappedLink[tree] != 0
      for edge in list where state.isDirty[Int(edge.child)] != 0 {
        dirty = true
        if table.kind[Int(edge.child)] == ObjectKind.tree.rawValue {
          level[tree] = max(level[tree], level[Int(edge.child)] + 1)
        }
      }
      if dirty { state.isDirty[tree] = 1 }
    }
  }

  /// Gives a new id's place to every dirty object that a tip leads to.
  /// - Throws: `.missingObject` for a tip that is not in the repository.
  func markNeeds(of tips: [ObjectID]) throws(GitObjectsError) {
    var stack: [Int] = []
    for tip in tips where tip != .zero {
      guard let object = table.ids.position(of: tip) else {
        throw GitObjectsError(
          .missingObject, what: "object \(tip)", why: "a reference names it, but it is not in the repository",
          fix: "git fsck --full shows the reference; delete it or fetch the object")
      }
      stack.append(object)
    }
    while let object = stack.popLast() {
      guard state.isDirty[object] != 0, state.isRemoved[object] == 0, !state.isNeeded(object) else {
        continue
      }
      state.need(object)
      if let node = graph.node(UInt32(object)) {
        for parent in node.parents where parent != ObjectTable.none { stack.append(Int(parent)) }
        if removal.commits.contains(UInt32(object)) {
          stack += try removal.remaining(UInt32(object))
        } else if node.target != ObjectTable.none {
          stack.append(Int(node.target))
        }
      } else {
        for edge in edges[object] { stack.append(Int(edge.child)) }
      }
    }
    state.fixNeeds()
  }
}
