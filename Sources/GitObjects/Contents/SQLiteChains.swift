/// Values in a SQLite file that lie over several pages. What lies within one page, of a table, of an index or free again, is
/// met where the file is searched as it is; here the pages of a long value are put together again.
///
/// Every page that may hold cells is looked at, also free ones, so that deleted rows are found, too. Source: sqlite.org,
/// "Database File Format", 1.6 (b-tree pages), 1.7 (overflow pages), 4.1 (WAL format).
struct SQLiteChains {
  private let pageSize: Int
  /// Bytes of a page that hold content; the rest is an extension's.
  private let usable: Int
  private let base: any ByteRegion
  private let log: (any ByteRegion)?
  /// Where the log has the last version of a page.
  private var logged: [UInt32: Int] = [:]

  static let magic = Array("SQLite format 3\0".utf8)
  /// More pages than these in a write-ahead log are not put in order.
  private static let mostLogged = 4_000_000

  /// - Parameter log: the write-ahead log beside it.
  /// - Throws: when the header names no page size.
  init(_ base: any ByteRegion, log: (any ByteRegion)?) throws(FeedError) {
    self.base = base
    self.log = log
    let head = try base.bytes(at: 0, 100)
    let stated = Int(head[16]) << 8 | Int(head[17])
    pageSize = stated == 1 ? 65_536 : stated
    usable = pageSize - Int(head[20])
    guard pageSize >= 512, pageSize & (pageSize - 1) == 0, usable >= 480 else {
      throw FeedError("the header of the SQLite file is broken")
    }
    if let log { try readOrder(of: log) }
  }

  /// Frames of the log's current turn; those of an earlier one are searched as bytes only.
  private mutating func readOrder(of log: any ByteRegion) throws(FeedError) {
    guard log.count >= 32 else { return }
    let head = try log.bytes(at: 0, 32)
    guard head.big32(8) == UInt32(truncatingIfNeeded: pageSize) else { return }
    var place = 32
    while place + 24 + pageSize <= log.count {
      let frame = try log.bytes(at: place, 24)
      if frame[8..<16].elementsEqual(head[16..<24]) {
        guard logged.count < Self.mostLogged else {
          throw FeedError("its write-ahead log has more than \(Self.mostLogged) pages")
        }
        logged[frame.big32(0)] = place + 24
      }
      place += 24 + pageSize
    }
  }

  /// Calls `body` with each long value's bytes and with where in them another page begins.
  /// - Throws: when it leads around in circles, or cannot be read.
  func forEach(_ body: (any ByteFeed, _ seams: Seams) throws(GitObjectsError) -> Void)
    throws(FeedError) -> GitObjectsError?
  {
    // An honest file has each page in one chain.
    var left = 4 * (base.count + (log?.count ?? 0)) + (1 << 20)
    let pages = UInt32(clamping: base.count / pageSize)
    if let error = try pass(1...max(1, pages), isLogged: false, &left, body) { return error }
    guard let last = logged.keys.max() else { return nil }
    return try pass(1...last, isLogged: true, &left, body)
  }

  private func pass(
    _ numbers: ClosedRange<UInt32>, isLogged: Bool, _ left: inout Int,
    _ body: (any ByteFeed, Seams) throws(GitObjectsError) -> Void
  ) throws(FeedError) -> GitObjectsError? {
    for number in numbers where !isLogged || logged[number] != nil {
      guard let page = try page(number, isLogged: isLogged) else { continue }
      for cell in cells(of: page, isFirst: number == 1) {
        let chain = ChainFeed(self, cell, of: page, isLogged: isLogged)
        let seams = Seams(first: cell.local.count, next: usable - 4)
        do throws(GitObjectsError) { try body(chain, seams) } catch { return error }
        if let failure = chain.failure { throw failure }
        left -= chain.passed
        guard left > 0 else { throw FeedError("the pages of its long values lead around in circles") }
      }
    }
    return nil
  }

  /// Where in a long value another page begins.
  struct Seams {
    let first: Int
    let next: Int

    func isCrossed(by range: Range<Int>) -> Bool {
      func page(_ place: Int) -> Int { place < first ? 0 : 1 + (place - first) / next }
      return page(range.lowerBound) != page(range.upperBound - 1)
    }
  }

