import CFastHash
import Foundation

/// Writes a version 2 index.
///
/// Source: gitformat-pack(5).
struct PackIndexWriter {
  struct Row {
    let id: ObjectID
    let offset: UInt64
    let checksum: UInt32
  }

  private let rows: [Row]
  private let packDigest: [UInt8]

  init(rows: [Row], packDigest: [UInt8]) {
    self.rows = PackIndexWriter.sorted(rows)
    self.packDigest = packDigest
  }

  /// By the first eight bytes in linear time, then by the others where those are equal.
  private static func sorted(_ rows: [Row]) -> [Row] {
    let keys = Column(EntryStart(offset: 0, object: 0), count: rows.count)
    for (rank, row) in rows.enumerated() {
      keys[rank] = EntryStart(offset: row.id.high, object: UInt32(rank))
    }
    RadixSort.sort(keys)
    var result = (0..<rows.count).map { rows[Int(keys[$0].object)] }
    for rank in result.indices.dropFirst() where result[rank].id < result[rank - 1].id {
      var place = rank
      while place > 0, result[place].id < result[place - 1].id {
        result.swapAt(place, place - 1)
        place -= 1
      }
    }
    return result
  }

  /// - Throws: `.system`.
  func write(to path: String) throws(GitObjectsError) {
    let buffer = ByteBuffer(capacity: rows.count * 28 + 4096)
    word(0xFF74_4F63, to: buffer)
    word(2, to: buffer)
    var counts = [UInt32](repeating: 0, count: 256)
    for row in rows { counts[Int(row.id.high >> 56)] += 1 }
    var sum: UInt32 = 0
    for count in counts {
      sum += count
      word(sum, to: buffer)
    }
    for row in rows {
      buffer.reserve(buffer.count + 20)
      row.id.write(to: buffer.base + buffer.count)
      buffer.count += 20
    }
    for row in rows { word(row.checksum, to: buffer) }
    var large: [UInt64] = []
    for row in rows {
      if row.offset < 0x8000_0000 {
        word(UInt32(row.offset), to: buffer)
      } else {
        word(0x8000_0000 | UInt32(large.count), to: buffer)
        large.append(row.offset)
      }
    }
    for offset in large {
      word(UInt32(offset >> 32), to: buffer)
      word(UInt32(truncatingIfNeeded: offset), to: buffer)
    }
    buffer.append(packDigest)
    buffer.append(try digest(of: buffer))
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o444)
    guard descriptor >= 0 else { throw .system("create \(path)") }
    defer { close(descriptor) }
    try FileBytes.write(buffer.bytes, to: descriptor, what: path)
    guard fsync(descriptor) == 0 else { throw .system("sync \(path)") }
  }

  private func digest(of buffer: ByteBuffer) throws(GitObjectsError) -> [UInt8] {
    guard let hash = fast_hash_stream_new() else { throw .system("hash the new index") }
    defer { fast_hash_stream_free(hash) }
    var digest = [UInt8](repeating: 0, count: 20)
    fast_hash_stream_update(hash, buffer.base, buffer.count)
    fast_hash_stream_finish(hash, &digest)
    return digest
  }

  @inline(__always)
  private func word(_ value: UInt32, to buffer: ByteBuffer) {
    buffer.reserve(buffer.count + 4)
    UnsafeMutableRawPointer(buffer.base + buffer.count).storeBytes(of: value.bigEndian, as: UInt32.self)
    buffer.count += 4
  }
}
