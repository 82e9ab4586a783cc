/// A search of every object that also keeps how commits, tags and trees hang together when there is something to locate.
///
/// Blobs come first. Only when one of them holds a hit are the trees, which are read next in any case, asked for their
/// entries too: whoever wants to know where the hits stand (``ObjectLocator``), or changes what leads to them
/// (``ObjectRewrite``), need not inflate them a second time. Without a hit in a blob this is ``ObjectScan`` and nothing more.
public struct ObjectSurvey: Sendable {
  /// What was found, and how it hangs together.
  public struct Outcome: Sendable {
    public let scan: ObjectScan.Outcome
    /// nil when no blob is of interest: whoever needs it after all reads it.
    let graph: CommitGraph?
    /// Edges to every blob of interest; nil also when a tree's own names hold a hit.
    let edges: TreeEdges?
  }

  private let scan: ObjectScan
  /// Blobs of interest besides those with a hit.
  private let blobs: Set<ObjectID>
  private let links: [ObjectID: ObjectID]
  /// Raw commits and tags are kept, for patching.
  private let keepsContents: Bool

  public init(objects: RepositoryObjects, patterns: SecretPatterns) {
    self.init(ObjectScan(objects: objects, patterns: patterns), keepsContents: false)
  }

  /// - Parameters:
  ///   - blobs: of interest besides those with a hit.
  ///   - links: commits of submodules that were rewritten.
  ///   - keepsContents: raw commits and tags are kept with the graph.
  init(
    _ scan: ObjectScan, blobs: Set<ObjectID> = [], links: [ObjectID: ObjectID] = [:], keepsContents: Bool
  ) {
    self.scan = scan
    self.blobs = blobs
    self.links = links
    self.keepsContents = keepsContents
  }

  /// Reads every object once. Blocks; uses a thread for each processor. Read only.
  /// - Throws: `.corrupt` (a pack or object breaks its format), `.cancelled`.
  public func run(progress: EngineProgress = .silent) throws(GitObjectsError) -> Outcome {
    let table = scan.objects.table
    let isBlob = { (object: Int) in table.kind[object] == ObjectKind.blob.rawValue }
    let first = ForestRoots(table, where: isBlob)
    let second = ForestRoots(table) { !isBlob($0) && scan.searches($0) }
    let isSuspect = Column<UInt8>(0, count: table.count)
    let total = first.pieces + second.pieces
    var found = try scan.found(first, isSuspect, progress: progress.part(of: total, behind: 0))
    let isWanted = Column<UInt8>(0, count: table.count)
    var isAny = !links.isEmpty
    for id in found.hits.map(\.object) + blobs {
      guard let object = table.ids.position(of: id), isBlob(object) else { continue }
      isWanted[object] = 1
      isAny = true
    }
    let rest = progress.part(of: total, behind: first.pieces)
    guard isAny else {
      let others = try scan.found(second, isSuspect, progress: rest)
      found.hits += others.hits
      found.notSearched += others.notSearched
      return Outcome(scan: scan.outcome(found), graph: nil, edges: nil)
    }
    let columns = TreeEdges.Columns(table, isWantedBlob: isWanted, links: links)
    let everything = ForestRoots(table) { !isBlob($0) }
    let whole = progress.part(of: first.pieces + everything.pieces, behind: first.pieces)
    let workers = try WorkerThreads.run(
      pieces: everything.pieces, phase: .scan, progress: whole,
      makeWorker: { () throws(GitObjectsError) in
        let visitor = SurveyVisitor(
          search: ScanVisitor(
            table: table, patterns: scan.patterns.compiled, isSuspect: isSuspect, progress: whole),
          scan: scan, commits: CommitGraph.Collector(table: table, keepsContents: keepsContents),
          trees: TreeEdges.Collector(columns))
        return Worker(visitor: visitor, walk: ForestWalk(try EntryReader(table)))
      },
      work: { (worker, piece) throws(GitObjectsError) in
        for root in everything[piece] { try worker.walk.walk(Int(root), &worker.visitor) }
      })
    for worker in workers { found.add(worker.visitor.search) }
    // A tree whose own names hold a hit is of interest itself, and that was not known when the edges were kept.
    let isWhole = !found.hits.contains { $0.kind == .tree }
    return Outcome(
      scan: scan.outcome(found), graph: try CommitGraph(table, workers.map(\.visitor.commits)),
      edges: isWhole ? TreeEdges(columns, workers.map(\.visitor.trees)) : nil)
  }

  private struct Worker: @unchecked Sendable {  // used by one thread, then read by the one that joined it
    var visitor: SurveyVisitor
    let walk: ForestWalk
  }
}

/// Searches commits, tags and trees, and keeps what they point to.
private struct SurveyVisitor: ForestVisitor {
  var search: ScanVisitor
  let scan: ObjectScan
  var commits: CommitGraph.Collector
  var trees: TreeEdges.Collector

  func enters(_ object: Int) -> Bool { true }

  func large(_ object: Int, _ reader: EntryReader) {}  // a blob; none is walked here

  mutating func visit(_ object: Int, content: UnsafeBufferPointer<UInt8>, origin: DeltaOrigin?)
    throws(GitObjectsError)
  {
    switch scan.objects.table.kind(object) {
    case .tree: trees.add(object, content)
    case .commit, .tag: commits.add(object, content)
    case .blob: break
    }
    if scan.searches(object) { try search.visit(object, content: content, origin: origin) }
  }
}
