/// Says where objects stand: a path, the first and the last commit that hold them, the tips that lead to them.
///
/// One pass over the graph of commits and trees for all of them together. First and last are carried from the commits down
/// to what their trees hold, a number each; the tips come from bit sets that are carried upwards, 64 objects a word.
public struct ObjectLocator {
  /// Where one object stands.
  public struct Location: Sendable {
    /// From the root of a tree; nil for commits, tags and what no commit holds.
    public var path: [UInt8]?
    /// The first commit that held it and the last that still does, in the order of history.
    public var first: ObjectID?
    public var last: ObjectID?
    /// Which of ``Outcome/tipSets`` leads to it. Objects that the same tips lead to share one.
    public var tipSet: Int
  }

  /// Where all of them stand.
  public struct Outcome: Sendable {
    public let locations: [ObjectID: Location]
    /// Places among the tips, ascending. The first set is empty.
    public let tipSets: [[Int]]
  }

  private let objects: RepositoryObjects
  private let survey: ObjectSurvey.Outcome
  private var table: ObjectTable { objects.table }

  /// - Parameter survey: of `objects`.
  public init(_ objects: RepositoryObjects, _ survey: ObjectSurvey.Outcome) {
    self.objects = objects
    self.survey = survey
  }

  /// Locates every object that holds a hit.
  ///
  /// - Parameter tips: of any kind, in the order in which their histories are told; one that is not here leads to nothing.
  /// - Throws: `.corrupt`, `.cancelled`.
  public func locate(from tips: [ObjectID], progress: EngineProgress = .silent) throws(GitObjectsError)
    -> Outcome
  {
    let isWanted = Column<UInt8>(0, count: table.count)
    var wanted: [Int] = []
    for hit in survey.scan.hits {
      guard let object = table.ids.position(of: hit.object), isWanted[object] == 0 else { continue }
      isWanted[object] = 1
      wanted.append(object)
    }
    guard !wanted.isEmpty else { return Outcome(locations: [:], tipSets: [[]]) }
    let (graph, edges) = try structure(isWanted, progress)
    let ends = tips.map { table.ids.position(of: $0) }
    var order = HistoryOrder(table: table, graph: graph, edges: edges, isWanted: isWanted)
    for case .some(let end) in ends { order.follow(end) }
    let span = CommitSpan(table: table, graph: graph, edges: edges, order: order, isWanted: isWanted)
    let ways = wanted.map { order.way(to: $0) }
    let names = try TreeNames(
      table, of: ways.reduce(into: []) { $0.formUnion($1 ?? []) }, progress: progress)
    let tipSets = TipSets(
      table: table, graph: graph, edges: edges, order: order, wanted: wanted, ends: ends)
    var locations: [ObjectID: Location] = [:]
    locations.reserveCapacity(wanted.count)
    for (number, object) in wanted.enumerated() {
      let (first, last) = span.commits(of: object)
      locations[table.ids[object]] = Location(
        path: ways[number].map { names.path($0) }, first: first, last: last, tipSet: tipSets.set[number])
    }
    return Outcome(locations: locations, tipSets: tipSets.sets)
  }

  /// How everything hangs together; read where the survey had no reason to keep it.
  private func structure(_ isWanted: Column<UInt8>, _ progress: EngineProgress) throws(GitObjectsError) -> (
    CommitGraph, TreeEdges
  ) {
    if let graph = survey.graph, let edges = survey.edges { return (graph, edges) }
    return (
      try CommitGraph.read(table, keepsContents: false, progress: progress),
      try TreeEdges.read(table, isWantedBlob: isWanted, links: [:], progress: progress)
    )
  }
}

/// The first and the last commit, in the order of history, that hold an object.
private struct CommitSpan {
  private let table: ObjectTable
  private let graph: CommitGraph
  private let order: HistoryOrder
  /// Places in the order of history; ``ObjectTable/none`` where no commit holds the object.
  private let first: Column<UInt32>
  private let last: Column<UInt32>

