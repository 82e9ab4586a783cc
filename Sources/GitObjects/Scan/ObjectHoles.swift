/// Objects that others name and a repository does not hold: it is damaged, and nobody can say what is not in them.
public struct ObjectHoles: Sendable {
  private let objects: RepositoryObjects

  public init(_ objects: RepositoryObjects) { self.objects = objects }

  /// Reads every commit, tag and tree once. Commits of submodules are elsewhere, and no holes.
  ///
  /// - Returns: the ids that are named and not there, in ascending order. What names them may be garbage that no reference
  ///   leads to: that, `git fsck` tells.
  /// - Throws: `.corrupt`, `.cancelled`.
  public func find(progress: EngineProgress = .silent) throws(GitObjectsError) -> [ObjectID] {
    let table = objects.table
    let roots = ForestRoots(table) { table.kind[$0] != ObjectKind.blob.rawValue }
    let workers = try WorkerThreads.run(
      pieces: roots.pieces, phase: .trees, progress: progress,
      makeWorker: { () throws(GitObjectsError) in
        Worker(visitor: HoleVisitor(table: table), walk: ForestWalk(try EntryReader(table)))
      },
      work: { (worker, piece) throws(GitObjectsError) in
        for root in roots[piece] { try worker.walk.walk(Int(root), &worker.visitor) }
      })
    return workers.reduce(into: Set<ObjectID>()) { $0.formUnion($1.visitor.holes) }.sorted()
  }

  private struct Worker: @unchecked Sendable {  // used by one thread, then read by the one that joined it
    var visitor: HoleVisitor
    let walk: ForestWalk
  }
}

/// Asks for everything that a commit, a tag or a tree names whether it is there.
private struct HoleVisitor: ForestVisitor {
  let table: ObjectTable
  private let cache = TreeIndexCache()
  private(set) var holes: Set<ObjectID> = []

  init(table: ObjectTable) { self.table = table }

  func enters(_ object: Int) -> Bool { true }

  func large(_ object: Int, _ reader: EntryReader) {}  // a blob; none is walked here

  mutating func visit(_ object: Int, content: UnsafeBufferPointer<UInt8>, origin: DeltaOrigin?) {
    switch table.kind(object) {
    case .blob: break
    case .tree: look(atTree: content)
    case .commit, .tag: look(atHeaders: content)
    }
  }

  private mutating func look(atTree content: UnsafeBufferPointer<UInt8>) {
    guard let base = content.baseAddress else { return }
    for entry in TreeEntries(content) {
      if case .link = TreeMode(content, entry.mode) { continue }
      let id = base + entry.id
      if cache.index(of: id, in: table) == ObjectTable.none { holes.insert(ObjectID(at: id)) }
    }
  }

  private static let naming = ["tree", "parent", "object"].map { Array($0.utf8) }

  private mutating func look(atHeaders content: UnsafeBufferPointer<UInt8>) {
    for header in ObjectHeaders(content) {
      guard header.value.count == 40, Self.naming.contains(where: { $0.elementsEqual(content[header.name]) }),
        let id = ObjectID(hex: String(decoding: content[header.value], as: UTF8.self)),
        table.ids.position(of: id) == nil
      else { continue }
      holes.insert(id)
    }
  }
}
