import Foundation

/// The bytes of an object or delta that are read where they are wanted. One per thread.
protocol ObjectContent: AnyObject {
  var count: Int { get }

  /// Copies `count` bytes from `offset` on to `target`; the caller stays within ``count``.
  /// - Throws: `.corrupt`; `.unsupported` when jumping about in it costs too much.
  func read(at offset: Int, _ count: Int, to target: UnsafeMutablePointer<UInt8>) throws(GitObjectsError)
}

/// What lies in memory anyway.
final class BufferContent: ObjectContent {
  private let buffer: ByteBuffer

  init(_ buffer: ByteBuffer) { self.buffer = buffer }

  var count: Int { buffer.count }

  func read(at offset: Int, _ count: Int, to target: UnsafeMutablePointer<UInt8>) {
    memcpy(target, buffer.base + offset, count)
  }
}
