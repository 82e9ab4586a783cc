import CZlib

/// A zlib stream that is inflated piece by piece, for contents that must not lie in memory whole. libdeflate is twice as fast,
/// but knows whole streams only.
///
/// A copy remembers a place to go on from: about 45 KB each. Source: zlib.h, inflate and inflateCopy.
final class InflateStream {
  // zlib's state points back to it, so it must not move.
  private let stream: UnsafeMutablePointer<z_stream>
  private let input: UnsafePointer<UInt8>
  private let available: Int
  /// Input given to zlib so far.
  private var fed: Int
  /// The stream's own end was reached, and its checksum was right.
  private(set) var isEnded: Bool

  private static let largestPiece = 1 << 30  // zlib counts in 32 bits

  init(_ input: UnsafePointer<UInt8>, _ available: Int) throws(GitObjectsError) {
    self.input = input
    self.available = available
    fed = 0
    isEnded = false
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard czlib_inflate_init(stream) == Z_OK else {
      stream.deallocate()
      throw InflateStream.noMemory
    }
  }

  init(copying other: InflateStream) throws(GitObjectsError) {
    input = other.input
    available = other.available
    fed = other.fed
    isEnded = other.isEnded
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard inflateCopy(stream, other.stream) == Z_OK else {
      stream.deallocate()
      throw InflateStream.noMemory
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Bytes of the input that are used up.
  var used: Int { fed - Int(stream.pointee.avail_in) }

  /// Inflates the next `count` bytes to `target`.
  /// - Returns: how many there were, fewer only at the end; nil when the stream is broken or cut off.
  func next(_ target: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int? {
    var written = 0
    while written < count, !isEnded {
      if stream.pointee.avail_in == 0, fed < available {
        let piece = min(available - fed, InflateStream.largestPiece)
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input + fed)
        stream.pointee.avail_in = UInt32(piece)
        fed += piece
      }
      let room = min(count - written, InflateStream.largestPiece)
      stream.pointee.next_out = target + written
      stream.pointee.avail_out = UInt32(room)
      let before = (stream.pointee.avail_in, stream.pointee.avail_out)
      let status = inflate(stream, Z_NO_FLUSH)
      written += room - Int(stream.pointee.avail_out)
      if status == Z_STREAM_END {
        isEnded = true
      } else if status != Z_OK || before == (stream.pointee.avail_in, stream.pointee.avail_out) {
        return nil
      }
    }
    return written
  }

  private static let noMemory = GitObjectsError(
    .system, what: "inflate objects", why: "out of memory", fix: "free memory, run again")
}
