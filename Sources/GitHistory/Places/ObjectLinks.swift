import GitObjects

/// What an object points to, read from its raw content.
enum ObjectLinks {
  struct Commit: Sendable {
    var tree: ObjectID?
    var parents: [ObjectID] = []

    init(_ content: [UInt8]) {
      for line in content.split(separator: 0x0A, omittingEmptySubsequences: false) {
        if line.isEmpty { break }  // the message begins
        if line.starts(with: "tree ".utf8) {
          tree = tree ?? ObjectID(hex: String(decoding: line.dropFirst(5), as: UTF8.self))
        } else if line.starts(with: "parent ".utf8) {
          if let id = ObjectID(hex: String(decoding: line.dropFirst(7), as: UTF8.self)) { parents.append(id) }
        } else if line.starts(with: "author ".utf8) {
          break
        }
      }
    }
  }

  static func target(ofTag content: [UInt8]) -> ObjectID? {
    let line = content.prefix { $0 != 0x0A }
    return line.starts(with: "object ".utf8)
      ? ObjectID(hex: String(decoding: line.dropFirst(7), as: UTF8.self)) : nil
  }

  /// Entries in the order in which they stand; what is cut off is left out.
  static func entries(ofTree content: [UInt8]) -> [(isTree: Bool, name: [UInt8], id: ObjectID)] {
    var entries: [(isTree: Bool, name: [UInt8], id: ObjectID)] = []
    var start = 0
    while let space = content[start...].firstIndex(of: 0x20), let zero = content[space...].firstIndex(of: 0),
      zero + 21 <= content.count, let id = ObjectID(bytes: content[(zero + 1)..<(zero + 21)])
    {
      let mode = content[start..<space]
      let isTree = mode.elementsEqual("40000".utf8) || mode.elementsEqual("040000".utf8)
      if !mode.elementsEqual("160000".utf8) {
        entries.append((isTree, Array(content[(space + 1)..<zero]), id))
      }
      start = zero + 21
      if start >= content.count { break }
    }
    return entries
  }
}
