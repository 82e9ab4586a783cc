/// Reads a zip archive by its directory, as those do who unpack it: wheels, jars, office documents, saved plans.
///
/// Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 (structure), 4.4.4 (flags), 4.4.5 (methods), 4.5.3 (Zip64).
struct ZipDirectory {
  struct Member {
    let name: [UInt8]
    /// Bytes of it that are packed, in the archive.
    let packed: Range<Int>
    let method: Int
    let isEncrypted: Bool
  }

  private let region: any ByteRegion
  /// Where the directory stands, and how many members it says to have.
  private let directory: Range<Int>
  private let count: Int
  private var position: Int
  private var listed = 0
  private var isOver = false
  /// How far everything stands behind where it says to: a program may stand before an archive.
  private let shift: Int

  private static let endSignature: UInt32 = 0x0605_4B50
  private static let endSize = 22

  /// Whether a region without an archive's first bytes ends as one: a program that unpacks itself.
  static func isAtEnd(of region: any ByteRegion) -> Bool {
    guard region.count >= endSize else { return false }
    do throws(FeedError) {
      let end = try region.bytes(at: region.count - endSize, endSize)
      return end.u32(0) == endSignature && end.u16(20) == 0
    } catch {
      return false  // whoever searches it meets the same error, and says so
    }
  }

  /// - Throws: when there is no directory that can be followed.
  init(_ region: any ByteRegion) throws(FeedError) {
    self.region = region
    // The end record, behind which a comment of up to 65,535 bytes may stand.
    let tail = min(region.count, Self.endSize + 65_535)
    let bytes = try region.bytes(at: region.count - tail, tail)
    var found: Int?
    var place = tail - Self.endSize
    while place >= 0, found == nil {
      if bytes.u32(place) == Self.endSignature, place + Self.endSize + bytes.u16(place + 20) <= tail {
        found = place
      }
      place -= 1
    }
    guard let found else { throw FeedError("the directory of the zip archive is missing") }
    let end = region.count - tail + found
    var number = bytes.u16(found + 10)
    var size = Int(bytes.u32(found + 12))
    var start = Int(bytes.u32(found + 16))
    var directoryEnd = end
    guard bytes.u16(found + 4) == bytes.u16(found + 6) || bytes.u16(found + 4) == 0xFFFF else {
      throw FeedError("it is a part of a zip archive of several files")
    }
    if number == 0xFFFF || size == 0xFFFF_FFFF || start == 0xFFFF_FFFF, end >= 20 {
      let locator = try region.bytes(at: end - 20, 20)
      if locator.u32(0) == 0x0706_4B50 {
        let (wide, at) = try Self.wideEnd(locator, before: end - 20, in: region)
        number = try wide.count(32)
        size = try wide.count(40)
        start = try wide.count(48)
        directoryEnd = at
      }
    }
    guard size <= directoryEnd else { throw FeedError("the directory of the zip archive is broken") }
    directory = (directoryEnd - size)..<directoryEnd
    position = directory.lowerBound
    shift = directory.lowerBound - start
    count = number
    guard shift >= 0 else { throw FeedError("the directory of the zip archive is broken") }
  }

  /// Zip64's end record: where its locator says, or, behind a program, just before it.
  private static func wideEnd(_ locator: [UInt8], before end: Int, in region: any ByteRegion)
    throws(FeedError) -> (record: [UInt8], at: Int)
  {
    let stated = try locator.count(8)
    for place in [stated, end - 56] where place >= 0 && place <= end - 56 {
      let record = try region.bytes(at: place, 56)
      if record.u32(0) == 0x0606_4B50 { return (record, place) }
    }
    throw FeedError("the directory of the zip archive is broken")
  }

