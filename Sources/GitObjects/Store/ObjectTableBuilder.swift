import Foundation

/// Reads packs' indexes and entry headers and lists loose objects: no object is inflated, only the first bytes of loose ones.
struct ObjectTableBuilder {
  private let files: ObjectStoreFiles
  private let ids: SortedIDs
  private let location: Column<UInt64>
  private let length: Column<UInt32>
  private let parent: Column<UInt32>
  private let kind: Column<UInt8>

  /// git refuses to make chains beyond 4095; packs made by others stay far below.
  private static let deepestChain = 10_000
  private static let unset = UInt64.max
  private static let headersAtOnce = 1 << 14

  /// - Throws: `.corrupt`, `.system`.
  static func build(
    _ files: ObjectStoreFiles, largest: Int = ObjectTable.usualLargest
  ) throws(GitObjectsError) -> ObjectTable {
    let builder = ObjectTableBuilder(files)
    var entries = files.packs.map { _ in Column(EntryStart(offset: 0, object: 0), count: 0) }
    for number in files.packs.indices where !files.packs[number].isAlternate {
      entries[number] = try builder.addPack(number)
    }
    try builder.addLoose(0)
    for number in files.packs.indices where files.packs[number].isAlternate {
      entries[number] = try builder.addPack(number)
    }
    for number in files.directories.indices.dropFirst() { try builder.addLoose(number) }
    return try builder.table(entries, largest)
  }

  private init(_ files: ObjectStoreFiles) {
    self.files = files
    var runs = files.packs.map { (ids: $0.ids, count: $0.count) }
    let loose = files.loose.map { list in
      let column = Column<UInt8>(0, count: list.count * 20)
      for (rank, id) in list.enumerated() { id.write(to: column.values + rank * 20) }
      return (column: column, count: list.count)
    }
    runs += loose.map { (ids: UnsafePointer($0.column.values), count: $0.count) }
    ids = withExtendedLifetime(loose) { SortedIDs(merging: runs) }
    location = Column(ObjectTableBuilder.unset, count: ids.count)
    length = Column(0, count: ids.count)
    parent = Column(ObjectTable.none, count: ids.count)
    kind = Column(0, count: ids.count)
  }

  /// Reads the entries' headers, in parallel unless an object stands twice in the pack; returns them by offset.
  private func addPack(_ number: Int) throws(GitObjectsError) -> Column<EntryStart> {
    let pack = files.packs[number]
    let (entries, hasTwins) = try sortedEntries(of: pack)
    let size = hasTwins ? max(pack.count, 1) : ObjectTableBuilder.headersAtOnce
    _ = try WorkerThreads.run(
      pieces: (pack.count + size - 1) / size, phase: .open, progress: .silent,
      makeWorker: { () throws(GitObjectsError) -> Int in 0 },
      work: { (_: inout Int, piece: Int) throws(GitObjectsError) in
        try readHeaders(number, entries, (piece * size)..<min(pack.count, (piece + 1) * size))
      })
    return entries
  }

  private func readHeaders(_ number: Int, _ entries: Column<EntryStart>, _ ranks: Range<Int>)
    throws(GitObjectsError)
  {
    let pack = files.packs[number]
    let end = pack.end
    for rank in ranks {
      let object = Int(entries[rank].object)
      guard location[object] == ObjectTableBuilder.unset else { continue }
      let offset = Int(entries[rank].offset)
      let next = rank + 1 < pack.count ? Int(entries[rank + 1].offset) : end
      guard offset >= 12, next > offset, next <= end else {
        throw .corrupt(pack.index.path, "its offsets overlap or lie outside of the pack")
      }
      guard let stored = UInt32(exactly: next - offset) else {
        throw GitObjectsError(
          .unsupported, what: "object \(ids[object]) in \(pack.path)",
          why: "it takes more than 4 GiB compressed",
          fix: "remove it first with git filter-repo --strip-blobs-with-ids")
      }
      guard let header = PackEntryHeader(at: offset, end: next, in: pack.pack.base) else {
        throw .corrupt("\(pack.path), offset \(offset)", "the entry's header is broken")
      }
      location[object] = UInt64(number) << 48 | UInt64(offset)
      length[object] = stored
      switch header.form {
      case .whole(let whole): kind[object] = whole.rawValue
      case .offsetDelta(let distance):
        guard let base = ObjectTableBuilder.object(at: offset - distance, before: rank, in: entries) else {
          throw .corrupt("\(pack.path), offset \(offset)", "its delta base is not the start of an entry")
        }
        parent[object] = base
      case .referenceDelta(let place):
        guard let base = ids.position(of: pack.pack.base + place) else {
          throw .corrupt("\(pack.path), offset \(offset)", "its delta base is not in the repository")
        }
        parent[object] = UInt32(base)
      }
    }
  }

