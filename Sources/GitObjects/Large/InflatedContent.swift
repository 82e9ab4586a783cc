import Foundation

/// A compressed content of any size, inflated in blocks as they are wanted.
///
/// From time to time the inflater's state is kept, so that a step back costs a part of the stream and not all of it.
final class InflatedContent: ObjectContent {
  /// Where the stream lies, and what it holds.
  struct Source {
    let file: MappedFile
    let start: Int
    let available: Int
    /// Inflated bytes before the content: the header of a loose object.
    let header: Int
    /// Inflated bytes of the content.
    let count: Int
    /// For messages.
    let what: String
  }

  let count: Int
  private let source: Source
  private let total: Int
  private var stream: InflateStream
  /// The block that the stream gives next.
  private var next = 0
  private var marks: [Int: InflateStream] = [:]
  private let spacing: Int
  private var cache: [(block: Int, buffer: ByteBuffer)] = []
  private let mostCached: Int
  private let scratch = ByteBuffer(capacity: InflatedContent.blockSize)
  /// Blocks that were inflated only to get further.
  private var passed = 0
  private var forgotten = 0

  private static let blockSize = 1 << 18
  private static let forgetting = 16 << 20
  private static let checkpoint = 16  // blocks: 4 MiB

  /// - Parameter isBase: it is read here and there; else (a delta's own bytes) mostly from front to end.
  init(_ source: Source, isBase: Bool) throws(GitObjectsError) {
    self.source = source
    count = source.count
    total = source.header + source.count
    let blocks = (total + InflatedContent.blockSize - 1) / InflatedContent.blockSize
    spacing = max(InflatedContent.checkpoint, blocks / (isBase ? 64 : 16))
    mostCached = isBase ? 16 : 4
    stream = try InflateStream(source.file.base + source.start, source.available)
  }

  func read(at offset: Int, _ count: Int, to target: UnsafeMutablePointer<UInt8>) throws(GitObjectsError) {
    var done = 0
    while done < count {
      let position = source.header + offset + done
      let inside = position % InflatedContent.blockSize
      let block = try self.block(position / InflatedContent.blockSize)
      let piece = min(count - done, block.count - inside)
      memcpy(target + done, block.base + inside, piece)
      done += piece
    }
  }

  private func block(_ number: Int) throws(GitObjectsError) -> ByteBuffer {
    if let place = cache.lastIndex(where: { $0.block == number }) {
      let found = cache[place]
      if place != cache.count - 1 {
        cache.remove(at: place)
        cache.append(found)
      }
      return found.buffer
    }
    try approach(number)
    let buffer =
      cache.count < mostCached
      ? ByteBuffer(capacity: InflatedContent.blockSize) : cache.removeFirst().buffer
    try inflate(to: buffer)
    cache.append((number, buffer))
    return buffer
  }

  /// Brings the stream to the start of block `number`.
  private func approach(_ number: Int) throws(GitObjectsError) {
    let mark = marks.keys.filter { $0 <= number }.max() ?? 0
    if number < next || mark > next {
      if let kept = marks[mark] {
        stream = try InflateStream(copying: kept)
      } else {
        stream = try InflateStream(source.file.base + source.start, source.available)
      }
      next = mark
      forgotten = min(forgotten, stream.used)
    }
    while next < number {
      passed += 1
      try inflate(to: scratch)
    }
    // A delta that jumps about on purpose would keep us busy for days.
    guard passed <= total / InflatedContent.blockSize * 16 + (4 << 30) / InflatedContent.blockSize else {
      throw GitObjectsError(
        .unsupported, what: source.what, why: "its deltas jump about in it more than can be followed",
        fix: "git repack -a -d -f --depth=10, then run the command again")
    }
  }

  private func inflate(to buffer: ByteBuffer) throws(GitObjectsError) {
    let wanted = min(InflatedContent.blockSize, total - next * InflatedContent.blockSize)
    guard wanted > 0, stream.next(buffer.base, wanted) == wanted else { throw broken }
    buffer.count = wanted
    next += 1
    if (next - 1) * InflatedContent.blockSize + wanted == total { try finish() }
    if next % spacing == 0, marks[next] == nil { marks[next] = try InflateStream(copying: stream) }
    if stream.used - forgotten > InflatedContent.forgetting {
      source.file.forgetPages((source.start + forgotten)..<(source.start + stream.used))
      forgotten = stream.used
    }
  }

  /// The stream ends here, and nothing follows it.
  private func finish() throws(GitObjectsError) {
    var surplus: UInt8 = 0
    guard stream.next(&surplus, 1) == 0, stream.isEnded, stream.used == source.available else { throw broken }
  }

  private var broken: GitObjectsError {
    .corrupt(source.what, "the zlib stream is broken or of another size")
  }
}