  /// The next member, in the directory's order; nil behind the last.
  /// - Throws: where a member cannot be read. Those behind it are asked for next; where the directory itself is broken there
  ///   are none.
  mutating func next() throws(FeedError) -> Member? {
    if isOver { return nil }
    isOver = true
    guard position + 46 <= directory.upperBound else {
      // A count of 16 bits may have turned over.
      guard listed & 0xFFFF == count & 0xFFFF else {
        throw FeedError("the directory of the zip archive lists \(listed) members and says to have \(count)")
      }
      return nil
    }
    let head = try region.bytes(at: position, 46)
    guard head.u32(0) == 0x0201_4B50 else { throw FeedError("the directory of the zip archive is broken") }
    let (name, extra, comment) = (head.u16(28), head.u16(30), head.u16(32))
    let rest = try region.bytes(at: position + 46, name + extra)
    position += 46 + name + extra + comment
    listed += 1
    isOver = false
    return try member(head, name: Array(rest[..<name]), extra: Array(rest[name...]))
  }

  private func member(_ head: [UInt8], name: [UInt8], extra: [UInt8]) throws(FeedError) -> Member {
    var size = Int(head.u32(24))
    var packed = Int(head.u32(20))
    var start = Int(head.u32(42))
    if let wide = Self.field(0x0001, in: extra) {
      var place = 0
      for path in [\Numbers.size, \Numbers.packed, \Numbers.start] {
        var numbers = Numbers(size: size, packed: packed, start: start)
        guard numbers[keyPath: path] == 0xFFFF_FFFF, place + 8 <= wide.count else { continue }
        numbers[keyPath: path] = try wide.count(place)
        (size, packed, start) = (numbers.size, numbers.packed, numbers.start)
        place += 8
      }
    }
    // The local header's own lengths say where the bytes begin; its sizes may be missing.
    guard start <= region.count - 30 - shift else {
      throw FeedError("the directory of the zip archive is broken")
    }
    let local = try region.bytes(at: start + shift, 30)
    guard local.u32(0) == 0x0403_4B50 else { throw FeedError("the directory of the zip archive is broken") }
    let begin = start + shift + 30 + local.u16(26) + local.u16(28)
    guard begin <= region.count, packed <= region.count - begin else {
      throw FeedError("a member is larger than the zip archive")
    }
    let flags = head.u16(8)
    return Member(
      name: name, packed: begin..<(begin + packed), method: head.u16(10), isEncrypted: flags & 0x2041 != 0)
  }

  private struct Numbers {
    var size: Int
    var packed: Int
    var start: Int
  }

  private static func field(_ id: Int, in extra: [UInt8]) -> [UInt8]? {
    var place = 0
    while place + 4 <= extra.count {
      let length = extra.u16(place + 2)
      guard place + 4 + length <= extra.count else { return nil }
      if extra.u16(place) == id { return Array(extra[(place + 4)..<(place + 4 + length)]) }
      place += 4 + length
    }
    return nil
  }

  /// Compression methods by their number. Source: APPNOTE 4.4.5.
  static func name(ofMethod method: Int) -> String {
    switch method {
    case 1...6: "an old method of zip"
    case 9: "Deflate64"
    case 12: "bzip2"
    case 14: "LZMA"
    case 93, 20: "Zstandard"
    case 95: "xz"
    case 99: "AES encryption"
    default: "method \(method) of zip"
    }
  }
}

extension [UInt8] {
  /// The little-endian number at `place`, which the caller has checked.
  func u16(_ place: Int) -> Int { Int(self[place]) | Int(self[place + 1]) << 8 }

  func u32(_ place: Int) -> UInt32 { UInt32(u16(place)) | UInt32(u16(place + 2)) << 16 }

  /// A number of 64 bits that must be a count of bytes or members.
  /// - Throws: for what is beyond any file.
  func count(_ place: Int) throws(FeedError) -> Int {
    let value = UInt64(u32(place)) | UInt64(u32(place + 4)) << 32
    guard value < 1 << 60 else { throw FeedError("the directory of the zip archive is broken") }
    return Int(value)
  }
}
