/// Commits and tags, read once: what they point to, and their raw bytes for patching.
final class CommitGraph: @unchecked Sendable {  // filled by `read`, then immutable
  struct Node {
    let object: UInt32
    let kind: ObjectKind
    /// The tree of a commit, the target of a tag; ``ObjectTable/none`` when it is not in the repository.
    let target: UInt32
    let parents: [UInt32]
    /// Starts with a well-formed `tree` line, so that the lines of its parents follow at fixed distances.
    let hasTreeLine: Bool
    /// Raw; empty where nothing is to be patched.
    let content: [UInt8]
  }

  private(set) var nodes: [Node] = []
  /// Number of a commit's or tag's node; ``ObjectTable/none`` for other objects.
  private let numbers: Column<UInt32>
  /// Commits, each after its parents.
  private(set) var topological: [Int] = []

  /// - Throws: `.corrupt` when a commit is its own ancestor.
  init(_ table: ObjectTable, _ collectors: [Collector]) throws(GitObjectsError) {
    numbers = Column(ObjectTable.none, count: table.count)
    for collector in collectors { nodes += collector.nodes }
    for (number, node) in nodes.enumerated() { numbers[Int(node.object)] = UInt32(number) }
    try sort(table)
  }

  /// The number of the node of `object`; nil when it is neither commit nor tag.
  @inline(__always)
  func number(_ object: UInt32) -> Int? {
    guard object != ObjectTable.none, numbers[Int(object)] != ObjectTable.none else { return nil }
    return Int(numbers[Int(object)])
  }

  func node(_ object: UInt32) -> Node? { number(object).map { nodes[$0] } }

  /// The tag `object` and those that it leads to, the outermost first. Deeper nesting than 64 is hostile.
  func tags(from object: UInt32) -> [Node] {
    var chain: [Node] = []
    var next = object
    while chain.count < 64, let node = node(next), node.kind == .tag {
      chain.append(node)
      next = node.target
    }
    return chain
  }

  /// - Parameter keepsContents: for patching.
  /// - Throws: `.corrupt`, `.cancelled`.
  static func read(_ table: ObjectTable, keepsContents: Bool = true, progress: EngineProgress)
    throws(GitObjectsError) -> CommitGraph
  {
    let isWanted = { @Sendable (object: Int) in
      table.kind[object] == ObjectKind.commit.rawValue || table.kind[object] == ObjectKind.tag.rawValue
    }
    let roots = ForestRoots(table, where: isWanted)
    let workers = try WorkerThreads.run(
      pieces: roots.pieces, phase: .commits, progress: progress,
      makeWorker: { () throws(GitObjectsError) in
        let visitor = Collector(table: table, keepsContents: keepsContents)
        return Worker(visitor: visitor, walk: ForestWalk(try EntryReader(table)))
      },
      work: { (worker, piece) throws(GitObjectsError) in
        for root in roots[piece] { try worker.walk.walk(Int(root), &worker.visitor) }
      })
    return try CommitGraph(table, workers.map(\.visitor))
  }

  private struct Worker: @unchecked Sendable {  // used by one thread, then read by the one that joined it
    var visitor: Collector
    let walk: ForestWalk
  }

  /// Keeps what commits and tags point to. One per thread.
  struct Collector: ForestVisitor {
    let table: ObjectTable
    let keepsContents: Bool
    fileprivate(set) var nodes: [Node] = []

    init(table: ObjectTable, keepsContents: Bool) {
      self.table = table
      self.keepsContents = keepsContents
    }

    func enters(_ object: Int) -> Bool { true }

    func large(_ object: Int, _ reader: EntryReader) {}  // a blob; none is walked here

    mutating func visit(_ object: Int, content: UnsafeBufferPointer<UInt8>, origin: DeltaOrigin?) {
      add(object, content)
    }

