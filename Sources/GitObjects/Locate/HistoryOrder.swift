/// Commits in the order of history: parents first, from the first tip on; and on the way the first path to every tree.
///
/// Only trees that lead to something wanted are entered, each once.
struct HistoryOrder {
  private let table: ObjectTable
  private let graph: CommitGraph
  private let edges: TreeEdges
  private let isWanted: Column<UInt8>

  /// Trees that lead to a wanted object or are one, each behind those in it.
  let trees: [UInt32]
  /// 1 for ``trees``.
  let carries: Column<UInt8>
  /// Nodes of ``CommitGraph``: commits that a tip leads to.
  private(set) var commits: [Int] = []
  private let isOpen: Column<UInt8>
  /// 1 for trees and wanted blobs that were met.
  let isMet: Column<UInt8>
  /// The tree in which an object was met first, and where in it; ``ObjectTable/none`` for the root of a commit.
  private let holder: Column<UInt32>
  private let offset: Column<UInt32>

  init(table: ObjectTable, graph: CommitGraph, edges: TreeEdges, isWanted: Column<UInt8>) {
    self.table = table
    self.graph = graph
    self.edges = edges
    self.isWanted = isWanted
    carries = Column(0, count: table.count)
    isOpen = Column(0, count: table.count)
    isMet = Column(0, count: table.count)
    holder = Column(ObjectTable.none, count: table.count)
    offset = Column(0, count: table.count)
    trees = HistoryOrder.carrying(table, edges, isWanted, carries)
  }

  /// Trees that lead to something wanted, without recursion.
  private static func carrying(
    _ table: ObjectTable, _ edges: TreeEdges, _ isWanted: Column<UInt8>, _ carries: Column<UInt8>
  ) -> [UInt32] {
    var found: [UInt32] = []
    let status = Column<UInt8>(0, count: table.count)  // 0 new, 1 open, 2 done
    var stack: [(tree: Int, next: Int)] = []
    for start in 0..<table.count where table.kind[start] == ObjectKind.tree.rawValue && status[start] == 0 {
      stack.append((start, 0))
      status[start] = 1
      while let (tree, next) = stack.last {
        let list = edges[tree]
        if next < list.count {
          stack[stack.count - 1].next += 1
          let child = Int(list[next].child)
          // A tree cannot hold itself; a hostile one that claims to ends here.
          guard table.kind[child] == ObjectKind.tree.rawValue, status[child] == 0 else { continue }
          status[child] = 1
          stack.append((child, 0))
          continue
        }
        stack.removeLast()
        status[tree] = 2
        guard
          isWanted[tree] != 0
            || list.contains(where: { isWanted[Int($0.child)] != 0 || carries[Int($0.child)] != 0 })
        else { continue }
        carries[tree] = 1
        found.append(UInt32(tree))
      }
    }
    return found
  }

  /// Goes on with what `tip` leads to: a commit, a tag, a tree.
  mutating func follow(_ tip: Int) {
    switch table.kind(tip) {
    case .commit: followCommit(tip)
    case .tree: enter(tip)
    case .blob: break
    case .tag:
      guard let end = graph.tags(from: UInt32(tip)).last?.target, end != ObjectTable.none,
        table.kind(Int(end)) != .tag
      else { return }
      follow(Int(end))
    }
  }

  private mutating func followCommit(_ start: Int) {
    guard let number = graph.number(UInt32(start)) else { return }
    var stack = [(number: number, isExpanded: false)]
    while let top = stack.last {
      let node = graph.nodes[top.number]
      if isOpen[Int(node.object)] != 0 {
        stack.removeLast()
        continue
      }
      if !top.isExpanded {
        stack[stack.count - 1].isExpanded = true
        for parent in node.parents {
          guard let next = graph.number(parent), graph.nodes[next].kind == .commit, isOpen[Int(parent)] == 0
          else { continue }  // behind a shallow boundary, or there already
          stack.append((next, false))
        }
        continue
      }
      stack.removeLast()
      isOpen[Int(node.object)] = 1
      if let root = tree(of: node) { enter(root) }
      commits.append(top.number)
    }
  }

  /// The root tree of a commit, when it leads to something wanted.
  func tree(of node: CommitGraph.Node) -> Int? {
    guard node.target != ObjectTable.none, carries[Int(node.target)] != 0 else { return nil }
    return Int(node.target)
  }

  /// Meets what is below the root `start`, in the order of the entries.
  private func enter(_ start: Int) {
    guard carries[start] != 0, isMet[start] == 0 else { return }
    isMet[start] = 1
    var stack = [(tree: start, next: 0)]
    while let (tree, next) = stack.last {
      let list = edges[tree]
      guard next < list.count else {
        stack.removeLast()
        continue
      }
      stack[stack.count - 1].next += 1
      let child = Int(list[next].child)
      guard isMet[child] == 0, carries[child] != 0 || isWanted[child] != 0 else { continue }
      isMet[child] = 1
      holder[child] = UInt32(tree)
      offset[child] = list[next].offset
      if table.kind[child] == ObjectKind.tree.rawValue { stack.append((child, 0)) }
    }
  }

  /// The entries on the first way from a root to `object`, the outermost first; nil when no commit holds it.
  func way(to object: Int) -> [TreeNames.Entry]? {
    guard isMet[object] != 0 else { return nil }
    var entries: [TreeNames.Entry] = []
    var current = object
    while holder[current] != ObjectTable.none {
      entries.append(TreeNames.Entry(tree: holder[current], offset: offset[current]))
      current = Int(holder[current])
    }
    return entries.reversed()
  }
}
