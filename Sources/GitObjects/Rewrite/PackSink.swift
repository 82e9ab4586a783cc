import CFastHash
import Dispatch
import Foundation
import Synchronization

/// Hashes and writes the new pack on a thread of its own, while the next piece is put together.
final class PackSink: Sendable {
  private struct State {
    var failure: GitObjectsError?
    var written = 0
    var spare: [ByteBuffer] = []
    var pending = 0
  }

  private let queue = DispatchQueue(label: "staunch.pack-sink")
  private let state = Mutex(State())
  private let path: String
  private let descriptor: Int32
  // Invariant: used on `queue` only, and freed when nothing is left on it.
  private nonisolated(unsafe) let hash: OpaquePointer

  /// Pieces that may wait; more would only take memory.
  private static let mostPending = 3

  /// - Parameter path: a new file.
  init(_ path: String) throws(GitObjectsError) {
    guard let hash = fast_hash_stream_new() else { throw .system("hash the new pack") }
    self.hash = hash
    self.path = path
    descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o444)
    if descriptor < 0 {
      let error = GitObjectsError.system("create \(path)")
      fast_hash_stream_free(hash)
      throw error
    }
  }

  deinit {
    close(descriptor)
    fast_hash_stream_free(hash)
  }

  /// Takes `buffer` over and gives an empty one.
  func exchange(_ buffer: ByteBuffer) throws(GitObjectsError) -> ByteBuffer {
    let (failure, waits) = state.withLock { state in
      state.pending += 1
      return (state.failure, state.pending > PackSink.mostPending)
    }
    if let failure { throw failure }
    queue.async { self.write(buffer) }
    if waits { queue.sync {} }
    let empty = state.withLock { $0.spare.popLast() } ?? ByteBuffer(capacity: buffer.capacity)
    empty.count = 0
    return empty
  }

  private func write(_ buffer: ByteBuffer) {
    fast_hash_stream_update(hash, buffer.base, buffer.count)
    let offset = state.withLock { $0.written }
    var failure: GitObjectsError?
    do throws(GitObjectsError) {
      try FileBytes.write(buffer.bytes, to: descriptor, what: path)
      FileBytes.startWriteback(descriptor, from: offset, count: buffer.count)
    } catch {
      failure = error
    }
    state.withLock { state in
      state.failure = state.failure ?? failure
      state.written += buffer.count
      state.pending -= 1
      state.spare.append(buffer)
    }
  }

  /// Waits for all pieces, appends the SHA-1 of the whole and makes the file durable.
  /// - Returns: the SHA-1.
  func finish() throws(GitObjectsError) -> [UInt8] {
    queue.sync {}
    if let failure = state.withLock({ $0.failure }) { throw failure }
    var digest = [UInt8](repeating: 0, count: 20)
    fast_hash_stream_finish(hash, &digest)
    try digest.withUnsafeBufferPointer { bytes throws(GitObjectsError) in
      try FileBytes.write(bytes, to: descriptor, what: path)
    }
    guard fsync(descriptor) == 0 else { throw .system("sync \(path)") }
    return digest
  }
}
