import Foundation
import Secrets

/// Bytes that libcurl reads while a transfer runs, zeroed when it is over.
final class WipedBuffer {
  let bytes: UnsafeMutableRawBufferPointer

  init(_ source: Data) {
    bytes = Self.room(for: source.count)
    bytes.copyBytes(from: source)
  }

  init(_ secret: Secret) {
    bytes = secret.withUnsafeBytes { source in
      let copy = Self.room(for: source.count)
      copy.copyMemory(from: source)
      return copy
    }
  }

  /// Never at no address, also for no bytes: libcurl would take a body from somewhere else.
  private static func room(for count: Int) -> UnsafeMutableRawBufferPointer {
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, count), alignment: 1)
    return UnsafeMutableRawBufferPointer(rebasing: room[..<count])
  }

  deinit {
    if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
    bytes.deallocate()
  }
}
