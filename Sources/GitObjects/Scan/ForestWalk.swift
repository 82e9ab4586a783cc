/// A delta and the content of its base.
struct DeltaOrigin {
  let delta: UnsafeBufferPointer<UInt8>
  let base: UnsafeBufferPointer<UInt8>
}

/// What a walk over the delta forest is for.
protocol ForestVisitor {
  /// Whether `object` or a delta below it is of interest.
  func enters(_ object: Int) -> Bool

  /// Called before the content of a delta without interesting children is built; false when the content is not needed.
  mutating func needsLeaf(
    _ object: Int, origin: DeltaOrigin
  ) throws(GitObjectsError) -> Bool

  /// The object's content, and how it was made when it is a delta.
  mutating func visit(_ object: Int, content: UnsafeBufferPointer<UInt8>, origin: DeltaOrigin?)
    throws(GitObjectsError)

  /// The content of `object` is about to be given back: no more children.
  mutating func leave(_ object: Int)

  /// `object`, a blob, is too large for memory: it and everything that is stored as deltas on it is the visitor's to read.
  mutating func large(_ object: Int, _ reader: EntryReader) throws(GitObjectsError)
}

extension ForestVisitor {
  mutating func needsLeaf(
    _ object: Int, origin: DeltaOrigin
  ) throws(GitObjectsError) -> Bool { true }

  mutating func leave(_ object: Int) {}
}

/// Builds the content of every object of a delta tree once, bases before deltas, without recursion.
///
/// A base is given back before its last child is entered; as the heaviest child is last, at most log2(n) contents are held.
struct ForestWalk {
  private struct Frame {
    let object: Int
    let content: ByteBuffer
    var next: Int
  }

  let reader: EntryReader
  private let table: ObjectTable

  init(_ reader: EntryReader) {
    self.reader = reader
    table = reader.table
  }

  /// - Parameter root: an object without a delta base.
  /// - Throws: `.corrupt`, `.system`, and what the visitor throws.
  func walk<Visitor: ForestVisitor>(_ root: Int, _ visitor: inout Visitor) throws(GitObjectsError) {
    guard let content = try reader.stored(root) else { return try visitor.large(root, reader) }
    try visitor.visit(root, content: content.bytes, origin: nil)
    var stack = [Frame(object: root, content: content, next: 0)]
    while var frame = stack.popLast() {
      let children = table.children(of: frame.object)
      guard let place = interesting(children, from: frame.next, visitor) else {
        visitor.leave(frame.object)
        reader.give(frame.content)
        continue
      }
      frame.next = place + 1
      let following = interesting(children, from: place + 1, visitor)
      let isLast = following == nil
      if let following { table.prefetch(Int(children[following])) }
      if !isLast { stack.append(frame) }
      let child = Int(children[place])
      let built = try build(child, on: frame, &visitor)
      if isLast {
        visitor.leave(frame.object)
        reader.give(frame.content)
      }
      if let built { stack.append(Frame(object: child, content: built, next: 0)) }
    }
  }

  private func interesting<Visitor: ForestVisitor>(
    _ children: UnsafeBufferPointer<UInt32>, from start: Int, _ visitor: Visitor
  ) -> Int? {
    var place = start
    while place < children.count {
      if visitor.enters(Int(children[place])) { return place }
      place += 1
    }
    return nil
  }

  private func build<Visitor: ForestVisitor>(
    _ child: Int, on frame: Frame, _ visitor: inout Visitor
  ) throws(GitObjectsError) -> ByteBuffer? {
    guard let delta = try reader.stored(child) else {
      try visitor.large(child, reader)
      return nil
    }
    defer { reader.give(delta) }
    let isLeaf = interesting(table.children(of: child), from: 0, visitor) == nil
    let origin = DeltaOrigin(delta: delta.bytes, base: frame.content.bytes)
    if isLeaf, try !visitor.needsLeaf(child, origin: origin) {
      visitor.leave(child)
      return nil
    }
    guard let content = try reader.applied(delta.bytes, to: frame.content.bytes, object: child) else {
      try visitor.large(child, reader)
      return nil
    }
    try visitor.visit(child, content: content.bytes, origin: origin)
    return content
  }
}
