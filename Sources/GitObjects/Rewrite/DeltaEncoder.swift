import Foundation

/// Writes deltas in pack format. One per thread.
final class DeltaEncoder {
  private let output = ByteBuffer(capacity: 1 << 14)
  private var pendingInsert = 0
  private var index: [Int32] = []

  /// Shorter equal runs cost as much to copy as to insert.
  private static let shortestCopy = 8
  private static let block = 16

  /// The old delta's copies, kept where both sides changed alike or not at all. Only for contents whose lengths did not
  /// change; nil when the result would not be worth it. The bytes are valid until the next call.
  func rebased(_ old: DeltaOrigin, base: UnsafeBufferPointer<UInt8>, target: UnsafeBufferPointer<UInt8>)
    -> UnsafeBufferPointer<UInt8>?
  {
    guard var operations = DeltaOperations(old.delta), operations.baseSize == base.count,
      operations.resultSize == target.count, let baseStart = base.baseAddress,
      let targetStart = target.baseAddress
    else { return nil }
    begin(base.count, target.count)
    var written = 0
    while true {
      switch operations.next() {
      case .operation(.copy(let offset, let count)):
        copyEqual(baseStart + offset, offset, targetStart + written, written, count, targetStart)
        written += count
      case .operation(.insert(_, let count)):
        pendingInsert += count
        written += count
      case .end:
        flushInsert(endingAt: targetStart + written)
        return written == target.count && output.count <= target.count * 2 / 3 ? output.bytes : nil
      case .broken: return nil
      }
    }
  }

  /// Emits one old copy as copies of what is still equal and inserts of what is not.
  private func copyEqual(
    _ base: UnsafePointer<UInt8>, _ offset: Int, _ target: UnsafePointer<UInt8>, _ written: Int, _ count: Int,
    _ targetStart: UnsafePointer<UInt8>
  ) {
    var position = 0
    while position < count {
      let equal = DeltaEncoder.equalCount(base + position, target + position, count - position)
      if equal >= DeltaEncoder.shortestCopy || (equal == count && pendingInsert == 0) {
        flushInsert(endingAt: target + position)
        copy(offset + position, equal)
      } else {
        pendingInsert += equal
      }
      position += equal
      while position < count, base[position] != target[position] {
        pendingInsert += 1
        position += 1
      }
    }
  }

  /// How many bytes are equal from the start on.
  @inline(__always)
  private static func equalCount(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, _ limit: Int)
    -> Int
  {
    var count = 0
    while count + 8 <= limit {
      let difference =
        UnsafeRawPointer(left + count).loadUnaligned(as: UInt64.self)
        ^ UnsafeRawPointer(right + count).loadUnaligned(as: UInt64.self)
      if difference != 0 { return count + difference.trailingZeroBitCount / 8 }
      count += 8
    }
    while count < limit, left[count] == right[count] { count += 1 }
    return count
  }

  /// A delta found by comparing both contents; nil when it would not be worth it. Valid until the next call.
  func encoded(base: UnsafeBufferPointer<UInt8>, target: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<
    UInt8
  >? {
    guard base.count >= DeltaEncoder.block, target.count >= DeltaEncoder.block, base.count < Int(Int32.max),
      let baseStart = base.baseAddress, let targetStart = target.baseAddress
    else { return nil }
    let mask = buildIndex(baseStart, base.count)
    begin(base.count, target.count)
    var position = 0
    var covered = 0  // target bytes that are emitted or pending
    while position + DeltaEncoder.block <= target.count {
      let candidate = Int(index[DeltaEncoder.hash(targetStart + position) & mask])
      guard candidate >= 0, memcmp(baseStart + candidate, targetStart + position, DeltaEncoder.block) == 0
      else {
        position += 1
        continue
      }
      var start = candidate
      while start > 0, position > covered, baseStart[start - 1] == targetStart[position - 1] {
        start -= 1
        position -= 1
      }
      let limit = min(base.count - start, target.count - position)
      let equal = DeltaEncoder.equalCount(baseStart + start, targetStart + position, limit)
      pendingInsert = position - covered
      flushInsert(endingAt: targetStart + position)
      copy(start, equal)
      position += equal
      covered = position
      guard output.count <= target.count * 2 / 3 else { return nil }
    }
    pendingInsert = target.count - covered
    flushInsert(endingAt: targetStart + target.count)
    return output.count <= target.count * 2 / 3 ? output.bytes : nil
  }

  private func buildIndex(_ base: UnsafePointer<UInt8>, _ count: Int) -> Int {
    var size = 64
    while size < count / DeltaEncoder.block * 2 { size *= 2 }
    index = [Int32](repeating: -1, count: size)
    index.withUnsafeMutableBufferPointer { slots in
      // From the end, so that the first of equal blocks wins.
      var position = (count / DeltaEncoder.block - 1) * DeltaEncoder.block
      while position >= 0 {
        slots[DeltaEncoder.hash(base + position) & (size - 1)] = Int32(position)
        position -= DeltaEncoder.block
      }
    }
    return size - 1
  }

  @inline(__always)
  private static func hash(_ bytes: UnsafePointer<UInt8>) -> Int {
    let raw = UnsafeRawPointer(bytes)
    let mixed =
      (raw.loadUnaligned(as: UInt64.self) &* 0x9E37_79B9_7F4A_7C15)
      ^ (raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self) &* 0xC2B2_AE3D_27D4_EB4F)
    return Int(truncatingIfNeeded: (mixed ^ (mixed >> 29)) >> 16) & 0x7FFF_FFFF
  }

  private func begin(_ baseCount: Int, _ targetCount: Int) {
    output.count = 0
    pendingInsert = 0
    number(baseCount)
    number(targetCount)
  }

  private func number(_ value: Int) {
    var rest = value
    while rest >= 0x80 {
      output.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    output.append(UInt8(rest))
  }

  private func flushInsert(endingAt end: UnsafePointer<UInt8>) {
    var start = end - pendingInsert
    while pendingInsert > 0 {
      let count = min(127, pendingInsert)
      output.append(UInt8(count))
      output.append(start, count)
      start += count
      pendingInsert -= count
    }
  }

  private func copy(_ offset: Int, _ count: Int) {
    var offset = offset
    var rest = count
    while rest > 0 {
      let piece = min(0xFFFF, rest)
      let place = output.count
      output.append(0)
      var code: UInt8 = 0x80
      for byte in 0..<4 where offset >> (byte * 8) & 0xFF != 0 {
        code |= 1 << UInt8(byte)
        output.append(UInt8(offset >> (byte * 8) & 0xFF))
      }
      for byte in 0..<2 where piece >> (byte * 8) & 0xFF != 0 {
        code |= 0x10 << UInt8(byte)
        output.append(UInt8(piece >> (byte * 8) & 0xFF))
      }
      output.base[place] = code
      offset += piece
      rest -= piece
    }
  }
}
