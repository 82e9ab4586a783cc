/// What the new pack holds, in order: clean objects as they are stored, spooled ones, each id once, bases first.
struct PackLayout {
  enum Source {
    case stored(object: UInt32)
    case spooled(spool: Int, entry: Int)
  }
  struct Entry {
    let source: Source
    let id: ObjectID
  }

  private(set) var entries: [Entry] = []
  /// Where in ``entries`` the successor of an old object stands; ``ObjectTable/none`` when it does not.
  let entryOfSuccessor: Column<UInt32>
  private let state: RewriteState

  init(state: RewriteState, spools: [Spool]) {
    self.state = state
    let table = state.table
    let place = Column<UInt64>(PackLayout.nowhere, count: table.count)
    for (number, spool) in spools.enumerated() {
      for (rank, entry) in spool.entries.enumerated() where entry.object != ObjectTable.none {
        place[Int(entry.object)] = UInt64(number) << 40 | UInt64(rank)
      }
    }
    let placed = Column<UInt32>(ObjectTable.none, count: table.count)
    entryOfSuccessor = Column(ObjectTable.none, count: table.count)
    var newlyPlaced: [ObjectID: UInt32] = [:]
    newlyPlaced.reserveCapacity(state.rewritten.count)
    entries.reserveCapacity(table.count)
    for rank in 0..<table.count {
      let object = Int(table.order[rank])
      guard let id = state.successor(object) else { continue }
      let next = UInt32(entries.count)
      let earlier: UInt32
      if state.isDirty[object] == 0 {
        if table.isForeign(object) { continue }
        earlier = placed[object]
        if earlier == ObjectTable.none { placed[object] = next }
      } else if let twin = table.ids.position(of: id) {
        earlier = placed[twin]
        if earlier == ObjectTable.none { placed[twin] = next }
      } else {
        earlier = newlyPlaced[id] ?? ObjectTable.none
        if earlier == ObjectTable.none { newlyPlaced[id] = next }
      }
      entryOfSuccessor[object] = min(earlier, next)
      guard earlier == ObjectTable.none else { continue }
      if place[object] == PackLayout.nowhere {
        entries.append(Entry(source: .stored(object: UInt32(object)), id: id))
      } else {
        let (spool, entry) = (Int(place[object] >> 40), Int(place[object] & ((1 << 40) - 1)))
        entries.append(Entry(source: .spooled(spool: spool, entry: entry), id: id))
      }
    }
    for (number, spool) in spools.enumerated() {
      for extra in spool.extras where newlyPlaced[extra.id] == nil {
        newlyPlaced[extra.id] = UInt32(entries.count)
        if let twin = table.ids.position(of: extra.id), placed[twin] != ObjectTable.none { continue }
        entries.append(Entry(source: .spooled(spool: number, entry: extra.entry), id: extra.id))
      }
    }
  }

  private static let nowhere = UInt64.max
}
