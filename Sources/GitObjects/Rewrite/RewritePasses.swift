/// The passes of a rewrite over the delta forest: blobs, then trees from the leaves up, then commits and tags.
final class RewritePasses {
  private let state: RewriteState
  private let patch: ObjectPatch
  private let graph: CommitGraph
  private let notes: NotesTrees
  private let removal: PathRemoval
  private let edges: TreeEdges
  private let level: Column<UInt16>
  private let progress: EngineProgress
  private let places: SpoolPlaces
  private let marks: Column<UInt16>
  private var stamp: UInt16 = 0
  let budget: SpoolBudget
  private(set) var spools: [Spool] = []
  private(set) var signaturesDropped: [ObjectID] = []
  private(set) var renames: [String: String] = [:]

  init(
    state: RewriteState, edges: TreeEdges, graph: CommitGraph, notes: NotesTrees, removal: PathRemoval,
    level: Column<UInt16>, spools place: SpoolPlace, memory: Int,
    progress: EngineProgress
  ) {
    self.state = state
    self.notes = notes
    self.removal = removal
    self.edges = edges
    self.graph = graph
    self.level = level
    places = SpoolPlaces(place)
    budget = SpoolBudget(bytes: memory)
    self.progress = progress
    patch = ObjectPatch(state: state, edges: edges, graph: graph)
    marks = Column(0, count: state.table.count)
  }

  /// - Throws: `.corrupt`, `.system`, `.cancelled`.
  func run() throws(GitObjectsError) {
    try pass(.blobs, needed(.blob) + strays())
    var trees: [[UInt32]] = []
    for tree in needed(.tree) {
      let level = Int(level[Int(tree)])
      while trees.count <= level { trees.append([]) }
      trees[level].append(tree)
    }
    for list in trees { try pass(.trees, list) }
    let isNote = { (number: Int) in self.notes.commits.contains(self.graph.nodes[number].object) }
    if !removal.commits.isEmpty {
      let spool = try Spool(places.next(), budget: budget)
      try removal.rebuild(into: spool, edges: edges)
      try spool.finish()
      spools.append(spool)
    }
    try name(graph.topological.filter { !isNote($0) })
    try name(tagOrder())
    let noteCommits = graph.topological.filter(isNote)
    try rekey(noteCommits)
    try name(noteCommits)
    try pass(.commits, needed(.commit) + needed(.tag))
  }

  private func needed(_ kind: ObjectKind) -> [UInt32] {
    state.rewritten.filter { state.table.kind[Int($0)] == kind.rawValue }
  }

  /// Clean objects that cannot be copied as they are: loose ones, and deltas on something that goes without a successor.
  private func strays() -> [UInt32] {
    let table = state.table
    return (0..<table.count).compactMap { object in
      guard state.isDirty[object] == 0, !table.isForeign(object) else { return nil }
      if table.isLoose(object) { return UInt32(object) }
      guard table.parent[object] != ObjectTable.none else { return nil }
      let base = Int(table.parent[object])
      return table.isForeign(base) || (state.isDirty[base] != 0 && !state.isNeeded(base))
        ? UInt32(object) : nil
    }
  }

  /// Trees in which notes stand at the new ids of what they are about.
  private func rekey(_ commits: [Int]) throws(GitObjectsError) {
    let dirty = commits.map { graph.nodes[$0] }.filter {
      state.isNeeded(Int($0.object)) && $0.target != ObjectTable.none
    }
    guard !dirty.isEmpty else { return }
    let spool = try Spool(places.next(), budget: budget)
    for node in dirty {
      state.treeOverrides[state.table.ids[Int(node.object)]] = try notes.rekeyed(node.target, into: spool)
    }
    try spool.finish()
    spools.append(spool)
  }