    mutating func add(_ object: Int, _ content: UnsafeBufferPointer<UInt8>) {
      let kind = table.kind(object)
      let references = PointerLines(content, kind: kind)
      func position(_ id: ObjectID) -> UInt32 {
        table.ids.position(of: id).map { UInt32($0) } ?? ObjectTable.none
      }
      nodes.append(
        Node(
          object: UInt32(object), kind: kind,
          target: references.target.map { position($0.id) } ?? ObjectTable.none,
          parents: references.parents.map { position($0.id) },
          hasTreeLine: kind == .commit && references.target != nil,
          content: keepsContents ? Array(content) : []))
    }
  }

  /// Depth-first, without recursion.
  private func sort(_ table: ObjectTable) throws(GitObjectsError) {
    var state = [UInt8](repeating: 0, count: nodes.count)  // 0 new, 1 open, 2 placed
    topological.reserveCapacity(nodes.count)
    var stack: [(number: Int, next: Int)] = []
    for start in nodes.indices where nodes[start].kind == .commit && state[start] == 0 {
      stack.append((start, 0))
      state[start] = 1
      while let (current, next) = stack.last {
        let parents = nodes[current].parents
        if next < parents.count {
          stack[stack.count - 1].next += 1
          guard let parent = number(parents[next]) else { continue }
          guard state[parent] != 1 else {
            throw .corrupt("commit \(table.ids[Int(nodes[parent].object)])", "it is its own ancestor")
          }
          if state[parent] == 0 {
            state[parent] = 1
            stack.append((parent, 0))
          }
        } else {
          state[current] = 2
          if nodes[current].kind == .commit { topological.append(current) }
          stack.removeLast()
        }
      }
    }
  }
}

/// The lines at the start of a commit or tag that name other objects.
struct PointerLines {
  struct Pointer {
    let id: ObjectID
    /// Where the 40 digits stand.
    let digits: Range<Int>
  }
  /// `tree` of a commit, `object` of a tag.
  private(set) var target: Pointer?
  private(set) var parents: [Pointer] = []

  init(_ content: UnsafeBufferPointer<UInt8>, kind: ObjectKind) {
    var position = 0
    target = PointerLines.pointer(content, &position, kind == .tag ? "object " : "tree ")
    guard target != nil, kind == .commit else { return }
    while let parent = PointerLines.pointer(content, &position, "parent ") { parents.append(parent) }
  }

  private static func pointer(
    _ content: UnsafeBufferPointer<UInt8>, _ position: inout Int, _ word: StaticString
  ) -> Pointer? {
    let start = position + word.utf8CodeUnitCount
    guard start + 40 <= content.count else { return nil }
    for index in 0..<word.utf8CodeUnitCount where content[position + index] != word.utf8Start[index] {
      return nil
    }
    guard start + 40 == content.count || content[start + 40] == 0x0A else { return nil }
    guard let id = HexText.id(content, at: start) else { return nil }
    position = start + 41
    return Pointer(id: id, digits: start..<(start + 40))
  }
}

/// Ids as 40 hexadecimal digits in raw bytes.
enum HexText {
  static func id(_ text: UnsafeBufferPointer<UInt8>, at start: Int) -> ObjectID? {
    var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
    for index in 0..<40 {
      guard let digit = value(text[start + index]) else { return nil }
      switch index {
      case 0..<16: words.0 = words.0 << 4 | UInt64(digit)
      case 16..<32: words.1 = words.1 << 4 | UInt64(digit)
      default: words.2 = words.2 << 4 | UInt64(digit)
      }
    }
    return ObjectID(high: words.0, middle: words.1, low: UInt32(words.2))
  }

  @inline(__always)
  static func value(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x61...0x66: byte - 0x61 + 10
    case 0x41...0x46: byte - 0x41 + 10
    default: nil
    }
  }

  /// Writes the 40 digits of `id` at `target`.
  static func write(_ id: ObjectID, to target: UnsafeMutablePointer<UInt8>) {
    func put(_ word: UInt64, _ digits: Int, at start: Int) {
      for index in 0..<digits {
        let nibble = UInt8(word >> UInt64((digits - 1 - index) * 4) & 15)
        target[start + index] = nibble < 10 ? nibble + 0x30 : nibble - 10 + 0x61
      }
    }
    put(id.high, 16, at: 0)
    put(id.middle, 16, at: 16)
    put(UInt64(id.low), 8, at: 32)
  }
}
