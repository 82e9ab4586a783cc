import CDeflate

/// Compresses to zlib streams. One per thread.
///
/// A compressor clears its tables for every stream, which takes longer than compressing a small one; and ids, which small
/// deltas of trees consist of, do not compress. So the effort grows with the size.
final class Deflater {
  private let stored: OpaquePointer
  private let quick: OpaquePointer
  private let thorough: OpaquePointer

  private static let tiny = 80
  private static let small = 2048

  init() throws(GitObjectsError) {
    guard let stored = libdeflate_alloc_compressor(0), let quick = libdeflate_alloc_compressor(1),
      let thorough = libdeflate_alloc_compressor(6)
    else {
      throw GitObjectsError(
        .system, what: "deflate objects", why: "out of memory", fix: "free memory, run again")
    }
    self.stored = stored
    self.quick = quick
    self.thorough = thorough
  }

  deinit {
    libdeflate_free_compressor(stored)
    libdeflate_free_compressor(quick)
    libdeflate_free_compressor(thorough)
  }

  /// Appends the compressed `input` to `target`; returns the number of bytes appended.
  func deflate(_ input: UnsafeBufferPointer<UInt8>, to target: ByteBuffer) -> Int {
    let handle = input.count < Deflater.tiny ? stored : input.count < Deflater.small ? quick : thorough
    let bound = libdeflate_zlib_compress_bound(handle, input.count)
    target.reserve(target.count + bound)
    let written = libdeflate_zlib_compress(
      handle, input.baseAddress, input.count, target.base + target.count, bound)
    target.count += written
    return written
  }
}