  /// Ids of commits or tags, in an order in which what they name is named before.
  private func name(_ order: [Int]) throws(GitObjectsError) {
    for (count, number) in order.enumerated() {
      let node = graph.nodes[number]
      let kind = node.kind
      guard state.isNeeded(Int(node.object)) else { continue }
      let hasOverride = state.treeOverrides[state.table.ids[Int(node.object)]] != nil
      let isGone =
        !hasOverride && node.target != ObjectTable.none && state.successor(Int(node.target)) == nil
      if isGone { continue }  // a tag whose target was removed goes with it
      try node.content.withUnsafeBufferPointer { content throws(GitObjectsError) in
        let result = try patch.patched(Int(node.object), content)
        state.setNewID(Int(node.object), result.bytes.withUnsafeBufferPointer { ObjectHash.id(kind, $0) })
      }
      if count & 0xFFF == 0 { try progress.step(.commits, count, of: order.count) }
    }
  }

  /// Tags, each after the tag that it names.
  private func tagOrder() -> [Int] {
    var result: [Int] = []
    var placed: Set<Int> = []
    for start in graph.nodes.indices where graph.nodes[start].kind == .tag {
      var chain: [Int] = []
      var next: Int? = start
      while let number = next, graph.nodes[number].kind == .tag, !placed.contains(number) {
        placed.insert(number)
        chain.append(number)
        next = graph.number(graph.nodes[number].target)
      }
      result += chain.reversed()
    }
    return result
  }

  /// Rewrites and spools `targets`, and re-encodes the clean deltas on them.
  private func pass(_ phase: EngineProgress.Phase, _ targets: [UInt32]) throws(GitObjectsError) {
    guard !targets.isEmpty else { return }
    stamp += 1
    let roots = mark(targets)
    let pieces = stride(from: 0, to: roots.count, by: max(1, roots.count / 128)).map { start in
      roots[start..<min(roots.count, start + max(1, roots.count / 128))]
    }
    let (state, patch, marks, stamp) = (state, patch, marks, stamp)
    let (places, budget, progress) = (places, budget, progress)
    let workers = try WorkerThreads.run(
      pieces: pieces.count, phase: phase, progress: progress,
      makeWorker: { () throws(GitObjectsError) in
        let spool = try Spool(places.next(), budget: budget)
        let visitor = RewriteVisitor(
          state: state, patch: patch, marks: marks, stamp: stamp, spool: spool, progress: progress)
        return Worker(visitor: visitor, walk: ForestWalk(try EntryReader(state.table)))
      },
      work: { (worker, piece) throws(GitObjectsError) in
        for root in pieces[piece] { try worker.walk.walk(Int(root), &worker.visitor) }
      })
    for worker in workers {
      try worker.visitor.spool.finish()
      spools.append(worker.visitor.spool)
      signaturesDropped += worker.visitor.signaturesDropped
      renames.merge(worker.visitor.renames) { first, _ in first }
    }
  }

  /// Marks the targets, their clean delta children and the way to them; returns the roots in pack order.
  private func mark(_ targets: [UInt32]) -> [UInt32] {
    let table = state.table
    var roots: [UInt32] = []
    func markOne(_ target: Int) {
      marks[target] = stamp | RewriteVisitor.targetBit
      var object = target
      while table.parent[object] != ObjectTable.none {
        object = Int(table.parent[object])
        if marks[object] & ~RewriteVisitor.targetBit == stamp { return }
        marks[object] = stamp
      }
      roots.append(UInt32(object))
    }
    for target in targets {
      let isMarked = marks[Int(target)] & ~RewriteVisitor.targetBit == stamp
      if isMarked { marks[Int(target)] = stamp | RewriteVisitor.targetBit } else { markOne(Int(target)) }
      guard state.isNeeded(Int(target)) else { continue }
      for child in table.children(of: Int(target))
      where state.isDirty[Int(child)] == 0 && !table.isForeign(Int(child)) {
        marks[Int(child)] = stamp | RewriteVisitor.targetBit
      }
    }
    return roots.sorted { table.location[Int($0)] < table.location[Int($1)] }
  }

  private struct Worker: @unchecked Sendable {  // used by one thread, then read by the one that joined it
    var visitor: RewriteVisitor
    let walk: ForestWalk
  }
}
