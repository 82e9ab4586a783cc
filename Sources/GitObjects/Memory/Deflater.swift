import CDeflate

/// Compresses to zlib streams. One per thread.
final class Deflater {
  private let handle: OpaquePointer

  /// - Parameter level: libdeflate's, 1 to 12; its 6 is as small as zlib's 6.
  init(level: Int32 = 6) throws(GitObjectsError) {
    guard let handle = libdeflate_alloc_compressor(level) else {
      throw GitObjectsError(
        .system, what: "deflate objects", why: "out of memory", fix: "free memory, run again")
    }
    self.handle = handle
  }

  deinit { libdeflate_free_compressor(handle) }

  /// Appends the compressed `input` to `target`; returns the number of bytes appended.
  func deflate(_ input: UnsafeBufferPointer<UInt8>, to target: ByteBuffer) -> Int {
    let bound = libdeflate_zlib_compress_bound(handle, input.count)
    target.reserve(target.count + bound)
    let written = libdeflate_zlib_compress(
      handle, input.baseAddress, input.count, target.base + target.count, bound)
    target.count += written
    return written
  }
}
