import CDeflate

/// Decompresses zlib streams whose inflated size is known. One per thread.
final class Inflater {
  private let handle: OpaquePointer

  init() throws(GitObjectsError) {
    guard let handle = libdeflate_alloc_decompressor() else {
      throw GitObjectsError(
        .system, what: "inflate objects", why: "out of memory", fix: "free memory, run again")
    }
    self.handle = handle
  }

  deinit { libdeflate_free_decompressor(handle) }

  /// Inflates `input` to exactly `size` bytes at `target`; returns the number of input bytes read, or nil when the stream
  /// is broken or of another size.
  @inline(__always)
  func inflate(
    _ input: UnsafePointer<UInt8>, _ available: Int, to target: UnsafeMutablePointer<UInt8>, size: Int
  )
    -> Int?
  {
    var used = 0
    var written = 0
    let result = libdeflate_zlib_decompress_ex(handle, input, available, target, size, &used, &written)
    return result == LIBDEFLATE_SUCCESS && written == size ? used : nil
  }

  /// Inflates all of `input`, of unknown size, but at most `limit` bytes; nil when it is broken or larger.
  func inflate(_ input: UnsafePointer<UInt8>, _ available: Int, limit: Int) -> ByteBuffer? {
    var capacity = min(limit, max(4096, available * 4))
    while true {
      let buffer = ByteBuffer(capacity: capacity + 1)
      var used = 0
      var written = 0
      let result = libdeflate_zlib_decompress_ex(
        handle, input, available, buffer.base, capacity, &used, &written)
      if result == LIBDEFLATE_SUCCESS {
        buffer.count = written
        return buffer
      }
      guard result == LIBDEFLATE_INSUFFICIENT_SPACE, capacity < limit else { return nil }
      capacity = min(limit, capacity * 4)
    }
  }

  /// No deflate stream grows by more than this (RFC 1951: 258 bytes from two bits), so a larger size is a lie.
  static func largestSize(from compressed: Int) -> Int {
    compressed.multipliedReportingOverflow(by: 1032).0 &+ 64
  }
}