  fileprivate func page(_ number: UInt32, isLogged: Bool) throws(FeedError) -> [UInt8]? {
    if isLogged, let log, let place = logged[number] { return try log.bytes(at: place, pageSize) }
    let place = (Int(number) - 1) * pageSize
    guard number > 0, place + pageSize <= base.count else { return nil }
    return try base.bytes(at: place, pageSize)
  }

  fileprivate struct Cell {
    /// All of the value's bytes.
    let payload: Int
    /// Those in its own page.
    let local: Range<Int>
    let next: UInt32
  }

  /// Cells of a b-tree page whose values go on in other pages. A page of something else has none that fit.
  private func cells(of page: [UInt8], isFirst: Bool) -> [Cell] {
    let head = isFirst ? 100 : 0
    let type = page[head]
    guard [2, 10, 13].contains(type) else { return [] }
    let pointers = head + (type == 2 ? 12 : 8)
    let count = min(page.big16(head + 3), (usable - pointers) / 2)
    var found: [Cell] = []
    for index in 0..<max(0, count) {
      var place = page.big16(pointers + 2 * index) + (type == 2 ? 4 : 0)
      guard let payload = Self.varint(page, &place, usable) else { continue }
      if type == 13, Self.varint(page, &place, usable) == nil { continue }
      let most = type == 13 ? usable - 35 : (usable - 12) * 64 / 255 - 23
      guard payload > most else { continue }
      let least = (usable - 12) * 32 / 255 - 23
      let fitting = least + (payload - least) % (usable - 4)
      let local = fitting <= most ? fitting : least
      guard place + local + 4 <= usable else { continue }
      let next = page.big32(place + local)
      // As many pages as the file has cannot hold more.
      guard next > 0, payload <= base.count + (log?.count ?? 0) else { continue }
      found.append(Cell(payload: payload, local: place..<(place + local), next: next))
    }
    return found
  }

  private static func varint(_ page: [UInt8], _ place: inout Int, _ end: Int) -> Int? {
    var value: UInt64 = 0
    for index in 0..<9 {
      guard place < end else { return nil }
      let byte = page[place]
      place += 1
      if index == 8 {
        value = value << 8 | UInt64(byte)
        break
      }
      value = value << 7 | UInt64(byte & 0x7F)
      if byte & 0x80 == 0 { break }
    }
    return Int(exactly: value) ?? .max
  }

  /// The bytes of one long value.
  private final class ChainFeed: ByteFeed {
    private let chains: SQLiteChains
    private let isLogged: Bool
    private var piece: ArraySlice<UInt8>
    private var next: UInt32
    private var left: Int
    /// Bytes that were read.
    private(set) var passed = 0
    /// Reading failed; a chain that only ends too early is none.
    private(set) var failure: FeedError?

    init(_ chains: SQLiteChains, _ cell: Cell, of page: [UInt8], isLogged: Bool) {
      self.chains = chains
      self.isLogged = isLogged
      piece = page[cell.local]
      next = cell.next
      left = cell.payload - cell.local.count
    }

    func read(_ target: UnsafeMutablePointer<UInt8>, _ count: Int) throws(FeedError) -> Int {
      if piece.isEmpty {
        guard left > 0, next > 0 else { return 0 }
        do throws(FeedError) {
          // A page that is free again may have been cut off.
          guard let page = try chains.page(next, isLogged: isLogged) else { return 0 }
          next = page.big32(0)
          piece = page[4..<(4 + min(left, chains.usable - 4))]
          left -= piece.count
        } catch {
          failure = error
          throw error
        }
      }
      let length = min(count, piece.count)
      piece.prefix(length).withUnsafeBufferPointer { bytes in
        if let base = bytes.baseAddress { target.update(from: base, count: length) }
      }
      piece = piece.dropFirst(length)
      passed += length
      return length
    }
  }
}

extension [UInt8] {
  /// The big-endian number at `place`, which the caller has checked.
  fileprivate func big16(_ place: Int) -> Int { Int(self[place]) << 8 | Int(self[place + 1]) }
  fileprivate func big32(_ place: Int) -> UInt32 {
    UInt32(big16(place)) << 16 | UInt32(big16(place + 2))
  }
}
