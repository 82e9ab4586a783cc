import CFastHash

/// Rewrites the marked objects of the delta forest and spools them as deltas on the successors of their bases.
struct RewriteVisitor: ForestVisitor {
  let state: RewriteState
  let patch: ObjectPatch
  /// `stamp` for objects to spool, and ``passing`` `stamp` for those on the way to them.
  let marks: Column<UInt16>
  let stamp: UInt16
  let spool: Spool
  /// New contents of the objects on the path from the root, for their delta children.
  private var onPath: [Int: [UInt8]] = [:]
  private let encoder = DeltaEncoder()
  private(set) var signaturesDropped: [ObjectID] = []
  private(set) var renames: [String: String] = [:]
  private let progress: EngineProgress

  init(
    state: RewriteState, patch: ObjectPatch, marks: Column<UInt16>, stamp: UInt16, spool: Spool,
    progress: EngineProgress
  ) {
    self.progress = progress
    self.state = state
    self.patch = patch
    self.marks = marks
    self.stamp = stamp
    self.spool = spool
  }

  static let targetBit: UInt16 = 0x8000

  func enters(_ object: Int) -> Bool { marks[object] & ~RewriteVisitor.targetBit == stamp }

  mutating func leave(_ object: Int) { onPath[object] = nil }

  func large(_ object: Int, _ reader: EntryReader) throws(GitObjectsError) {
    try LargeRewrite(state: state, spool: spool, progress: progress).rewrite(
      object, reader, isWanted: enters,
      isTarget: { marks[$0] == stamp | RewriteVisitor.targetBit })
  }

  mutating func visit(_ object: Int, content: UnsafeBufferPointer<UInt8>, origin: DeltaOrigin?)
    throws(GitObjectsError)
  {
    guard marks[object] == stamp | RewriteVisitor.targetBit else { return }
    guard state.isNeeded(object) else { return try spool(object, content, origin, content) }
    let result = try patch.patched(object, content)
    let kind = state.table.kind(object)
    if result.dropsSignature { signaturesDropped.append(state.table.ids[object]) }
    for rename in result.renames { renames[rename.old] = rename.new }
    if state.newID(object) == .zero {
      state.setNewID(object, result.bytes.withUnsafeBufferPointer { ObjectHash.id(kind, $0) })
    }
    try result.bytes.withUnsafeBufferPointer { new throws(GitObjectsError) in
      try spool(object, content, origin, new)
    }
    if !state.table.children(of: object).isEmpty { onPath[object] = result.bytes }
  }

  /// Spools `new`, the successor of `old`, as a delta on the successor of its base where there is one.
  private mutating func spool(
    _ object: Int, _ old: UnsafeBufferPointer<UInt8>, _ origin: DeltaOrigin?,
    _ new: UnsafeBufferPointer<UInt8>
  ) throws(GitObjectsError) {
    let kind = state.table.kind(object)
    let parent = state.table.parent[object]
    if let origin, let delta = try delta(object, old, origin, Int(parent), new) {
      try spool.add(object: object, kind: kind, base: parent, bytes: delta)
    } else {
      try spool.add(object: object, kind: kind, base: ObjectTable.none, bytes: new)
    }
  }

  private mutating func delta(
    _ object: Int, _ old: UnsafeBufferPointer<UInt8>, _ origin: DeltaOrigin, _ parent: Int,
    _ new: UnsafeBufferPointer<UInt8>
  ) throws(GitObjectsError) -> UnsafeBufferPointer<UInt8>? {
    guard !state.table.isForeign(parent) else { return nil }
    guard state.isDirty[parent] != 0 else { return encode(old, new, origin, base: origin.base) }
    guard state.isNeeded(parent), state.newID(parent) != .zero else { return nil }
    if onPath[parent] == nil { onPath[parent] = try patch.patched(parent, origin.base).bytes }
    guard let base = onPath[parent] else { return nil }
    return base.withUnsafeBufferPointer { encode(old, new, origin, base: $0) }
  }

  private func encode(
    _ old: UnsafeBufferPointer<UInt8>, _ new: UnsafeBufferPointer<UInt8>, _ origin: DeltaOrigin,
    base: UnsafeBufferPointer<UInt8>
  ) -> UnsafeBufferPointer<UInt8>? {
    old.count == new.count && origin.base.count == base.count
      ? encoder.rebased(origin, base: base, target: new) : encoder.encoded(base: base, target: new)
  }
}

/// Names of objects.
enum ObjectHash {
  static func id(_ kind: ObjectKind, _ content: UnsafeBufferPointer<UInt8>) -> ObjectID {
    let header = Array("\(kind.name) \(content.count)\0".utf8)
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digest in
      guard let base = digest.baseAddress else { return .zero }
      fast_hash_object(header, header.count, content.baseAddress, content.count, base)
      return ObjectID(at: base)
    }
  }
}
