/// A range of an object's content that people wrote, and may hold a secret: everything but ids, types and lengths.
struct ObjectPart {
  let place: ObjectHit.Place
  let range: Range<Int>
}

/// Splits raw objects into parts without judging them: odd, broken and hostile objects give fewer parts, never an error.
enum ObjectParts {
  static func parts(of content: UnsafeBufferPointer<UInt8>, kind: ObjectKind) -> [ObjectPart] {
    switch kind {
    case .blob: [ObjectPart(place: .blob, range: 0..<content.count)]
    case .tree: entries(content)
    case .commit, .tag: headed(content)
    }
  }

  /// Names, and what no longer reads as an entry: a rewrite leaves it as it is.
  private static func entries(_ content: UnsafeBufferPointer<UInt8>) -> [ObjectPart] {
    var parts: [ObjectPart] = []
    var end = 0
    for entry in TreeEntries(content) {
      parts.append(ObjectPart(place: .path, range: entry.name))
      end = entry.whole.upperBound
    }
    if end < content.count { parts.append(ObjectPart(place: .path, range: end..<content.count)) }
    return parts
  }

  /// Header lines up to an empty one, then the message. A line that starts with a space continues the one before.
  private static func headed(_ content: UnsafeBufferPointer<UInt8>) -> [ObjectPart] {
    var parts: [ObjectPart] = []
    for header in ObjectHeaders(content) {
      switch header.place {
      case nil: break
      case .some(let place): parts.append(ObjectPart(place: place, range: header.value))
      }
    }
    if let message = ObjectHeaders.messageStart(content), message < content.count {
      parts.append(ObjectPart(place: .message, range: message..<content.count))
    }
    return parts
  }
}

/// The headers of a commit or tag.
struct ObjectHeaders: Sequence, IteratorProtocol {
  struct Header {
    /// The word before the first space.
    let name: Range<Int>
    /// What follows it, continuation lines included, without the last line feed.
    let value: Range<Int>
    /// The whole header with its last line feed.
    let line: Range<Int>
    /// Nil for ids and types, which hold nothing that people wrote.
    let place: ObjectHit.Place?
  }

  private let content: UnsafeBufferPointer<UInt8>
  private var position = 0

  init(_ content: UnsafeBufferPointer<UInt8>) { self.content = content }

  mutating func next() -> Header? {
    guard position < content.count, content[position] != 0x0A else { return nil }
    let start = position
    var end = ObjectHeaders.lineEnd(content, start)
    while end + 1 < content.count, content[end + 1] == 0x20 { end = ObjectHeaders.lineEnd(content, end + 1) }
    position = Swift.min(end + 1, content.count)
    var space = start
    while space < end, content[space] != 0x20 { space += 1 }
    return Header(
      name: start..<space, value: Swift.min(space + 1, end)..<end, line: start..<position,
      place: place(of: start..<space))
  }

  private static let unwritten = ["tree", "parent", "object", "type"].map { Array($0.utf8) }
  private static let people = ["author", "committer", "tagger"].map { Array($0.utf8) }

  private func place(of name: Range<Int>) -> ObjectHit.Place? {
    let word = content[name]
    if ObjectHeaders.unwritten.contains(where: { $0.elementsEqual(word) }) { return nil }
    return ObjectHeaders.people.contains { $0.elementsEqual(word) } ? .person : .header
  }

  private static func lineEnd(_ content: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
    var end = start
    while end < content.count, content[end] != 0x0A { end += 1 }
    return end
  }

  /// Where the message starts: behind the first empty line.
  static func messageStart(_ content: UnsafeBufferPointer<UInt8>) -> Int? {
    if content.first == 0x0A { return 1 }
    var position = 0
    while position + 1 < content.count {
      if content[position] == 0x0A, content[position + 1] == 0x0A { return position + 2 }
      position += 1
    }
    return nil
  }
}

/// The entries of a tree, in the order in which they stand there. Stops at the first that breaks the format.
struct TreeEntries: Sequence, IteratorProtocol {
  struct Entry {
    let mode: Range<Int>
    let name: Range<Int>
    /// Where the 20 bytes of the id stand.
    let id: Int
    /// From the mode to the end of the id.
    var whole: Range<Int> { mode.lowerBound..<(id + 20) }
  }

  private let content: UnsafeBufferPointer<UInt8>
  private var position = 0

  init(_ content: UnsafeBufferPointer<UInt8>) { self.content = content }

  @inline(__always)
  mutating func next() -> Entry? {
    let start = position
    var space = start
    while space < content.count, content[space] != 0x20 { space += 1 }
    var end = space + 1
    while end < content.count, content[end] != 0 { end += 1 }
    guard end + 20 < content.count else { return nil }
    position = end + 21
    return Entry(mode: start..<space, name: (space + 1)..<end, id: end + 1)
  }
}