  /// The pack's entries in order of offsets.
  private func sortedEntries(of pack: PackFile) throws(GitObjectsError) -> (
    Column<EntryStart>, hasTwins: Bool
  ) {
    var hasTwins = false
    let entries = Column(EntryStart(offset: 0, object: 0), count: pack.count)
    var object = 0
    for position in 0..<pack.count {
      let id = pack.ids + position * 20
      if position > 0 {
        let order = memcmp(id - 20, id, 20)
        guard order <= 0 else { throw .corrupt(pack.index.path, "its ids are not in ascending order") }
        if order == 0 { hasTwins = true }
      }
      // Both lists ascend, so the object is at or after the last one: near, unless another source fills the gap.
      while memcmp(ids.pointer(at: object), id, 20) != 0 { object += 1 }
      entries[position] = EntryStart(offset: UInt64(try pack.offset(at: position)), object: UInt32(object))
    }
    RadixSort.sort(entries)
    return (entries, hasTwins)
  }

  /// Bases stand shortly before their deltas, so search backwards in growing steps, then halve.
  private static func object(at offset: Int, before rank: Int, in entries: Column<EntryStart>) -> UInt32? {
    guard offset > 0 else { return nil }
    let wanted = UInt64(offset)
    var high = rank
    var step = 1
    var low = max(0, rank - step)
    while low > 0, entries[low].offset > wanted {
      high = low
      step *= 2
      low = max(0, rank - step)
    }
    while low < high {
      let middle = (low + high) >> 1
      if entries[middle].offset < wanted { low = middle + 1 } else { high = middle }
    }
    return entries[low].offset == wanted ? entries[low].object : nil
  }

  private func addLoose(_ directory: Int) throws(GitObjectsError) {
    guard !files.loose[directory].isEmpty else { return }
    let reader = try LooseObjectReader()
    for id in files.loose[directory] {
      guard let object = ids.position(of: id), location[object] == ObjectTableBuilder.unset else { continue }
      location[object] = ObjectTable.looseMark | UInt64(directory)
      let path = ObjectStoreFiles.loosePath(id, in: files.directories[directory])
      kind[object] = try reader.header(try MappedFile(path)).kind.rawValue
    }
  }

  /// Orders the objects so that bases come first, and spreads kinds from roots to deltas.
  private func table(_ entries: [Column<EntryStart>], _ largest: Int) throws(GitObjectsError) -> ObjectTable {
    let order = Column<UInt32>(0, count: ids.count)
    let isPlaced = Column<Bool>(false, count: ids.count)
    var placed = 0
    var chain: [Int] = []
    let starts = packOrder(entries)
    for rank in 0..<ids.count {
      let start = starts[rank]
      var object = Int(start)
      while !isPlaced[object], parent[object] != ObjectTable.none {
        chain.append(object)
        object = Int(parent[object])
        guard chain.count <= ObjectTableBuilder.deepestChain else {
          throw .corrupt(
            "object \(ids[Int(start)])",
            "its delta chain is a circle or longer than \(ObjectTableBuilder.deepestChain)")
        }
      }
      if !isPlaced[object] { chain.append(object) }
      while let next = chain.popLast() {
        if parent[next] != ObjectTable.none { kind[next] = kind[Int(parent[next])] }
        order[placed] = UInt32(next)
        isPlaced[next] = true
        placed += 1
      }
    }
    return ObjectTable(
      ids: ids, packs: files.packs, directories: files.directories, location: location, length: length,
      parent: parent, kind: kind, order: order, largest: largest)
  }

  /// All objects as their packs hold them, one pack after the other, then the loose ones.
  private func packOrder(_ entries: [Column<EntryStart>]) -> Column<UInt32> {
    let order = Column<UInt32>(0, count: ids.count)
    var placed = 0
    for (number, list) in entries.enumerated() {
      for rank in 0..<list.count {
        let entry = list[rank]
        guard location[Int(entry.object)] == UInt64(number) << 48 | entry.offset else { continue }
        order[placed] = entry.object
        placed += 1
      }
    }
    for object in 0..<ids.count where location[object] >= ObjectTable.looseMark {
      order[placed] = UInt32(object)
      placed += 1
    }
    return order
  }
}

/// An object and where its entry starts.
struct EntryStart {
  var offset: UInt64
  var object: UInt32
}

/// Sorts entries by offset in linear time.
enum RadixSort {
  static func sort(_ entries: Column<EntryStart>) {
    let spare = Column(EntryStart(offset: 0, object: 0), count: entries.count)
    var largest: UInt64 = 0
    for rank in 0..<entries.count { largest |= entries[rank].offset }
    var (source, target) = (entries.values, spare.values)
    let counts = Column<Int>(0, count: 1 << 12)
    for shift in stride(from: UInt64(0), to: 64, by: 12) where largest >> shift != 0 {
      for digit in 0..<(1 << 12) { counts[digit] = 0 }
      for rank in 0..<entries.count { counts[Int(source[rank].offset >> shift & 0xFFF)] += 1 }
      var sum = 0
      for digit in 0..<(1 << 12) { (counts[digit], sum) = (sum, sum + counts[digit]) }
      for rank in 0..<entries.count {
        let digit = Int(source[rank].offset >> shift & 0xFFF)
        target[counts[digit]] = source[rank]
        counts[digit] += 1
      }
      swap(&source, &target)
    }
    if source != entries.values { entries.values.update(from: source, count: entries.count) }
  }
}
