import Capabilities
import GitObjects

/// Says where dirty objects stand: a path, the commits that hold them, the references that lead to them.
///
/// One pass over the commits in the order of their parents, one over the trees that no earlier commit had: each tree is
/// read once. Sets of dirty objects are bit sets, shared where nothing changes.
struct ObjectLocator {
  /// Where one object stands.
  struct Location: Sendable {
    /// From the root of a tree; nil for commits, tags and what no commit holds.
    var path: [UInt8]?
    /// The first commit that held it and the last that still does, in the order of history.
    var first: ObjectID?
    var last: ObjectID?
    var references: [ReferenceName] = []
  }

  private let objects: RepositoryObjects
  private var position: [ObjectID: Int] = [:]
  private var locations: [Location]
  /// Dirty objects below a tree; absent: not read yet.
  private var below: [ObjectID: BitSet] = [:]
  /// Dirty objects that a commit's history holds.
  private var reached: [ObjectID: BitSet] = [:]

  /// - Parameter wanted: the dirty objects.
  init(_ objects: RepositoryObjects, wanted: [ObjectID]) {
    self.objects = objects
    locations = Array(repeating: Location(), count: wanted.count)
    for (index, id) in wanted.enumerated() { position[id] = index }
  }

  mutating func locate(_ snapshot: ReferenceSnapshot) throws(CapabilityError) -> [ObjectID: Location] {
    guard !position.isEmpty else { return [:] }
    for reference in snapshot.references {
      guard case .object(let id) = reference.value else { continue }
      let set = try reach(id)
      for index in set.members { locations[index].references.append(reference.name) }
    }
    return position.mapValues { locations[$0] }
  }

  /// Everything dirty that `start` leads to.
  private mutating func reach(_ start: ObjectID) throws(CapabilityError) -> BitSet {
    if let known = reached[start] { return known }
    guard objects.contains(start) else { return BitSet() }
    // The kind first: a reference may lead to a blob of any size.
    switch try engine({ () throws(GitObjectsError) in try objects.kind(of: start) }) {
    case .tag:
      var set = BitSet()
      if let target = ObjectLinks.target(ofTag: try read(start).content) { set = try reach(target) }
      if let index = position[start] { set.insert(index) }
      reached[start] = set
      return set
    case .tree: return try treeSet(start, at: [])
    case .blob: return position[start].map { BitSet(member: $0) } ?? BitSet()
    case .commit: return try reachCommits(start)
    }
  }

  /// Parents first, without recursion: histories are long.
  private mutating func reachCommits(_ start: ObjectID) throws(CapabilityError) -> BitSet {
    var stack: [(id: ObjectID, links: ObjectLinks.Commit?)] = [(start, nil)]
    while let top = stack.last {
      if reached[top.id] != nil {
        stack.removeLast()
        continue
      }
      guard let links = top.links else {
        guard objects.contains(top.id) else {
          reached[top.id] = BitSet()  // behind a shallow boundary
          continue
        }
        let links = ObjectLinks.Commit(try read(top.id).content)
        stack[stack.count - 1].links = links
        for parent in links.parents where reached[parent] == nil { stack.append((parent, nil)) }
        continue
      }
      var set = BitSet()
      for parent in links.parents { set.formUnion(reached[parent] ?? BitSet()) }
      var own = BitSet()
      if let tree = links.tree { own = try treeSet(tree, at: []) }
      if let index = position[top.id] { own.insert(index) }
      for index in own.members {
        if locations[index].first == nil { locations[index].first = top.id }
        locations[index].last = top.id
      }
      set.formUnion(own)
      reached[top.id] = set
      stack.removeLast()
    }
    return reached[start] ?? BitSet()
  }

  private mutating func treeSet(_ tree: ObjectID, at path: [UInt8]) throws(CapabilityError) -> BitSet {
    if let known = below[tree] { return known }
    below[tree] = BitSet()  // a tree cannot hold itself; a hostile one ends here
    guard objects.contains(tree) else { return BitSet() }
    var set = BitSet()
    if let index = position[tree] {
      set.insert(index)
      if locations[index].path == nil { locations[index].path = path }
    }
    for entry in ObjectLinks.entries(ofTree: try read(tree).content) {
      let inside = path.isEmpty ? entry.name : path + [0x2F] + entry.name
      if entry.isTree {
        set.formUnion(try treeSet(entry.id, at: inside))
      } else if let index = position[entry.id] {
        set.insert(index)
        if locations[index].path == nil { locations[index].path = inside }
      }
    }
    below[tree] = set
    return set
  }

  private func read(_ id: ObjectID) throws(CapabilityError) -> (kind: ObjectKind, content: [UInt8]) {
    try engine { () throws(GitObjectsError) in try objects.read(id) }
  }
}

/// A set of small numbers.
struct BitSet: Sendable {
  private var words: [UInt64] = []

  init() {}
  init(member: Int) { insert(member) }

  mutating func insert(_ member: Int) {
    while words.count <= member / 64 { words.append(0) }
    words[member / 64] |= 1 << UInt64(member % 64)
  }

  mutating func formUnion(_ other: BitSet) {
    if other.words.isEmpty { return }
    if words.isEmpty {
      words = other.words
      return
    }
    while words.count < other.words.count { words.append(0) }
    for index in other.words.indices where words[index] | other.words[index] != words[index] {
      words[index] |= other.words[index]
    }
  }

  var members: [Int] {
    words.indices.flatMap { word in
      (0..<64).filter { words[word] & (1 << UInt64($0)) != 0 }.map { word * 64 + $0 }
    }
  }
}
