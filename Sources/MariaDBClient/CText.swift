import Foundation

/// Text for a C library, zero-terminated and zeroed when it goes.
///
/// Invariant for @unchecked: the bytes are written in `init` and only read afterwards.
final class CText: @unchecked Sendable {
  private let buffer: UnsafeMutableRawBufferPointer
  /// Without the zero at its end.
  let count: Int

  init(_ bytes: some Collection<UInt8>) {
    count = bytes.count
    buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count + 1, alignment: 1)
    buffer.copyBytes(from: bytes)
    buffer[bytes.count] = 0
  }

  convenience init(_ text: String) { self.init(Array(text.utf8)) }

  /// As long as this object is held.
  var pointer: UnsafePointer<CChar>? {
    buffer.baseAddress.map { UnsafePointer($0.assumingMemoryBound(to: CChar.self)) }
  }

  deinit {
    if let start = buffer.baseAddress { explicit_bzero(start, buffer.count) }
    buffer.deallocate()
  }
}
