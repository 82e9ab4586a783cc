import Foundation

/// A piece of a content, with what stands around it.
struct ContentWindow {
  let text: UnsafeBufferPointer<UInt8>
  /// Where ``text`` starts in the content.
  let start: Int
  /// Where in ``text`` a hit must start to be this window's: every place of a content belongs to exactly one.
  let own: Range<Int>
  let isLast: Bool
}

/// Goes through a content in windows that overlap on both sides, so that what looks at them sees what a look at the whole sees,
/// as far as it looks no further than the overlap.
struct ContentWindows {
  private let content: any ObjectContent
  private let overlap: Int
  private let buffer: ByteBuffer
  private let size: Int
  private var start = 0
  private var filled = 0
  private var isDone = false

  init(_ content: any ObjectContent, overlap: Int, size: Int = ObjectTable.usualWindow) {
    self.content = content
    self.overlap = overlap
    self.size = max(size, 4 * overlap)
    buffer = ByteBuffer(capacity: min(self.size, content.count) + 16)
  }

  /// Valid until the next call. An empty content has one empty window.
  mutating func next() throws(GitObjectsError) -> ContentWindow? {
    guard !isDone else { return nil }
    if filled > 0 {
      let kept = 2 * overlap
      start += filled - kept
      memmove(buffer.base, buffer.base + filled - kept, kept)
      filled = kept
    }
    let end = min(content.count, start + size)
    try content.read(at: start + filled, end - start - filled, to: buffer.base + filled)
    filled = end - start
    buffer.count = filled
    isDone = end == content.count
    return ContentWindow(
      text: buffer.bytes, start: start,
      own: (start == 0 ? 0 : overlap)..<(isDone ? filled : filled - overlap), isLast: isDone)
  }
}

extension CompiledPatterns {
  /// False when `text` surely holds no hit. Zeros, which disk images consist of, are passed over at the speed of memory.
  func mayHit(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard expressions.isEmpty else { return true }
    guard let base = text.baseAddress, text.count > 0 else { return false }
    if base[0] == 0, memcmp(base, base + 1, text.count - 1) == 0 {
      return forms.contains { form in form.bytes.allSatisfy { $0 == 0 } }
    }
    return suspects(base, from: 0, to: text.count)
  }
}
