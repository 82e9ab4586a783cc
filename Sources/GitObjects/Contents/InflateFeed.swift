import CZlib

/// Unpacks deflate (of zip) or gzip as it is read, a piece at a time. Source: zlib.h; RFC 1951, RFC 1952.
final class InflateFeed: ByteFeed {
  enum Format {
    /// Without head or check, as in zip.
    case deflate
    /// With all members that follow each other in a file.
    case gzip

    fileprivate var windowBits: Int32 { self == .gzip ? 31 : -15 }
  }

  private let source: any ByteFeed
  private let format: Format
  private let budget: UnpackingBudget
  // zlib's state points back to it, so it must not move.
  private let stream: UnsafeMutablePointer<z_stream>
  private let input = ByteBuffer(capacity: 1 << 16)
  private var isEnded = false
  /// Packed bytes stand behind the stream's end.
  private(set) var hasSurplus = false

  init(_ source: any ByteFeed, _ format: Format, _ budget: UnpackingBudget) throws(FeedError) {
    self.source = source
    self.format = format
    self.budget = budget
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard czlib_inflate_init2(stream, format.windowBits) == Z_OK else {
      stream.deallocate()
      throw FeedError("out of memory")
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  func read(_ target: UnsafeMutablePointer<UInt8>, _ count: Int) throws(FeedError) -> Int {
    let room = min(count, 1 << 30)  // zlib counts in 32 bits
    guard room > 0 else { return 0 }
    while !isEnded {
      let hasInput = try refill()
      stream.pointee.next_out = target
      stream.pointee.avail_out = UInt32(room)
      let status = inflate(stream, Z_NO_FLUSH)
      let written = room - Int(stream.pointee.avail_out)
      switch status {
      case Z_STREAM_END: try end()
      case Z_OK: break
      case Z_BUF_ERROR where hasInput: break
      case Z_BUF_ERROR: throw FeedError("its compressed data end too early")
      default: throw FeedError("its compressed data are broken")
      }
      if written > 0 {
        try budget.take(written)
        return written
      }
      guard hasInput || isEnded else { throw FeedError("its compressed data end too early") }
    }
    return 0
  }

  /// - Returns: false when there is no more to unpack.
  private func refill() throws(FeedError) -> Bool {
    if stream.pointee.avail_in > 0 { return true }
    let got = try source.read(input.base, input.capacity)
    stream.pointee.next_in = input.base
    stream.pointee.avail_in = UInt32(got)
    return got > 0
  }

  /// Another gzip member may follow; zeros fill up a tape's block.
  private func end() throws(FeedError) {
    while true {
      guard try refill() else {
        isEnded = true
        return
      }
      if format == .gzip, stream.pointee.next_in.pointee == 0x1F {
        guard inflateReset(stream) == Z_OK else { throw FeedError("its compressed data are broken") }
        return
      }
      guard format == .gzip, stream.pointee.next_in.pointee == 0 else { break }
      stream.pointee.next_in += 1
      stream.pointee.avail_in -= 1
    }
    isEnded = true
    hasSurplus = true
  }
}

/// How much may come out of one file: an archive of kilobytes can unpack to petabytes.
final class UnpackingBudget {
  private let limit: Int
  private var taken = 0
  private(set) var isSpent = false

  init(_ limit: Int) { self.limit = limit }

  func take(_ count: Int) throws(FeedError) {
    taken += count
    guard taken > limit else { return }
    isSpent = true
    throw FeedError("more than \(ContentLimits.words(limit)) come out of it")
  }
}
