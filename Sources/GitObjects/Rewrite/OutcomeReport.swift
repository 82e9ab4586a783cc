/// Turns the state after the passes into what the caller reads.
struct OutcomeReport {
  let state: RewriteState
  let graph: CommitGraph
  let passes: RewritePasses

  func fill(_ outcome: inout RewriteOutcome) {
    let table = state.table
    outcome.trees.reserveCapacity(state.rewritten.count)
    outcome.commits.reserveCapacity(state.rewritten.count / 2)
    outcome.dropped.reserveCapacity(state.rewritten.count)
    for object in state.rewritten {
      let old = table.ids[Int(object)]
      let new = state.newID(Int(object))
      guard new != .zero, new != old else { continue }
      switch table.kind(Int(object)) {
      case .blob: outcome.blobs[old] = new
      case .tree: outcome.trees[old] = new
      case .commit: outcome.commits[old] = new
      case .tag: outcome.tags[old] = new
      }
    }
    for object in 0..<table.count where state.isDirty[object] != 0 {
      guard state.successor(object) != table.ids[object] else { continue }
      outcome.dropped.append(table.ids[object])
      if table.isForeign(object) { outcome.heldByAlternates.append(table.ids[object]) }
    }
    outcome.emptiedCommits = emptied()
    outcome.signaturesDropped = passes.signaturesDropped.sorted()
    outcome.renamedEntries = passes.renames
    outcome.supersededPacks = table.packs.filter { !$0.isAlternate }.map(\.path)
    for object in 0..<table.count where table.isLoose(object) && !table.isForeign(object) {
      outcome.supersededLooseObjects.append(table.place(of: object))
    }
  }

  /// Rewritten commits that no longer change anything against their first parent, and did before.
  private func emptied() -> [ObjectID] {
    graph.nodes.compactMap { node in
      guard node.kind == .commit, state.isDirty[Int(node.object)] != 0, state.isNeeded(Int(node.object)),
        node.target != ObjectTable.none, let parent = node.parents.first, parent != ObjectTable.none,
        let first = graph.node(parent), first.target != ObjectTable.none, first.target != node.target,
        let tree = state.successor(Int(node.target)), tree == state.successor(Int(first.target))
      else { return nil }
      return state.table.ids[Int(node.object)]
    }.sorted()
  }
}