  init(
    table: ObjectTable, graph: CommitGraph, edges: TreeEdges, order: HistoryOrder, isWanted: Column<UInt8>
  ) {
    self.table = table
    self.graph = graph
    self.order = order
    first = Column(ObjectTable.none, count: table.count)
    last = Column(0, count: table.count)
    for (place, number) in order.commits.enumerated() {
      let node = graph.nodes[number]
      hold(Int(node.object), from: UInt32(place), to: UInt32(place))
      if let root = order.tree(of: node) { hold(root, from: UInt32(place), to: UInt32(place)) }
    }
    for tree in order.trees.reversed() where first[Int(tree)] != ObjectTable.none {
      for edge in edges[Int(tree)]
      where isWanted[Int(edge.child)] != 0 || order.carries[Int(edge.child)] != 0 {
        hold(Int(edge.child), from: first[Int(tree)], to: last[Int(tree)])
      }
    }
  }

  private func hold(_ object: Int, from: UInt32, to: UInt32) {
    first[object] = min(first[object], from)
    last[object] = max(last[object], to)
  }

  func commits(of object: Int) -> (first: ObjectID?, last: ObjectID?) {
    guard first[object] != ObjectTable.none else { return (nil, nil) }
    return (commit(first[object]), commit(last[object]))
  }

  private func commit(_ place: UInt32) -> ObjectID {
    table.ids[Int(graph.nodes[order.commits[Int(place)]].object)]
  }
}

/// Which tips lead to each wanted object.
private struct TipSets {
  private(set) var sets: [[Int]] = [[]]
  /// For each wanted object, which of ``sets``.
  private(set) var set: [Int]

  init(
    table: ObjectTable, graph: CommitGraph, edges: TreeEdges, order: HistoryOrder, wanted: [Int],
    ends: [Int?]
  ) {
    let carried = CarriedGraph(
      table: table, graph: graph, edges: edges, order: order, wanted: wanted, ends: ends)
    // What has no number leads to nothing wanted, or is led to by nothing.
    let sources = wanted.indices.filter { carried.number(UInt32(wanted[$0])) != nil }
    var tips: [Int] = []
    var sinks: [UInt32] = []
    for (tip, end) in ends.enumerated() {
      guard let end, let number = carried.number(UInt32(end)) else { continue }
      tips.append(tip)
      sinks.append(number)
    }
    var found = Array(repeating: 0, count: wanted.count)
    var known: [[UInt64]: Int] = [:]
    var lists: [[Int]] = [[]]
    carried.graph.sinks(sinks, leadingTo: sources.compactMap { carried.number(UInt32(wanted[$0])) }) {
      source, bits in
      let members = bits.members
      guard !members.isEmpty else { return }
      let number = known[bits] ?? lists.count
      if number == lists.count {
        known[bits] = number
        lists.append(members.map { tips[$0] })
      }
      found[sources[source]] = number
    }
    set = found
    sets = lists
  }
}

/// What of a history leads to something wanted, each node behind those that it points to.
private struct CarriedGraph {
  private(set) var graph = ReachGraph()
  private let numbers: Column<UInt32>

  init(
    table: ObjectTable, graph commits: CommitGraph, edges: TreeEdges, order: HistoryOrder, wanted: [Int],
    ends: [Int?]
  ) {
    numbers = Column(ObjectTable.none, count: table.count)
    let isWanted = Column<UInt8>(0, count: table.count)
    for object in wanted {
      isWanted[object] = 1
      if table.kind(object) == .blob { numbers[object] = graph.add([]) }
    }
    for tree in order.trees {
      numbers[Int(tree)] = graph.add(edges[Int(tree)].compactMap { number($0.child) })
    }
    for commit in order.commits { add(commits.nodes[commit], isWanted) }
    for case .some(let end) in ends where table.kind(end) == .tag {
      for tag in commits.tags(from: UInt32(end)).reversed() where number(tag.object) == nil {
        add(tag, isWanted)
      }
    }
  }

  /// A commit or tag, when it is wanted or leads to something wanted.
  private mutating func add(_ node: CommitGraph.Node, _ isWanted: Column<UInt8>) {
    let children = ([node.target] + node.parents).compactMap(number)
    guard !children.isEmpty || isWanted[Int(node.object)] != 0 else { return }
    numbers[Int(node.object)] = graph.add(children)
  }

  func number(_ object: UInt32) -> UInt32? {
    guard object != ObjectTable.none, numbers[Int(object)] != ObjectTable.none else { return nil }
    return numbers[Int(object)]
  }
}
