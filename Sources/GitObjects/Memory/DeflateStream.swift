import CZlib

/// Compresses a content that comes piece by piece into one zlib stream.
final class DeflateStream {
  private let stream: UnsafeMutablePointer<z_stream>
  private static let piece = 1 << 16

  init() throws(GitObjectsError) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard czlib_deflate_init(stream, 1) == Z_OK else {
      stream.deallocate()
      throw GitObjectsError(
        .system, what: "deflate objects", why: "out of memory", fix: "free memory, run again")
    }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  /// Appends what is ready to `target`.
  /// - Parameter isLast: `bytes` are the last ones.
  func add(_ bytes: UnsafeBufferPointer<UInt8>, isLast: Bool, to target: ByteBuffer) {
    var start = 0
    repeat {
      let count = min(bytes.count - start, 1 << 30)
      stream.pointee.next_in = bytes.baseAddress.map { UnsafeMutablePointer(mutating: $0 + start) }
      stream.pointee.avail_in = UInt32(count)
      start += count
      run(isLast && start == bytes.count ? Z_FINISH : Z_NO_FLUSH, to: target)
    } while start < bytes.count
  }

  private func run(_ flush: Int32, to target: ByteBuffer) {
    var status = Z_OK
    repeat {
      target.reserve(target.count + DeflateStream.piece)
      stream.pointee.next_out = target.base + target.count
      stream.pointee.avail_out = UInt32(DeflateStream.piece)
      status = deflate(stream, flush)
      target.count += DeflateStream.piece - Int(stream.pointee.avail_out)
    } while stream.pointee.avail_out == 0 && status == Z_OK
  }
}
