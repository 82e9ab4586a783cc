/// What is dirty, what of it must be rewritten, and under which new ids. One byte or word an object.
///
/// Invariant for @unchecked: passes run one after another; within a pass threads write the state of disjoint objects.
final class RewriteState: @unchecked Sendable {
  let table: ObjectTable
  let patterns: CompiledPatterns
  let options: RewriteOptions
  /// Holds a hit itself.
  let hasHit: Column<UInt8>
  /// Must not stay: holds a hit, is to be removed, or leads to such an object.
  let isDirty: Column<UInt8>
  /// To be removed without a successor.
  let isRemoved: Column<UInt8>
  /// Number of the new id of a dirty object that is kept in rewritten form; ``ObjectTable/none`` for all others.
  let slot: Column<UInt32>
  private(set) var newIDs: Column<ObjectID> = Column(.zero, count: 0)
  private(set) var rewritten: [UInt32] = []
  /// Commits that get another tree than the successor of their old one.
  var treeOverrides: [ObjectID: ObjectID] = [:]

  init(table: ObjectTable, patterns: CompiledPatterns, options: RewriteOptions, hits: [ObjectHit]) {
    self.table = table
    self.patterns = patterns
    self.options = options
    hasHit = Column(0, count: table.count)
    isDirty = Column(0, count: table.count)
    isRemoved = Column(0, count: table.count)
    slot = Column(ObjectTable.none, count: table.count)
    for hit in hits where RewriteState.cleans(hit.place, options) {
      guard let object = table.ids.position(of: hit.object) else { continue }
      hasHit[object] = 1
      isDirty[object] = 1
    }
    for id in options.removedBlobs {
      guard let object = table.ids.position(of: id), table.kind(object) == .blob else { continue }
      isRemoved[object] = 1
      isDirty[object] = 1
    }
  }

  /// False when nothing has to change.
  var hasWork: Bool {
    !options.gitlinks.isEmpty || !options.removedPaths.isEmpty
      || (0..<table.count).contains { isDirty[$0] != 0 }
  }

  private static func cleans(_ place: ObjectHit.Place, _ options: RewriteOptions) -> Bool {
    switch place {
    case .blob: true
    case .message: options.rewritesMessages
    case .person, .header: options.rewritesHeaders
    case .path: options.rewritesPaths
    }
  }

  func cleans(_ place: ObjectHit.Place) -> Bool { RewriteState.cleans(place, options) }

  /// Gives `object` a place for its new id.
  func need(_ object: Int) {
    slot[object] = UInt32(rewritten.count)
    rewritten.append(UInt32(object))
  }

  /// To be called once, when every ``need(_:)`` is done.
  func fixNeeds() { newIDs = Column(.zero, count: rewritten.count) }

  @inline(__always)
  func isNeeded(_ object: Int) -> Bool { slot[object] != ObjectTable.none }

  /// The id under which a needed object continues; zero while it is not known.
  @inline(__always)
  func newID(_ object: Int) -> ObjectID { newIDs[Int(slot[object])] }

  func setNewID(_ object: Int, _ id: ObjectID) { newIDs[Int(slot[object])] = id }

  /// What a reference to `object` becomes: its own id, a new one, or nil when it goes away.
  @inline(__always)
  func successor(_ object: Int) -> ObjectID? {
    guard isDirty[object] != 0 else { return table.ids[object] }
    guard isNeeded(object) else { return nil }
    let id = newID(object)
    return id == .zero ? nil : id
  }

  /// As ``successor(_:)``, for an id; an object that is not in the repository stays as it is.
  func successor(of id: ObjectID) -> ObjectID? {
    table.ids.position(of: id).map { successor($0) } ?? id
  }
}
