import CDeflate

/// Compresses to zlib streams. One per thread.
///
/// The effort grows with the size: ids, which small deltas of trees consist of, do not compress, and a general compressor's
/// start costs more than a small stream is worth.
final class Deflater {
  private let stored: OpaquePointer
  private let quick: OpaquePointer
  private let thorough: OpaquePointer
  private let small = [SmallDeflater(), SmallDeflater(), SmallDeflater()]

  private static let tiny = 80
  private static let large = 1 << 16

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

  /// Appends the compressed `input`, an object of `kind` or a delta for one, to `target`; returns the number of bytes
  /// appended.
  func deflate(_ input: UnsafeBufferPointer<UInt8>, _ kind: ObjectKind, to target: ByteBuffer) -> Int {
    if input.count >= Deflater.tiny, let written = deflater(for: kind).deflate(input, to: target) {
      return written
    }
    let handle = input.count < Deflater.tiny ? stored : input.count < Deflater.large ? quick : thorough
    let bound = libdeflate_zlib_compress_bound(handle, input.count)
    target.reserve(target.count + bound)
    let written = libdeflate_zlib_compress(
      handle, input.baseAddress, input.count, target.base + target.count, bound)
    target.count += written
    return written
  }

  private func deflater(for kind: ObjectKind) -> SmallDeflater {
    switch kind {
    case .commit, .tag: small[0]
    case .tree: small[1]
    case .blob: small[2]
    }
  }
}
