import Foundation

/// Looks for secrets in bytes of any number: in windows that overlap by more than a hit can span, so that a disk image costs
/// time, not memory.
package struct WindowSearch {
  package let patterns: SecretPatterns
  /// Read at once.
  package var window: Int
  package let isCancelled: () -> Bool

  package static let usualWindow = 16 << 20

  package init(
    patterns: SecretPatterns, window: Int = WindowSearch.usualWindow,
    isCancelled: @escaping () -> Bool = { false }
  ) {
    self.patterns = patterns
    self.window = window
    self.isCancelled = isCancelled
  }

  /// Calls `found` for every hit, by position.
  ///
  /// - Parameters:
  ///   - size: how many bytes there should be; nil: nobody knows. More are searched, too.
  ///   - whole: gets what fits into one window, with its hits, before `found` does; true: they need not be told one by one.
  /// - Returns: why the rest could not be read; nil when everything was searched.
  /// - Throws: `.unsupported` when an expression cannot be matched here; `.cancelled`.
  package func run(
    _ feed: any ByteFeed, expecting size: Int? = nil,
    whole: (UnsafeBufferPointer<UInt8>, [SecretPatterns.TextHit]) -> Bool = { _, _ in false },
    passed: (Int) -> Void = { _ in },
    found: (SecretPatterns.TextHit) -> Void
  ) throws(GitObjectsError) -> FeedError? {
    let overlap = patterns.longestSpan
    let full = max(window, 4 * overlap)
    // One byte more than there should be, so that the first read meets the end.
    let buffer = ByteBuffer(capacity: size.map { min(full, max(4096, min($0, full) + 1)) } ?? 65_536)
    // Where the buffer starts, and how many lines stand before it.
    var start = feed.passHole()
    var lines = 0
    var isFirst = start == 0
    while true {
      if isCancelled() { throw .cancelled }
      let before = buffer.count
      let end = fill(buffer, feed, upTo: full)
      passed(buffer.count - before)
      let text = buffer.bytes
      let kept = end.isReached ? text.count : text.count - overlap
      let hits = try patterns.hits(in: text)
      if !hits.isEmpty, !(isFirst && end.isReached && end.failure == nil && whole(text, hits)) {
        for hit in hits where hit.offset < kept { found(hit.moved(by: start, lines: lines)) }
      }
      if end.isReached { return end.failure }
      isFirst = false
      lines += Self.lines(in: text, upTo: kept)
      start += kept
      buffer.count -= kept
      memmove(buffer.base, buffer.base + kept, buffer.count)
      if Self.isZero(buffer.bytes) {
        let hole = feed.passHole()
        if hole > 0 {
          start += buffer.count + hole
          buffer.count = 0
        }
      }
    }
  }

  private struct End {
    var isReached = false
    /// It is the end because no more can be read.
    var failure: FeedError?
  }

  private func fill(_ buffer: ByteBuffer, _ feed: any ByteFeed, upTo full: Int) -> End {
    while buffer.count < full {
      // Where nobody knows how much comes, memory follows what came.
      if buffer.count == buffer.capacity { buffer.reserve(min(full, 2 * buffer.capacity)) }
      let room = min(buffer.capacity, full) - buffer.count
      do throws(FeedError) {
        let got = try feed.read(buffer.base + buffer.count, room)
        if got == 0 { return End(isReached: true) }
        buffer.count += got
      } catch {
        return End(isReached: true, failure: error)
      }
    }
    return End()
  }

  private static func lines(in text: UnsafeBufferPointer<UInt8>, upTo end: Int) -> Int {
    guard let base = text.baseAddress else { return 0 }
    var count = 0
    var position = 0
    while position < end, let next = memchr(base + position, 0x0A, end - position) {
      count += 1
      position = UnsafeRawPointer(next) - UnsafeRawPointer(base) + 1
    }
    return count
  }

  private static func isZero(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let base = text.baseAddress, text.count > 1 else { return text.first == 0 }
    return base[0] == 0 && memcmp(base, base + 1, text.count - 1) == 0
  }
}
