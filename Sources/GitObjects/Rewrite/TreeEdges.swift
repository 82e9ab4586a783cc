/// What every tree holds that may have to change: its subtrees, dirty blobs and mapped submodules, and where in the tree
/// their ids stand. About 8 bytes an edge.
final class TreeEdges: @unchecked Sendable {  // filled by `read`, then immutable
  struct Edge: BitwiseCopyable {
    let child: UInt32
    /// Where the 20 bytes stand in the tree.
    let offset: UInt32
  }

  private let lists: [EdgeList]
  /// Number of the list << 56 | position in it.
  private let start: Column<UInt64>
  private let count: Column<UInt32>
  /// Trees with a submodule whose commit was mapped.
  let hasMappedLink: Column<UInt8>

  /// Where each tree's edges lie, and which edges are kept.
  struct Columns: Sendable {
    let table: ObjectTable
    /// Non-zero for blobs to which edges are kept.
    let isWantedBlob: Column<UInt8>
    let links: [ObjectID: ObjectID]
    fileprivate let wanted: IDFilter
    fileprivate let start: Column<UInt64>
    fileprivate let count: Column<UInt32>
    fileprivate let hasMappedLink: Column<UInt8>

    init(_ table: ObjectTable, isWantedBlob: Column<UInt8>, links: [ObjectID: ObjectID]) {
      self.table = table
      self.isWantedBlob = isWantedBlob
      self.links = links
      wanted = IDFilter(table, isWantedBlob)
      start = Column(0, count: table.count)
      count = Column(0, count: table.count)
      hasMappedLink = Column(0, count: table.count)
    }
  }

  init(_ columns: Columns, _ collectors: [Collector]) {
    lists = collectors.map(\.list)
    start = columns.start
    count = columns.count
    hasMappedLink = columns.hasMappedLink
    // A list's number is known only now.
    for (number, collector) in collectors.enumerated() {
      for tree in collector.trees { start[Int(tree)] |= UInt64(number) << 56 }
    }
  }

  @inline(__always)
  subscript(tree: Int) -> UnsafeBufferPointer<Edge> {
    guard count[tree] > 0 else { return UnsafeBufferPointer(start: nil, count: 0) }
    let list = lists[Int(start[tree] >> 56)]
    return UnsafeBufferPointer(
      start: list.edges + Int(start[tree] & ((1 << 56) - 1)), count: Int(count[tree]))
  }

  /// - Parameter isWantedBlob: non-zero for blobs to which edges are kept.
  /// - Throws: `.corrupt`, `.cancelled`.
  static func read(
    _ table: ObjectTable, isWantedBlob: Column<UInt8>, links: [ObjectID: ObjectID], progress: EngineProgress
  ) throws(GitObjectsError) -> TreeEdges {
    let columns = Columns(table, isWantedBlob: isWantedBlob, links: links)
    let roots = ForestRoots(table) { table.kind[$0] == ObjectKind.tree.rawValue }
    let workers = try WorkerThreads.run(
      pieces: roots.pieces, phase: .trees, progress: progress,
      makeWorker: { () throws(GitObjectsError) in
        Worker(visitor: Collector(columns), walk: ForestWalk(try EntryReader(table)))
      },
      work: { (worker, piece) throws(GitObjectsError) in
        for root in roots[piece] { try worker.walk.walk(Int(root), &worker.visitor) }
      })
    return TreeEdges(columns, workers.map(\.visitor))
  }

  private struct Worker: @unchecked Sendable {  // used by one thread, then read by the one that joined it
    var visitor: Collector
    let walk: ForestWalk
  }

  /// Keeps the edges of trees. One per thread.
  struct Collector: ForestVisitor {
    private let columns: Columns
    fileprivate let list = EdgeList()
    private let cache = TreeIndexCache()
    fileprivate var trees: [UInt32] = []

    init(_ columns: Columns) { self.columns = columns }

    func enters(_ object: Int) -> Bool { true }

    func large(_ object: Int, _ reader: EntryReader) {}  // a blob; none is walked here

    mutating func visit(_ object: Int, content: UnsafeBufferPointer<UInt8>, origin: DeltaOrigin?) {
      add(object, content)
    }

