import Foundation

/// Cleans a content that is too large for memory, piece by piece. A piece ends where nothing that is replaced is near.
struct LargeCleaning {
  let patterns: CompiledPatterns
  let progress: EngineProgress
  /// Read at once.
  let window: Int

  /// How far a piece's end is to be from the next hit: what a replacement may look at around it. Less where hits are dense.
  private static let margins = [4096, 64, 0]

  /// Gives the cleaned content to `body`, piece after piece. Two calls give the same.
  /// - Throws: `.unsupported` when one match does not end within a window.
  func run(
    _ content: any ObjectContent, what: String,
    _ body: (UnsafeBufferPointer<UInt8>) throws(GitObjectsError) -> Void
  ) throws(GitObjectsError) {
    let overlap = patterns.longestSpan
    let size = max(window, 4 * overlap)
    let buffer = ByteBuffer(capacity: min(size, content.count) + 16)
    var start = 0
    while start + buffer.count < content.count || buffer.count > 0 {
      if progress.isCancelled() { throw .cancelled }
      let end = min(content.count, start + size)
      try content.read(at: start + buffer.count, end - start - buffer.count, to: buffer.base + buffer.count)
      buffer.count = end - start
      let text = buffer.bytes
      let isSuspect = patterns.mayHit(text)
      var cut = end == content.count ? text.count : text.count - overlap
      if isSuspect, end < content.count { cut = try self.cut(text, at: cut, what) }
      let piece = UnsafeBufferPointer(rebasing: text[..<cut])
      let cleaned = isSuspect ? try PlaceCleaning(patterns: patterns).cleaned(piece, as: .blob) : nil
      if let cleaned {
        try cleaned.withUnsafeBufferPointer { bytes throws(GitObjectsError) in try body(bytes) }
      } else {
        try body(piece)
      }
      memmove(buffer.base, buffer.base + cut, text.count - cut)
      buffer.count = text.count - cut
      start += cut
    }
  }

  /// The last place up to `wanted` that no hit reaches.
  private func cut(_ text: UnsafeBufferPointer<UInt8>, at wanted: Int, _ what: String) throws(GitObjectsError)
    -> Int
  {
    let spans = try patterns.search(text).map(\.span)
    for margin in LargeCleaning.margins {
      var cut = wanted
      // By end, so that a cut that goes back before one hit is looked at against those before it.
      for span in spans.sorted(by: { $0.upperBound > $1.upperBound })
      where span.lowerBound - margin < cut && cut < span.upperBound + margin {
        cut = span.lowerBound - margin
      }
      if cut > 0 { return cut }
    }
    throw GitObjectsError(
      .unsupported, what: what, why: "an expression matches more than \(text.count >> 20) MiB of it at once",
      fix:
        "give the expression a bound, such as {1,5000}, or remove the file from history: --remove-path PATH")
  }
}
