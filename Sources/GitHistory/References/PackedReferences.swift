import GitObjects

/// The file `packed-refs` (gitrepository-layout(5)).
struct PackedReferences: Sendable, Equatable {
  struct Entry: Sendable, Equatable {
    var name: ReferenceName
    var id: ObjectID
    /// What the annotated tag `id` finally points to; nil for anything else.
    var peeled: ObjectID?
  }

  /// In byte order of names.
  var entries: [Entry]

  init(entries: [Entry] = []) { self.entries = entries }

  /// Lines that are neither an entry, a peeled id nor a comment are left out: Git does not read them either.
  init(bytes: [UInt8]) {
    var entries: [Entry] = []
    for line in bytes.split(separator: 0x0A) {
      if line.first == 0x23 { continue }
      if line.first == 0x5E {
        let peeled = ObjectID(hex: String(decoding: line.dropFirst().prefix(40), as: UTF8.self))
        if !entries.isEmpty { entries[entries.count - 1].peeled = peeled }
        continue
      }
      guard line.count > 41, let id = ObjectID(hex: String(decoding: line.prefix(40), as: UTF8.self)) else {
        continue
      }
      var name = Array(line.dropFirst(41))
      if name.last == 0x0D { name.removeLast() }
      entries.append(Entry(name: ReferenceName(bytes: name), id: id, peeled: nil))
    }
    self.entries = entries.sorted { $0.name < $1.name }
  }

  /// The file's bytes. Every tag has its peeled line, so the header may say "fully-peeled".
  var bytes: [UInt8] {
    var bytes = Array("# pack-refs with: peeled fully-peeled sorted \n".utf8)
    for entry in entries.sorted(by: { $0.name < $1.name }) {
      bytes += Array(entry.id.hex.utf8) + [0x20] + entry.name.bytes + [0x0A]
      if let peeled = entry.peeled { bytes += [0x5E] + Array(peeled.hex.utf8) + [0x0A] }
    }
    return bytes
  }
}
