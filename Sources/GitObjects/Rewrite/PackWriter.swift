import CDeflate
import Foundation

/// Writes a pack: clean entries are copied compressed, only the distance to the base is encoded anew.
final class PackWriter {
  struct Written {
    let name: String
    let byteCount: Int
    let objectCount: Int
  }

  private let state: RewriteState
  private let spools: [Spool]
  private let directory: String
  private var buffer = ByteBuffer(capacity: 1 << 22)
  private let sink: PackSink
  private var flushed = 0
  /// How much was written when the old packs' pages were last given back.
  private var forgotten = 0
  private static let stride = 64 << 20
  private static let piece = 4 << 20
  /// Of the entry that is being written, as far as it was summed up.
  private var checksum: UInt32 = 0
  private var summed = 0
  private let layout: PackLayout
  /// Where each entry of the layout starts; 0 while it is not written.
  private let offsets: Column<UInt64>
  private var rows: [PackIndexWriter.Row] = []

  init(state: RewriteState, layout: PackLayout, spools: [Spool], directory: String) throws(GitObjectsError) {
    self.state = state
    self.layout = layout
    self.spools = spools
    self.directory = directory
    offsets = Column(0, count: layout.entries.count)
    sink = try PackSink(directory + "/new.pack")
  }

  /// - Throws: `.system`, `.cancelled`.
  func write(progress: EngineProgress) throws(GitObjectsError) -> Written {
    let path = directory + "/new.pack"
    rows.reserveCapacity(layout.entries.count)
    buffer.append([0x50, 0x41, 0x43, 0x4B, 0, 0, 0, 2])
    let count = UInt32(layout.entries.count)
    buffer.append([UInt8(count >> 24), UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255)])
    for (rank, entry) in layout.entries.enumerated() {
      try write(entry, rank)
      if buffer.count > 1 << 21 {
        try flush()
        try progress.step(.write, rank, of: layout.entries.count)
      }
    }
    try flush()
    let digest = try sink.finish()
    let name = "pack-" + (ObjectID(bytes: digest) ?? .zero).hex
    try PackIndexWriter(rows: rows, packDigest: digest).write(to: directory + "/" + name + ".idx")
    guard rename(path, directory + "/" + name + ".pack") == 0 else { throw .system("rename \(path)") }
    try FileBytes.sync(directory)
    return Written(name: name, byteCount: flushed + 20, objectCount: layout.entries.count)
  }

  private var position: Int { flushed + buffer.count }

  private func flush() throws(GitObjectsError) {
    flushed += buffer.count
    buffer = try sink.exchange(buffer)
    // The order is that of the old packs, so what lies behind is not read again.
    guard flushed - forgotten > Self.stride else { return }
    forgotten = flushed
    state.table.forgetPages()
    for spool in spools { spool.forgetPages() }
  }

  private func write(_ entry: PackLayout.Entry, _ rank: Int) throws(GitObjectsError) {
    checksum = 0
    summed = buffer.count
    let offset = position
    switch entry.source {
    case .stored(let object):
      try copyStored(Int(object))
    case .spooled(let spool, let number):
      let spooled = spools[spool].entries[number]
      let base = spooled.base == ObjectTable.none ? 0 : baseOffset(Int(spooled.base))
      if spooled.base != ObjectTable.none {
        guard base > 0 else {
          throw .corrupt("object \(entry.id)", "the base of its delta is not in the new pack")
        }
        header(type: 6, size: spooled.size)
        distance(offset - base)
      } else {
        header(type: spooled.kind.rawValue, size: spooled.size)
      }
      try append(spools[spool].bytes(of: spooled))
    }
    offsets[rank] = UInt64(offset)
    sum()
    rows.append(PackIndexWriter.Row(id: entry.id, offset: UInt64(offset), checksum: checksum))
  }

  /// Adds what is not yet in it to the checksum of the entry.
  private func sum() {
    checksum = libdeflate_crc32(checksum, buffer.base + summed, buffer.count - summed)
    summed = buffer.count
  }

  /// Compressed bytes, in pieces: an entry may be of any size.
  private func append(_ bytes: UnsafeBufferPointer<UInt8>) throws(GitObjectsError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      buffer.append(UnsafeBufferPointer(rebasing: rest.prefix(Self.piece)))
      rest = rest.dropFirst(Self.piece)
      guard !rest.isEmpty else { return }
      sum()
      try flush()
      summed = 0
    }
  }

  /// Where the successor of an old object was placed; 0 when it was not.
  private func baseOffset(_ object: Int) -> Int {
    let entry = layout.entryOfSuccessor[object]
    return entry == ObjectTable.none ? 0 : Int(offsets[Int(entry)])
  }

  private func copyStored(_ object: Int) throws(GitObjectsError) {
    let table = state.table
    let (pack, start) = table.entry(object)
    let end = start + Int(table.length[object])
    guard let old = PackEntryHeader(at: start, end: end, in: pack.pack.base) else {
      throw .corrupt(table.place(of: object), "the entry's header is broken")
    }
    if table.parent[object] == ObjectTable.none {
      try append(UnsafeBufferPointer(start: pack.pack.base + start, count: end - start))
      return
    }
    let base = baseOffset(Int(table.parent[object]))
    guard base > 0 else {
      throw .corrupt(table.place(of: object), "the base of its delta is not in the new pack")
    }
    let offset = position
    header(type: 6, size: old.size)
    distance(offset - base)
    try append(UnsafeBufferPointer(start: pack.pack.base + old.start, count: end - old.start))
  }

  private func header(type: UInt8, size: Int) {
    var byte = type << 4 | UInt8(size & 15)
    var rest = size >> 4
    while rest > 0 {
      buffer.append(byte | 0x80)
      byte = UInt8(rest & 0x7F)
      rest >>= 7
    }
    buffer.append(byte)
  }

  private func distance(_ value: Int) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 10) { digits in
      var position = 9
      digits[position] = UInt8(value & 0x7F)
      var rest = value >> 7
      while rest > 0 {
        rest -= 1
        position -= 1
        digits[position] = 0x80 | UInt8(rest & 0x7F)
        rest >>= 7
      }
      buffer.append(UnsafeBufferPointer(rebasing: digits[position...9]))
    }
  }
}
