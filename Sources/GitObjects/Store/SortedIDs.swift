import Foundation

/// Distinct object ids in ascending order, with fast lookup. An id's position is its object's index in ``ObjectTable``.
final class SortedIDs: @unchecked Sendable {  // immutable after init
  private(set) var count: Int
  private let bytes: Column<UInt8>
  private let fanOut: Column<UInt32>

  /// - Parameter runs: each ascending, 20 bytes an id; duplicates within and between them are dropped.
  init(merging runs: [(ids: UnsafePointer<UInt8>, count: Int)]) {
    var columns = runs.filter { $0.count > 0 }.map { run in
      let copy = Column<UInt8>(0, count: run.count * 20)
      memcpy(copy.values, run.ids, run.count * 20)
      return (ids: copy, count: run.count)
    }
    while columns.count > 1 {
      var merged: [(ids: Column<UInt8>, count: Int)] = []
      for pair in stride(from: 0, to: columns.count, by: 2) {
        merged.append(
          pair + 1 < columns.count ? SortedIDs.merge(columns[pair], columns[pair + 1]) : columns[pair])
      }
      columns = merged
    }
    bytes = columns.first?.ids ?? Column(0, count: 0)
    count = SortedIDs.withoutTwins(bytes, columns.first?.count ?? 0)
    fanOut = Column(0, count: 65537)
    var next = 0
    for position in 0..<count {
      let prefix = Int(bytes[position * 20]) << 8 | Int(bytes[position * 20 + 1])
      while next <= prefix {
        fanOut[next] = UInt32(position)
        next += 1
      }
    }
    while next <= 65536 {
      fanOut[next] = UInt32(count)
      next += 1
    }
  }

  /// Drops what stands twice in one run: an index may name an object several times.
  /// - Returns: how many are left.
  private static func withoutTwins(_ ids: Column<UInt8>, _ count: Int) -> Int {
    var kept = min(1, count)
    for position in stride(from: 1, to: count, by: 1) {
      let id = ids.values + position * 20
      guard memcmp(id, ids.values + (kept - 1) * 20, 20) != 0 else { continue }
      if kept != position { memcpy(ids.values + kept * 20, id, 20) }
      kept += 1
    }
    return kept
  }

  private static func merge(
    _ left: (ids: Column<UInt8>, count: Int), _ right: (ids: Column<UInt8>, count: Int)
  ) -> (ids: Column<UInt8>, count: Int) {
    let result = Column<UInt8>(0, count: (left.count + right.count) * 20)
    var (l, r, n) = (0, 0, 0)
    while l < left.count || r < right.count {
      let order: Int32
      if l == left.count {
        order = 1
      } else if r == right.count {
        order = -1
      } else {
        order = memcmp(left.ids.values + l * 20, right.ids.values + r * 20, 20)
      }
      memcpy(result.values + n * 20, order <= 0 ? left.ids.values + l * 20 : right.ids.values + r * 20, 20)
      n += 1
      if order <= 0 { l += 1 }
      if order >= 0 { r += 1 }
    }
    return (result, n)
  }

  /// The id at `position`.
  @inline(__always)
  subscript(position: Int) -> ObjectID { ObjectID(at: bytes.values + position * 20) }

  /// The 20 bytes of the id at `position`.
  @inline(__always)
  func pointer(at position: Int) -> UnsafePointer<UInt8> { UnsafePointer(bytes.values + position * 20) }

  /// The position of the 20 bytes at `id`, or nil.
  @inline(__always)
  func position(of id: UnsafePointer<UInt8>) -> Int? {
    let prefix = Int(id[0]) << 8 | Int(id[1])
    var low = Int(fanOut[prefix])
    var high = Int(fanOut[prefix + 1])
    let wanted = UInt64(bigEndian: UnsafeRawPointer(id).loadUnaligned(as: UInt64.self))
    while low < high {
      let middle = (low + high) >> 1
      let candidate = bytes.values + middle * 20
      let found = UInt64(bigEndian: UnsafeRawPointer(candidate).loadUnaligned(as: UInt64.self))
      if found < wanted {
        low = middle + 1
      } else if found > wanted {
        high = middle
      } else {
        let order = memcmp(candidate + 8, id + 8, 12)
        if order == 0 { return middle }
        if order < 0 { low = middle + 1 } else { high = middle }
      }
    }
    return nil
  }

  func position(of id: ObjectID) -> Int? {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { buffer in
      guard let base = buffer.baseAddress else { return nil }
      id.write(to: base)
      return position(of: UnsafePointer(base))
    }
  }
}

extension SortedIDs {
  /// The position of the only wanted id that starts with `digits` (lower-case hexadecimal), or nil.
  func only(startingWith digits: [UInt8], where isWanted: (Int) -> Bool) -> Int? {
    let padded = digits + [UInt8](repeating: 0x30, count: 40 - digits.count)
    guard let first = padded.withUnsafeBufferPointer({ HexText.id($0, at: 0) }) else { return nil }
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) >> 1
      if self[middle] < first { low = middle + 1 } else { high = middle }
    }
    var found: Int?
    while low < count, self[low].hex.utf8.starts(with: digits) {
      if isWanted(low) {
        guard found == nil else { return nil }
        found = low
      }
      low += 1
    }
    return found
  }
}
