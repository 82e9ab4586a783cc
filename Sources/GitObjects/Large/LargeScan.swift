/// Searches contents that are too large to be built in memory, in windows that overlap by more than a hit can span.
struct LargeScan {
  let patterns: CompiledPatterns
  let progress: EngineProgress
  private(set) var hits: [ObjectHit] = []
  /// Of one object. A log of gigabytes with the value in every line would fill the memory with places.
  private static let mostHits = 100_000
  private(set) var notSearched: [ObjectScan.Unsearched] = []

  init(_ patterns: CompiledPatterns, progress: EngineProgress) {
    self.patterns = patterns
    self.progress = progress
  }

  /// Searches `top` and every delta on it.
  mutating func search(_ top: Int, _ reader: EntryReader) throws(GitObjectsError) {
    let table = reader.table
    try LargeObjects(reader: reader).forEach(
      from: top, where: { _ in true },
      { (object, content) throws(GitObjectsError) in try search(content, table.ids[object], table.window) },
      unreadable: { (object, error) throws(GitObjectsError) in try leave(table.ids[object], error) })
  }

  /// What only cannot be followed is named; anything else ends the scan.
  private mutating func leave(_ id: ObjectID, _ error: GitObjectsError) throws(GitObjectsError) {
    guard error.code == .unsupported else { throw error }
    notSearched.append(.init(object: id, why: error.why))
  }

  private mutating func search(_ content: any ObjectContent, _ id: ObjectID, _ window: Int)
    throws(GitObjectsError)
  {
    var windows = ContentWindows(content, overlap: patterns.longestSpan, size: window)
    var lines = 0
    let before = hits.count
    while true {
      if progress.isCancelled() { throw .cancelled }
      let next: ContentWindow?
      do throws(GitObjectsError) { next = try windows.next() } catch { return try leave(id, error) }
      guard let window = next else { return }
      var counter = LineCounter(window.text)
      if patterns.mayHit(window.text) {
        for hit in try patterns.search(window.text) where window.own.contains(hit.span.lowerBound) {
          let offset = hit.span.lowerBound
          hits.append(
            ObjectHit(
              object: id, kind: .blob, place: .blob, offset: window.start + offset, length: hit.span.count,
              line: lines + counter.line(at: offset), pattern: hit.pattern, form: hit.form))
        }
      }
      if window.isLast { return }
      guard hits.count - before < LargeScan.mostHits else {
        notSearched.append(
          .init(
            object: id, why: "it holds more than \(LargeScan.mostHits) matches; further ones are not listed"))
        return
      }
      // The next window starts as far before its own part as this one reaches behind its own.
      counter = LineCounter(window.text)
      lines += counter.line(at: window.own.upperBound - patterns.longestSpan) - 1
    }
  }
}
