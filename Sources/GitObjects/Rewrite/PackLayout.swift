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
    let isPlaced = Column<UInt8>(0, count: table.count)
    var newlyPlaced: Set<ObjectID> = []
    for rank in 0..<table.count {
      let object = Int(table.order[rank])
      guard let id = state.successor(object) else { continue }
      if state.isDirty[object] == 0 {
        guard isPlaced[object] == 0, !table.isForeign(object) else { continue }
        isPlaced[object] = 1
      } else if let twin = table.ids.position(of: id) {
        guard isPlaced[twin] == 0 else { continue }
        isPlaced[twin] = 1
      } else {
        guard newlyPlaced.insert(id).inserted else { continue }
      }
      if place[object] == PackLayout.nowhere {
        entries.append(Entry(source: .stored(object: UInt32(object)), id: id))
      } else {
        let (spool, entry) = (Int(place[object] >> 40), Int(place[object] & ((1 << 40) - 1)))
        entries.append(Entry(source: .spooled(spool: spool, entry: entry), id: id))
      }
    }
    for (number, spool) in spools.enumerated() {
      for extra in spool.extras where newlyPlaced.insert(extra.id).inserted {
        if let twin = table.ids.position(of: extra.id), isPlaced[twin] != 0 { continue }
        entries.append(Entry(source: .spooled(spool: number, entry: extra.entry), id: extra.id))
      }
    }
  }

  private static let nowhere = UInt64.max
}
