/// Reads the members of a tar archive in their order. Source: POSIX pax, "ustar Interchange Format" and "pax Header Block";
/// GNU tar manual, "Basic Tar Format".
struct TarReader {
  /// A member. Its bytes are to be read before the next one is asked for; what is left of them is passed over.
  struct Member {
    /// As it is written there: it may lead anywhere and hold anything.
    let name: [UInt8]
    /// Where it points, for links.
    let target: [UInt8]
    /// Its header, with those that extend it: owners, comments and extended attributes stand there, too.
    let header: [UInt8]
    let content: LimitedFeed
    let size: Int
  }

  private static let block = 512
  private let feed: any ByteFeed
  private let limits: ContentLimits
  private var last: LimitedFeed?
  private var padding = 0
  /// Bytes that turned out to be no header.
  private(set) var unread = ByteBuffer(capacity: 1)

  init(_ feed: any ByteFeed, _ limits: ContentLimits) {
    self.feed = feed
    self.limits = limits
  }

  /// Nil at the end mark, or where the bytes end.
  /// - Throws: when it is broken here; what follows cannot be told apart any more.
  mutating func next() throws(FeedError) -> Member? {
    try skipRest()
    var extended = Extension()
    var seen: [UInt8] = []
    while true {
      let header = ByteBuffer(capacity: Self.block)
      guard try feed.fill(header, Self.block) else {
        guard header.count == 0 else { throw FeedError("it ends before what it says to have") }
        return nil
      }
      if header.bytes.allSatisfy({ $0 == 0 }) { return nil }
      guard Self.isHeader(header.bytes) else {
        unread = header
        throw FeedError("a member's header is broken")
      }
      seen += header.bytes
      let type = header.base[156]
      guard let size = extended.size ?? Self.number(header.bytes[124..<136]), size >= 0, size < 1 << 60 else {
        throw FeedError("a member's size is no number")
      }
      switch type {
      case 0x4C, 0x4B, 0x78, 0x67:  // L and K: GNU's long names; x and g: pax
        let own = Self.number(header.bytes[124..<136]) ?? 0
        guard own <= limits.header, seen.count + own <= 4 * limits.header else {
          throw FeedError("a member's header has more than \(ContentLimits.words(limits.header))")
        }
        let body = try self.body(own)
        seen += body
        extended.take(type, body)
      default:
        if type == 0x53 { try skipSparseMap(header, &seen) }
        // Links have no bytes, whatever their header says (POSIX: "no data blocks shall follow").
        let hasContent = !(0x31...0x36).contains(type) || (type == 0x31 && extended.isPax)
        let content = LimitedFeed(feed, hasContent ? size : 0)
        last = content
        padding = hasContent ? (Self.block - size % Self.block) % Self.block : 0
        return Member(
          name: extended.name ?? Self.name(in: header.bytes),
          target: extended.target ?? Self.text(header.bytes[157..<257]), header: seen, content: content,
          size: hasContent ? size : 0)
      }
    }
  }

  private mutating func skipRest() throws(FeedError) {
    guard let last else { return }
    let scratch = ByteBuffer(capacity: 1 << 16)
    while last.left > 0 { _ = try last.read(scratch.base, scratch.capacity) }
    self.last = nil
    scratch.count = 0
    // An archive that was cut off within its last padding has lost nothing.
    _ = try feed.fill(scratch, padding)
  }

  private func body(_ size: Int) throws(FeedError) -> [UInt8] {
    let buffer = ByteBuffer(capacity: size + Self.block)
    guard try feed.fill(buffer, (size + Self.block - 1) / Self.block * Self.block) else {
      throw FeedError("it ends before what it says to have")
    }
    return Array(buffer.bytes.prefix(size))
  }

  /// GNU's old form of sparse files: further blocks of the map may follow the header. Source: GNU tar manual.
  private func skipSparseMap(_ header: ByteBuffer, _ seen: inout [UInt8]) throws(FeedError) {
    var isExtended = header.base[482] != 0
    while isExtended {
      let block = ByteBuffer(capacity: Self.block)
      guard try feed.fill(block, Self.block) else {
        throw FeedError("it ends before what it says to have")
      }
      seen += block.bytes
      guard seen.count <= 4 * limits.header else {
        throw FeedError("a member's header has more than \(ContentLimits.words(limits.header))")
      }
      isExtended = block.base[504] != 0
    }
  }

  /// Whether 512 bytes may be a member's header: the sum of its bytes stands in it, with blanks in place of itself.
  static func isHeader(_ block: UnsafeBufferPointer<UInt8>) -> Bool {
    guard block.count >= Self.block, let stated = number(block[148..<156]), stated > 0 else { return false }
    var sum = 0
    var signed = 0  // some old programs added them so
    for (place, byte) in block.prefix(Self.block).enumerated() {
      let value = (148..<156).contains(place) ? 0x20 : byte
      sum += Int(value)
      signed += Int(Int8(bitPattern: value))
    }
    return stated == sum || stated == signed
  }

  /// Octal digits, or GNU's base 256.
  private static func number(_ field: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
    var value = 0
    if let first = field.first, first & 0x80 != 0 {
      guard first == 0x80 else { return nil }  // negative, or beyond any file
      for byte in field.dropFirst() {
        guard value < 1 << 54 else { return nil }
        value = value << 8 | Int(byte)
      }
      return value
    }
    for byte in field.drop(while: { $0 == 0x20 || $0 == 0 }) {
      if byte == 0x20 || byte == 0 { break }
      guard (0x30...0x37).contains(byte), value < 1 << 57 else { return nil }
      value = value << 3 | Int(byte - 0x30)
    }
    return value
  }

  private static func text(_ field: Slice<UnsafeBufferPointer<UInt8>>) -> [UInt8] {
    Array(field.prefix { $0 != 0 })
  }

  private static func name(in block: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    let name = text(block[0..<100])
    // "ustar" and a NUL: GNU's has blanks, and other things where the prefix stands.
    guard block[257..<263].elementsEqual(Array("ustar\0".utf8)) else { return name }
    let prefix = text(block[345..<500])
    return prefix.isEmpty ? name : prefix + [0x2F] + name
  }

  /// What headers before a member's own say of it.
  private struct Extension {
    var name: [UInt8]?
    var target: [UInt8]?
    var size: Int?
    var isPax = false

    mutating func take(_ type: UInt8, _ body: [UInt8]) {
      switch type {
      case 0x4C: name = Array(body.prefix { $0 != 0 })
      case 0x4B: target = Array(body.prefix { $0 != 0 })
      case 0x78:
        isPax = true
        records(body)
      default: break  // of the whole archive: defaults, no names
      }
    }

    /// `LENGTH KEY=VALUE\n`, one after another.
    private mutating func records(_ body: [UInt8]) {
      var position = 0
      while position < body.count, let blank = body[position...].firstIndex(of: 0x20),
        let length = Int(String(decoding: body[position..<blank], as: UTF8.self)),
        length > blank - position + 1, length <= body.count - position
      {
        let record = body[(blank + 1)..<(position + length - 1)]
        position += length
        guard let sign = record.firstIndex(of: 0x3D) else { continue }
        let value = Array(record[(sign + 1)...])
        switch String(decoding: record[..<sign], as: UTF8.self) {
        case "path": name = value
        case "linkpath": target = value
        case "size": size = Int(String(decoding: value, as: UTF8.self))
        default: break  // searched with the header
        }
      }
    }
  }
}
