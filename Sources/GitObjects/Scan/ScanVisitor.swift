/// Looks at every object of the delta forest: whole where there is no clean base, else only where it differs from it.
struct ScanVisitor: ForestVisitor {
  private let table: ObjectTable
  private let patterns: CompiledPatterns
  private let windows: DeltaWindows
  private let longWindows: DeltaWindows
  /// ``suspect`` for an object in which a probe was met, hit or not: its deltas are searched whole. ``undecided`` for one with
  /// escapes or UTF-16 that give nothing as they stand: its deltas are looked at in long windows.
  private let isSuspect: Column<UInt8>
  private(set) var hits: [ObjectHit] = []
  private(set) var notSearched: [ObjectScan.Unsearched] = []
  private let progress: EngineProgress

  /// - Parameter isSuspect: one byte an object; workers write disjoint ones.
  init(
    table: ObjectTable, patterns: CompiledPatterns, isSuspect: Column<UInt8>, progress: EngineProgress
  ) {
    self.table = table
    self.progress = progress
    self.patterns = patterns
    self.isSuspect = isSuspect
    windows = DeltaWindows(patterns)
    longWindows = DeltaWindows(patterns, isLong: true)
  }

  private static let suspect: UInt8 = 1
  private static let undecided: UInt8 = 2

  func enters(_ object: Int) -> Bool { true }

  mutating func needsLeaf(_ object: Int, origin: DeltaOrigin) throws(GitObjectsError) -> Bool {
    try needsSearch(object, origin)
  }

  /// False when the object surely holds nothing that its base does not hold.
  private func needsSearch(_ object: Int, _ origin: DeltaOrigin) throws(GitObjectsError) -> Bool {
    let base = isSuspect[Int(table.parent[object])]
    guard patterns.expressions.isEmpty, base != Self.suspect else { return true }
    let windows = base == Self.undecided ? longWindows : windows
    guard let suspects = windows.suspects(origin.delta, on: origin.base) else {
      throw .corrupt(table.place(of: object), "its delta does not fit its base")
    }
    // What is undecided in the base may be a part of this one, too.
    if !suspects { isSuspect[object] = base }
    return suspects
  }

  mutating func large(_ object: Int, _ reader: EntryReader) throws(GitObjectsError) {
    var scan = LargeScan(patterns, progress: progress)
    try scan.search(object, reader)
    hits += scan.hits
    notSearched += scan.notSearched
  }

  mutating func visit(_ object: Int, content: UnsafeBufferPointer<UInt8>, origin: DeltaOrigin?)
    throws(GitObjectsError)
  {
    if let origin, try !needsSearch(object, origin) { return }
    if table.kind[object] == ObjectKind.blob.rawValue, table.parent[object] != ObjectTable.none,
      isSuspect[Int(table.parent[object])] == Self.suspect
    {
      // Most such versions hold the secret too, so one search does for both questions.
      return try searchBlob(object, content)
    }
    switch patterns.look(at: content) {
    case .clean: if patterns.expressions.isEmpty { return }
    case .undecided:
      isSuspect[object] = Self.undecided
      if patterns.expressions.isEmpty { return }
    case .wide(let texts):
      isSuspect[object] = Self.undecided
      if patterns.expressions.isEmpty, !patterns.holdsHit(in: texts, of: content) { return }
    case .suspect: isSuspect[object] = Self.suspect
    }
    let found = try ObjectSearch(patterns: patterns).hits(
      in: content, kind: table.kind(object), id: table.ids[object])
    if !found.isEmpty { isSuspect[object] = Self.suspect }
    hits += found
  }

  private mutating func searchBlob(
    _ object: Int, _ content: UnsafeBufferPointer<UInt8>
  ) throws(GitObjectsError) {
    var meetsProbe = false
    let found = try patterns.search(content, meetsProbe: &meetsProbe)
    if meetsProbe { isSuspect[object] = Self.suspect }
    guard !found.isEmpty else { return }
    var lines = LineCounter(content)
    for hit in found {
      hits.append(
        ObjectHit(
          object: table.ids[object], kind: .blob, place: .blob, offset: hit.span.lowerBound,
          length: hit.span.count, line: lines.line(at: hit.span.lowerBound), pattern: hit.pattern,
          form: hit.form))
    }
  }
}

/// Finds the hits in one object that may hold some.
struct ObjectSearch {
  let patterns: CompiledPatterns

  func hits(
    in content: UnsafeBufferPointer<UInt8>, kind: ObjectKind, id: ObjectID
  ) throws(GitObjectsError) -> [ObjectHit] {
    var hits: [ObjectHit] = []
    var lines = LineCounter(content)
    for (number, part) in ObjectParts.parts(of: content, kind: kind).enumerated() {
      let text = UnsafeBufferPointer(rebasing: content[part.range])
      for hit in try patterns.search(text) {
        let offset = part.range.lowerBound + hit.span.lowerBound
        hits.append(
          ObjectHit(
            object: id, kind: kind, place: part.place, offset: offset, length: hit.span.count,
            line: kind == .tree ? number + 1 : lines.line(at: offset), pattern: hit.pattern, form: hit.form))
      }
    }
    return hits
  }
}