    mutating func add(_ object: Int, _ content: UnsafeBufferPointer<UInt8>) {
      let first = list.count
      let table = columns.table
      guard let base = content.baseAddress else { return }
      for entry in TreeEntries(content) {
        let id = base + entry.id
        switch TreeMode(content, entry.mode) {
        case .tree:
          let child = cache.index(of: id, in: table)
          guard child != ObjectTable.none, table.kind[Int(child)] == ObjectKind.tree.rawValue else {
            continue
          }
          list.append(Edge(child: child, offset: UInt32(truncatingIfNeeded: entry.id)))
        case .link:
          if !columns.links.isEmpty, columns.links[ObjectID(at: id)] != nil {
            columns.hasMappedLink[object] = 1
          }
        case .other:
          guard columns.wanted.mayHold(id), let child = table.ids.position(of: id),
            columns.isWantedBlob[child] != 0
          else { continue }
          list.append(Edge(child: UInt32(child), offset: UInt32(truncatingIfNeeded: entry.id)))
        }
      }
      guard list.count > first else { return }
      trees.append(UInt32(object))
      columns.start[object] = UInt64(first)
      columns.count[object] = UInt32(list.count - first)
    }
  }
}

/// What the mode of a tree entry says; leading zeros, as old tools wrote them, are allowed.
enum TreeMode {
  case tree
  case link
  case other

  @inline(__always)
  init(_ content: UnsafeBufferPointer<UInt8>, _ mode: Range<Int>) {
    var position = mode.lowerBound
    while position < mode.upperBound, content[position] == 0x30 { position += 1 }
    guard position < mode.upperBound else {
      self = .other
      return
    }
    if content[position] == 0x34 {
      self = .tree
    } else if content[position] == 0x31, position + 1 < mode.upperBound, content[position + 1] == 0x36 {
      self = .link
    } else {
      self = .other
    }
  }
}

/// Edges in one growing piece of memory. One per thread.
final class EdgeList {
  private(set) var edges: UnsafeMutablePointer<TreeEdges.Edge> = .allocate(capacity: 1 << 12)
  private var capacity = 1 << 12
  private(set) var count = 0

  deinit { edges.deallocate() }

  @inline(__always)
  func append(_ edge: TreeEdges.Edge) {
    if count == capacity { grow() }
    edges[count] = edge
    count += 1
  }

  private func grow() {
    let larger = UnsafeMutablePointer<TreeEdges.Edge>.allocate(capacity: capacity * 2)
    larger.update(from: edges, count: count)
    edges.deallocate()
    edges = larger
    capacity *= 2
  }
}

/// A bit for the first bits of every wanted id: most others are told apart without a search.
final class IDFilter: Sendable {
  private let bits = Column<UInt64>(0, count: (1 << 22) / 64)

  init(_ table: ObjectTable, _ isWanted: Column<UInt8>) {
    for object in 0..<table.count where isWanted[object] != 0 {
      let bit = IDFilter.bit(table.ids.pointer(at: object))
      bits[bit >> 6] |= 1 << UInt64(bit & 63)
    }
  }

  @inline(__always)
  func mayHold(_ id: UnsafePointer<UInt8>) -> Bool {
    let bit = IDFilter.bit(id)
    return bits[bit >> 6] >> UInt64(bit & 63) & 1 != 0
  }

  @inline(__always)
  private static func bit(_ id: UnsafePointer<UInt8>) -> Int {
    Int(UnsafeRawPointer(id).loadUnaligned(as: UInt32.self) & ((1 << 22) - 1))
  }
}

/// The last looked-up subtrees: neighbouring versions of a directory share most of them. One per thread.
final class TreeIndexCache {
  private struct Slot: BitwiseCopyable {
    var id = ObjectID.zero
    var index = ObjectTable.none
  }
  private let slots = Column(Slot(), count: 1 << 14)

  @inline(__always)
  func index(of id: UnsafePointer<UInt8>, in table: ObjectTable) -> UInt32 {
    let value = ObjectID(at: id)
    let slot = Int(value.high >> 50)
    if slots[slot].id == value { return slots[slot].index }
    let index = table.ids.position(of: id).map { UInt32($0) } ?? ObjectTable.none
    slots[slot] = Slot(id: value, index: index)
    return index
  }
}
