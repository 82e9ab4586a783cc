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

  /// Looks at one object's content.
  typealias Body<Found> =
    @Sendable (inout Found, Int, UnsafeBufferPointer<UInt8>) throws(GitObjectsError) -> Void
  /// Looks at a blob that is too large for memory.
  typealias LargeBody<Found> = @Sendable (inout Found, Int, any ObjectContent) throws(GitObjectsError) -> Void

  /// - Parameters:
  ///   - start: what each thread begins with.
  ///   - body: called for each object, on some thread, in no order.
  /// - Returns: what each thread has made of its own.
  func read<Found: Sendable>(
    phase: EngineProgress.Phase, progress: EngineProgress, from start: Found,
    _ body: @escaping Body<Found>, large: @escaping LargeBody<Found> = { _, _, _ in }
  ) throws(GitObjectsError) -> [Found] {
    let (table, mark, roots) = (table, mark, roots)
    let workers = try WorkerThreads.run(
      pieces: roots.pieces, phase: phase, progress: progress,
      makeWorker: { () throws(GitObjectsError) in
        let visitor = Visitor(mark: mark, body: body, largeBody: large, found: start)
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
    let body: Body<Found>
    let largeBody: LargeBody<Found>
    var found: Found

    func enters(_ object: Int) -> Bool { mark[object] != 0 }

    mutating func visit(_ object: Int, content: UnsafeBufferPointer<UInt8>, origin: DeltaOrigin?)
      throws(GitObjectsError)
    {
      if mark[object] == 2 { try body(&found, object, content) }
    }

    mutating func large(_ object: Int, _ reader: EntryReader) throws(GitObjectsError) {
      let (mark, largeBody) = (mark, largeBody)
      var found = found
      try LargeObjects(reader: reader).forEach(
        from: object, where: { mark[$0] != 0 },
        { (object, content) throws(GitObjectsError) in
          if mark[object] == 2 { try largeBody(&found, object, content) }
        },
        unreadable: { (_, error) throws(GitObjectsError) in throw error })
      self.found = found
    }
  }
}

extension RepositoryObjects {
  /// Every hit of `patterns` in the objects `ids` that are here, whatever their size, with the bytes around it. Each delta
  /// base is built once, on all processors. Blocks.
  ///
  /// - Parameters:
  ///   - start: what each thread begins with.
  ///   - body: gets the object, the hit, and the text in which the hit's place counts; called on some thread, in no order.
  /// - Returns: what each thread has made of its own.
  /// - Throws: `.corrupt`, `.cancelled`; `.unsupported` when one cannot be searched.
  public func forEachHit<Found: Sendable>(
    of patterns: SecretPatterns, in ids: some Sequence<ObjectID>, from start: Found,
    progress: EngineProgress = .silent,
    _ body:
      @escaping @Sendable (
        _ found: inout Found, ObjectID, SecretPatterns.TextHit, UnsafeBufferPointer<UInt8>
      ) -> Void
  ) throws(GitObjectsError) -> [Found] {
    let table = table
    return try SelectedObjects(table, ids.compactMap { table.ids.position(of: $0) }).read(
      phase: .scan, progress: progress, from: start,
      { (found, object, content) throws(GitObjectsError) in
        for hit in try patterns.hits(in: content) { body(&found, table.ids[object], hit, content) }
      },
      large: { (found, object, content) throws(GitObjectsError) in
        var windows = ContentWindows(content, overlap: patterns.longestSpan)
        while let window = try windows.next() {
          for hit in try patterns.hits(in: window.text) where window.own.contains(hit.offset) {
            body(&found, table.ids[object], hit, window.text)
          }
        }
      })
  }
}
