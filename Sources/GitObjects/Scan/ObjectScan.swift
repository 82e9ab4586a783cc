/// Looks for secrets in every object of a repository, reachable or not.
public struct ObjectScan: Sendable {
  /// What a scan found.
  public struct Outcome: Sendable {
    /// By object id, then offset.
    public let hits: [ObjectHit]
    public let objectCount: Int
    public let commitCount: Int
    public var isClean: Bool { hits.isEmpty }
  }

  public let objects: RepositoryObjects
  public let patterns: SecretPatterns
  private let searchesPaths: Bool

  /// - Parameter searchesPaths: false leaves out the names of files and directories, and with them every tree.
  public init(objects: RepositoryObjects, patterns: SecretPatterns, searchesPaths: Bool = true) {
    self.objects = objects
    self.patterns = patterns
    self.searchesPaths = searchesPaths
  }

  /// Reads every object (that may hold what is searched) once. Blocks; uses a thread for each processor. Read only.
  /// - Throws: `.corrupt` (a pack or object breaks its format), `.cancelled`.
  public func run(progress: EngineProgress = .silent) throws(GitObjectsError) -> Outcome {
    let isSuspect = Column<UInt8>(0, count: objects.table.count)
    return outcome(try hits(ForestRoots(objects.table, where: searches), isSuspect, progress: progress))
  }

  /// Whether `object` may hold what is searched.
  func searches(_ object: Int) -> Bool {
    searchesPaths || objects.table.kind[object] != ObjectKind.tree.rawValue
  }

  /// What the delta trees below `roots` hold, in no order.
  /// - Parameter isSuspect: one byte an object.
  func hits(_ roots: ForestRoots, _ isSuspect: Column<UInt8>, progress: EngineProgress)
    throws(GitObjectsError) -> [ObjectHit]
  {
    let table = objects.table
    let compiled = patterns.compiled
    let workers = try WorkerThreads.run(
      pieces: roots.pieces, phase: .scan, progress: progress,
      makeWorker: { () throws(GitObjectsError) in
        let visitor = ScanVisitor(table: table, patterns: compiled, isSuspect: isSuspect)
        return Worker(visitor: visitor, walk: ForestWalk(try EntryReader(table)))
      },
      work: { (worker, piece) throws(GitObjectsError) in
        for root in roots[piece] { try worker.walk.walk(Int(root), &worker.visitor) }
      })
    return workers.flatMap(\.visitor.hits)
  }

  func outcome(_ hits: [ObjectHit]) -> Outcome {
    let table = objects.table
    let commits = (0..<table.count).count { table.kind[$0] == ObjectKind.commit.rawValue }
    let sorted = hits.sorted { left, right in
      left.object != right.object ? left.object < right.object : left.offset < right.offset
    }
    return Outcome(hits: sorted, objectCount: table.count, commitCount: commits)
  }

  // Invariant for @unchecked: used by the thread that made it, then read by the one that joined it.
  private struct Worker: @unchecked Sendable {
    var visitor: ScanVisitor
    let walk: ForestWalk
  }
}

/// The roots of the delta forest in pack order, in pieces for threads.
struct ForestRoots: Sendable {
  private let roots: [UInt32]
  private static let pieceCount = 256

  init(_ table: ObjectTable, where isWanted: (Int) -> Bool) {
    var roots: [UInt32] = []
    for rank in 0..<table.count {
      let object = table.order[rank]
      if table.parent[Int(object)] == ObjectTable.none, isWanted(Int(object)) { roots.append(object) }
    }
    self.roots = roots
  }

  /// Small pieces, so that threads end at about the same time.
  private var pieceSize: Int { max(1, roots.count / ForestRoots.pieceCount) }

  var pieces: Int { (roots.count + pieceSize - 1) / pieceSize }

  subscript(piece: Int) -> ArraySlice<UInt32> {
    let start = piece * pieceSize
    return roots[start..<min(roots.count, start + pieceSize)]
  }
}
