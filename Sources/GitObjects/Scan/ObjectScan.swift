/// Looks for secrets in every object of a repository, reachable or not.
public struct ObjectScan: Sendable {
  /// What a scan found.
  public struct Outcome: Sendable {
    /// By object id, then offset.
    public let hits: [ObjectHit]
    public let objectCount: Int
    public let commitCount: Int
    /// Objects that could not be looked into: they may hold a secret.
    public let notSearched: [Unsearched]
  }

  /// An object that was left out of a scan.
  public struct Unsearched: Sendable, Hashable {
    public let object: ObjectID
    public let why: String
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
    return outcome(try found(ForestRoots(objects.table, where: searches), isSuspect, progress: progress))
  }

  /// Whether `object` may hold what is searched.
  func searches(_ object: Int) -> Bool {
    searchesPaths || objects.table.kind[object] != ObjectKind.tree.rawValue
  }

  /// What a part of a scan found, in no order.
  struct Found: Sendable {
    var hits: [ObjectHit] = []
    var notSearched: [Unsearched] = []

    mutating func add(_ visitor: ScanVisitor) {
      hits += visitor.hits
      notSearched += visitor.notSearched
    }
  }

  /// What the delta trees below `roots` hold.
  /// - Parameter isSuspect: one byte an object.
  func found(_ roots: ForestRoots, _ isSuspect: Column<UInt8>, progress: EngineProgress)
    throws(GitObjectsError) -> Found
  {
    let table = objects.table
    let compiled = patterns.compiled
    let workers = try WorkerThreads.run(
      pieces: roots.pieces, phase: .scan, progress: progress,
      makeWorker: { () throws(GitObjectsError) in
        let visitor = ScanVisitor(
          table: table, patterns: compiled, isSuspect: isSuspect, progress: progress)
        return Worker(visitor: visitor, walk: ForestWalk(try EntryReader(table)))
      },
      work: { (worker, piece) throws(GitObjectsError) in
        for root in roots[piece] { try worker.walk.walk(Int(root), &worker.visitor) }
      })
    return workers.reduce(into: Found()) { $0.add($1.visitor) }
  }

  func outcome(_ found: Found) -> Outcome {
    let table = objects.table
    let commits = (0..<table.count).count { table.kind[$0] == ObjectKind.commit.rawValue }
    let sorted = found.hits.sorted { left, right in
      left.object != right.object ? left.object < right.object : left.offset < right.offset
    }
    return Outcome(
      hits: sorted, objectCount: table.count, commitCount: commits,
      notSearched: found.notSearched.sorted { $0.object < $1.object })
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
