/// Reads many objects in one walk over the delta trees that they are in, on all processors: a base is built once, however
/// many of them stand on it.
struct SelectedObjects {
  private let table: ObjectTable
  /// 1: on the way to an object that is read, 2: read.
  private let mark: Column<UInt8>
  private let roots: ForestRoots

  init(_ table: ObjectTable, _ objects: some Sequence<Int>) {
    self.table = table
    let mark = Column<UInt8>(0, count: table.count)
    for object in objects {
      let isOnTheWay = mark[object] != 0
      mark[object] = 2
      if isOnTheWay { continue }
      var base = table.parent[object]
      while base != ObjectTable.none, mark[Int(base)] == 0 {
        mark[Int(base)] = 1
        base = table.parent[Int(base)]
      }
    }
    self.mark = mark
    roots = ForestRoots(table) { mark[$0] != 0 }
  }

  /// - Parameters:
  ///   - start: what each thread begins with.
  ///   - body: called for each object, on some thread, in no order.
  /// - Returns: what each thread has made of its own.
  func read<Found: Sendable>(
    phase: EngineProgress.Phase, progress: EngineProgress, from start: Found,
    _ body: @escaping @Sendable (inout Found, Int, UnsafeBufferPointer<UInt8>) throws(GitObjectsError) -> Void
  ) throws(GitObjectsError) -> [Found] {
    let (table, mark, roots) = (table, mark, roots)
    let workers = try WorkerThreads.run(
      pieces: roots.pieces, phase: phase, progress: progress,
      makeWorker: { () throws(GitObjectsError) in
        let visitor = Visitor(mark: mark, body: body, found: start)
        return Worker(visitor: visitor, walk: ForestWalk(try EntryReader(table)))
      },
      work: { (worker, piece) throws(GitObjectsError) in
        for root in roots[piece] { try worker.walk.walk(Int(root), &worker.visitor) }
      })
    return workers.map(\.visitor.found)
  }

  // Used by one thread, then read by the one that joined it.
  private struct Worker<Found: Sendable>: @unchecked Sendable {
    var visitor: Visitor<Found>
    let walk: ForestWalk
  }

  private struct Visitor<Found: Sendable>: ForestVisitor {
    let mark: Column<UInt8>
    let body: @Sendable (inout Found, Int, UnsafeBufferPointer<UInt8>) throws(GitObjectsError) -> Void
    var found: Found

    func enters(_ object: Int) -> Bool { mark[object] != 0 }

    mutating func visit(_ object: Int, content: UnsafeBufferPointer<UInt8>, origin: DeltaOrigin?)
      throws(GitObjectsError)
    {
      if mark[object] == 2 { try body(&found, object, content) }
    }
  }
}

extension RepositoryObjects {
  /// Reads every object of `ids` that is here, on all processors, each delta base once. Blocks.
  ///
  /// - Parameters:
  ///   - start: what each thread begins with.
  ///   - body: called for each object's content, on some thread, in no order.
  /// - Returns: what each thread has made of its own.
  /// - Throws: `.corrupt`, `.cancelled`, and what `body` throws.
  public func read<Found: Sendable>(
    _ ids: some Sequence<ObjectID>, from start: Found, progress: EngineProgress = .silent,
    _ body: @escaping @Sendable (inout Found, UnsafeBufferPointer<UInt8>) throws(GitObjectsError) -> Void
  ) throws(GitObjectsError) -> [Found] {
    let objects = ids.compactMap { table.ids.position(of: $0) }
    return try SelectedObjects(table, objects).read(phase: .scan, progress: progress, from: start) {
      (found, _, content) throws(GitObjectsError) in try body(&found, content)
    }
  }
}
