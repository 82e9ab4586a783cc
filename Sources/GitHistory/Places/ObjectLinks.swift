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
}
