import Foundation

/// Bytes in one piece of memory that grows; it is never cleared on growth.
///
/// Invariant for @unchecked: owned by one thread at a time.
final class ByteBuffer: @unchecked Sendable {
  private(set) var base: UnsafeMutablePointer<UInt8>
  private(set) var capacity: Int
  var count = 0

  init(capacity: Int = 4096) {
    self.capacity = capacity
    base = .allocate(capacity: capacity)
  }

  deinit { base.deallocate() }

  var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }

  /// Room for `total` bytes; keeps the first ``count``.
  @inline(__always)
  func reserve(_ total: Int) {
    if total > capacity { grow(to: total) }
  }

  private func grow(to total: Int) {
    let larger = max(total, capacity + capacity / 2)
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
    memcpy(memory, base, count)
    base.deallocate()
    base = memory
    capacity = larger
  }

  @inline(__always)
  func append(_ source: UnsafePointer<UInt8>, _ length: Int) {
    reserve(count + length)
    memcpy(base + count, source, length)
    count += length
  }

  func append(_ source: UnsafeBufferPointer<UInt8>) {
    if let start = source.baseAddress { append(start, source.count) }
  }

  func append(_ source: [UInt8]) { source.withUnsafeBufferPointer { append($0) } }

  @inline(__always)
  func append(_ byte: UInt8) {
    reserve(count + 1)
    base[count] = byte
    count += 1
  }
}

/// Buffers to be used again: a fresh large allocation costs page faults.
final class BufferPool {
  private var free: [ByteBuffer] = []
  private var held = 0
  private let limit: Int

  /// - Parameter limit: bytes kept for later; more is given back to the system.
  init(limit: Int = 32 << 20) { self.limit = limit }

  /// An empty buffer with room for `capacity` bytes.
  func take(_ capacity: Int) -> ByteBuffer {
    guard let buffer = free.popLast() else { return ByteBuffer(capacity: max(capacity, 1 << 14)) }
    held -= buffer.capacity
    buffer.count = 0
    buffer.reserve(capacity)
    return buffer
  }

  func give(_ buffer: ByteBuffer) {
    guard held + buffer.capacity <= limit else { return }
    held += buffer.capacity
    free.append(buffer)
  }
}
