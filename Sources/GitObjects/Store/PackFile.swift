/// One pack with its index, mapped. Both are untrusted: every offset read from them is checked before use.
///
/// Source: gitformat-pack(5).
final class PackFile: Sendable {
  let pack: MappedFile
  let index: MappedFile
  let count: Int
  /// Belongs to another repository that this one borrows from.
  let isAlternate: Bool

  private static let tables = 8 + 1024  // signature, version, fan-out

  /// - Parameter path: the `.pack` file; its `.idx` lies beside it.
  /// - Throws: `.corrupt`, `.unsupported` (a version 1 index), `.system`.
  init(path: String, isAlternate: Bool) throws(GitObjectsError) {
    pack = try MappedFile(path)
    index = try MappedFile(String(path.dropLast(4)) + "idx")
    self.isAlternate = isAlternate
    guard pack.count >= 32, pack.word(at: 0) == 0x5041_434B, [2, 3].contains(pack.word(at: 4)) else {
      throw .corrupt(path, "it does not start as a pack of version 2 or 3")
    }
    guard index.count >= PackFile.tables + 40, index.word(at: 0) == 0xFF74_4F63, index.word(at: 4) == 2
    else {
      throw GitObjectsError(
        .unsupported, what: index.path, why: "it is not a version 2 index of a SHA-1 pack",
        fix: "git index-pack --index-version=2 \(path)")
    }
    let objects = Int(pack.word(at: 8))
    guard Int(index.word(at: 8 + 255 * 4)) == objects, index.count >= PackFile.tables + objects * 28 + 40
    else {
      throw .corrupt(index.path, "it does not hold the \(objects) objects of its pack")
    }
    count = objects
  }

  var path: String { pack.path }

  /// One past the last byte of the last entry: the pack ends with its own SHA-1.
  var end: Int { pack.count - 20 }

  /// The ids, ascending, 20 bytes each.
  var ids: UnsafePointer<UInt8> { index.base + PackFile.tables }

  /// Where entry `position` (in order of ids) starts in the pack.
  /// - Throws: `.corrupt`.
  func offset(at position: Int) throws(GitObjectsError) -> Int {
    let small = index.word(at: PackFile.tables + count * 24 + position * 4)
    guard small & 0x8000_0000 != 0 else { return Int(small) }
    let place = PackFile.tables + count * 28 + Int(small & 0x7FFF_FFFF) * 8
    guard place + 8 + 40 <= index.count else { throw .corrupt(index.path, "an offset lies outside of it") }
    let large = UInt64(index.word(at: place)) << 32 | UInt64(index.word(at: place + 4))
    guard large < UInt64(pack.count) else { throw .corrupt(index.path, "an offset lies outside of the pack") }
    return Int(large)
  }
}

/// The start of a pack entry, decoded.
struct PackEntryHeader {
  enum Form {
    case whole(ObjectKind)
    /// The base starts this many bytes before the entry.
    case offsetDelta(Int)
    /// Where in the pack the base's 20-byte id stands.
    case referenceDelta(Int)
  }
  let form: Form
  /// Inflated size of what follows: the object, or the delta.
  let size: Int
  /// Where the compressed bytes start.
  let start: Int

  /// Decodes the entry at `offset` that ends before `end`; nil when it breaks the format.
  @inline(__always)
  init?(at offset: Int, end: Int, in bytes: UnsafePointer<UInt8>) {
    guard offset < end else { return nil }
    var position = offset
    var byte = bytes[position]
    position += 1
    let type = byte >> 4 & 7
    var size = Int(byte & 15)
    var shift = 4
    while byte & 0x80 != 0 {
      guard position < end, shift < 60 else { return nil }
      byte = bytes[position]
      position += 1
      size |= Int(byte & 0x7F) << shift
      shift += 7
    }
    switch type {
    case 1...4:
      guard let kind = ObjectKind(rawValue: type) else { return nil }
      form = .whole(kind)
    case 6:
      guard position < end else { return nil }
      byte = bytes[position]
      position += 1
      var distance = Int(byte & 0x7F)
      while byte & 0x80 != 0 {
        guard position < end, distance < 1 << 50 else { return nil }
        byte = bytes[position]
        position += 1
        distance = (distance + 1) << 7 | Int(byte & 0x7F)
      }
      guard distance > 0, distance <= offset else { return nil }
      form = .offsetDelta(distance)
    case 7:
      guard position + 20 <= end else { return nil }
      form = .referenceDelta(position)
      position += 20
    default: return nil
    }
    guard position < end, size >= 0, size <= Inflater.largestSize(from: end - position) else { return nil }
    self.size = size
    start = position
  }
}
