import CFastHash

/// Every object of a repository once, by index (its rank among the ids), with where it is stored and the delta forest.
///
/// An object that several packs hold is taken from the first; deltas name objects, not entries, so a base may be taken from
/// another pack than the delta. About 40 bytes an object.
final class ObjectTable: Sendable {
  let ids: SortedIDs
  let packs: [PackFile]
  let directories: [String]
  /// Pack number << 48 | offset of the entry; or ``looseMark`` | number of the object directory.
  let location: Column<UInt64>
  /// Stored bytes of the entry, header included; 0 for a loose object.
  let length: Column<UInt32>
  /// Index of the delta base, or ``none``.
  let parent: Column<UInt32>
  /// ``ObjectKind`` raw values.
  let kind: Column<UInt8>
  /// All objects, each after its delta base, otherwise in the order of the packs.
  let order: Column<UInt32>
  /// Blobs of more bytes are not built in memory but read in windows.
  let largest: Int
  private let childStart: Column<UInt32>
  private let childList: Column<UInt32>

  /// Where the memory for a content ends. Commits, trees and tags are read whole; none that means well comes near their limit.
  @inline(__always)
  func limit(_ object: Int) -> Int {
    kind[object] == ObjectKind.blob.rawValue ? largest : ObjectTable.largestOther
  }

  /// How much of a larger one is looked at at once.
  var window: Int { min(largest, ObjectTable.usualWindow) }

  static let usualLargest = 64 << 20
  static let usualWindow = 16 << 20
  private static let largestOther = 512 << 20
  static let none = UInt32.max
  static let looseMark: UInt64 = 0xFFFF << 48
  static let offsetMask: UInt64 = (1 << 48) - 1

  var count: Int { ids.count }

  init(
    ids: SortedIDs, packs: [PackFile], directories: [String], location: Column<UInt64>,
    length: Column<UInt32>,
    parent: Column<UInt32>, kind: Column<UInt8>, order: Column<UInt32>, largest: Int
  ) {
    self.largest = largest
    self.ids = ids
    self.packs = packs
    self.directories = directories
    self.location = location
    self.length = length
    self.parent = parent
    self.kind = kind
    self.order = order
    (childStart, childList) = ObjectTable.children(of: parent, order: order)
  }

  /// The delta children of `object`; the one with the largest subtree stands last, so that a walk that frees a base
  /// before its last child holds no more than log2(n) of them.
  @inline(__always)
  func children(of object: Int) -> UnsafeBufferPointer<UInt32> {
    let start = Int(childStart[object])
    return UnsafeBufferPointer(
      start: childList.values + start, count: Int(childStart[object + 1]) - start)
  }

  @inline(__always)
  func kind(_ object: Int) -> ObjectKind { ObjectKind(rawValue: kind[object]) ?? .blob }

  @inline(__always)
  func isLoose(_ object: Int) -> Bool { location[object] >= ObjectTable.looseMark }

  /// Held only by a repository that this one borrows from.
  func isForeign(_ object: Int) -> Bool {
    let number = Int(location[object] >> 48)
    return isLoose(object)
      ? location[object] & ObjectTable.offsetMask > 0 : packs[number].isAlternate
  }

  /// Between two passes: what one has read need not stay resident for the next.
  func forgetPages() {
    for pack in packs { pack.pack.forgetPages() }
  }

  /// Where the entry of `object` lies, and in which pack. Not for loose objects.
  @inline(__always)
  func entry(_ object: Int) -> (pack: PackFile, offset: Int) {
    (packs[Int(location[object] >> 48)], Int(location[object] & ObjectTable.offsetMask))
  }

  /// Has the start of an entry, which will be read next, loaded into the cache.
  @inline(__always)
  func prefetch(_ object: Int) {
    guard !isLoose(object) else { return }
    let (pack, offset) = entry(object)
    fast_hash_prefetch(pack.pack.base + offset)
  }

  /// For messages: the object's id and file.
  func place(of object: Int) -> String {
    guard !isLoose(object) else {
      let directory = directories[Int(location[object] & ObjectTable.offsetMask)]
      return ObjectStoreFiles.loosePath(ids[object], in: directory)
    }
    let (pack, offset) = entry(object)
    return "object \(ids[object]) at offset \(offset) of \(pack.path)"
  }

  private static func children(of parent: Column<UInt32>, order: Column<UInt32>) -> (
    Column<UInt32>, Column<UInt32>
  ) {
    let count = parent.count
    let start = Column<UInt32>(0, count: count + 1)
    let weight = Column<UInt32>(1, count: count)
    for rank in stride(from: count - 1, through: 0, by: -1) {
      let object = Int(order[rank])
      guard parent[object] != none else { continue }
      let base = Int(parent[object])
      start[base + 1] += 1
      weight[base] += weight[object]
    }
    for object in 0..<count { start[object + 1] += start[object] }
    let list = Column<UInt32>(0, count: Int(start[count]))
    let filled = Column<UInt32>(0, count: count)
    for rank in 0..<count {
      let object = Int(order[rank])
      guard parent[object] != none else { continue }
      let base = Int(parent[object])
      let place = Int(start[base] + filled[base])
      list[place] = UInt32(object)
      filled[base] += 1
      // Keep the heaviest of those seen so far last.
      if filled[base] > 1, weight[Int(list[place - 1])] > weight[object] {
        (list[place], list[place - 1]) = (list[place - 1], list[place])
      }
    }
    return (start, list)
  }
}
