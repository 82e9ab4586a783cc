/// The new bytes of one object, given the new ids of what it names. Everything that need not change stays byte for byte.
struct ObjectPatch {
  let state: RewriteState
  let edges: TreeEdges
  let graph: CommitGraph

  struct Result {
    let bytes: [UInt8]
    var dropsSignature = false
    var renames: [(old: String, new: String)] = []
  }

  /// - Throws: `.unsupported` when an expression cannot be matched here.
  func patched(_ object: Int, _ content: UnsafeBufferPointer<UInt8>) throws(GitObjectsError) -> Result {
    switch state.table.kind(object) {
    case .blob:
      let clean = try PlaceCleaning(patterns: state.patterns).cleaned(content, as: .blob)
      return Result(bytes: clean ?? Array(content))
    case .tree: return try TreePatch(state: state, edges: edges).patched(object, content)
    case .commit, .tag: return try HeadedPatch(state: state, graph: graph).patched(object, content)
    }
  }
}

/// A tree with new ids, and without what was removed.
struct TreePatch {
  let state: RewriteState
  let edges: TreeEdges

  func patched(
    _ tree: Int, _ content: UnsafeBufferPointer<UInt8>
  ) throws(GitObjectsError) -> ObjectPatch.Result {
    let list = edges[tree]
    let needsParsing =
      state.hasHit[tree] != 0 || edges.hasMappedLink[tree] != 0
      || list.contains { edge in
        let child = Int(edge.child)
        return state.isDirty[child] != 0 && goes(child)
      }
    guard !needsParsing else { return try parsed(content) }
    var bytes = Array(content)
    bytes.withUnsafeMutableBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      for edge in list where state.isDirty[Int(edge.child)] != 0 {
        if let id = state.successor(Int(edge.child)) { id.write(to: base + Int(edge.offset)) }
      }
    }
    return ObjectPatch.Result(bytes: bytes)
  }

  /// The entry is left out: its object was removed, or its directory became empty (Git stores no empty ones).
  private func goes(_ child: Int) -> Bool {
    guard let new = state.successor(child) else { return true }
    return new == .emptyTree && state.table.ids[child] != .emptyTree
  }

  private struct NewEntry {
    let mode: [UInt8]
    var name: [UInt8]
    let id: ObjectID
    let isTree: Bool
    let isRenamed: Bool
  }

  /// By entries: names that change, entries that go.
  func parsed(_ content: UnsafeBufferPointer<UInt8>) throws(GitObjectsError) -> ObjectPatch.Result {
    guard let base = content.baseAddress else { return ObjectPatch.Result(bytes: []) }
    var entries: [NewEntry] = []
    var renames: [(old: String, new: String)] = []
    var end = 0
    for entry in TreeEntries(content) {
      end = entry.whole.upperBound
      let mode = TreeMode(content, entry.mode)
      let old = ObjectID(at: base + entry.id)
      var id = old
      switch mode {
      case .link: id = state.options.gitlinks[old] ?? old
      case .tree, .other:
        if let child = state.table.ids.position(of: old), state.isDirty[child] != 0 {
          guard !goes(child), let new = state.successor(child) else { continue }
          id = new
        }
      }
      let nameBytes = UnsafeBufferPointer(rebasing: content[entry.name])
      let cleaned =
        state.cleans(.path)
        ? try PlaceCleaning(patterns: state.patterns).cleaned(nameBytes, as: .path) : nil
      entries.append(
        NewEntry(
          mode: Array(content[entry.mode]), name: cleaned ?? Array(nameBytes), id: id,
          isTree: mode == .tree, isRenamed: cleaned != nil))
      if let cleaned {
        renames.append((String(decoding: nameBytes, as: UTF8.self), String(decoding: cleaned, as: UTF8.self)))
      }
    }
    if !renames.isEmpty { entries = sorted(entries) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(content.count)
    for entry in entries { bytes += entry.mode + [0x20] + entry.name + [0] + entry.id.bytes }
    bytes += content[end...]  // what no longer reads as an entry stays
    return ObjectPatch.Result(bytes: bytes, renames: renames)
  }

  /// Renamed entries change their place, and may meet a namesake: the same object is kept once, another gets a number.
  private func sorted(_ entries: [NewEntry]) -> [NewEntry] {
    var names: [[UInt8]: ObjectID] = [:]
    for entry in entries where !entry.isRenamed { names[entry.name] = entry.id }
    var result: [NewEntry] = []
    for entry in entries {
      var entry = entry
      if entry.isRenamed {
        if names[entry.name] == entry.id { continue }
        var number = 2
        let stem = entry.name
        while names[entry.name] != nil {
          entry.name = stem + Array("-\(number)".utf8)
          number += 1
        }
        names[entry.name] = entry.id
      }
      result.append(entry)
    }
    // Git compares directories as if their name ended in "/".
    return result.sorted { left, right in
      (left.name + (left.isTree ? [0x2F] : [])).lexicographicallyPrecedes(
        right.name + (right.isTree ? [0x2F] : []))
    }
  }
}

/// A commit or tag with new ids, without the signatures that its old bytes had.
private struct HeadedPatch {
  let state: RewriteState
  let graph: CommitGraph

  private static let signatures = ["gpgsig", "gpgsig-sha256"].map { Array($0.utf8) }
  private static let mergetag = Array("mergetag".utf8)

  func patched(
    _ object: Int, _ content: UnsafeBufferPointer<UInt8>
  ) throws(GitObjectsError) -> ObjectPatch.Result {
    let kind = state.table.kind(object)
    let tree = state.treeOverrides.isEmpty ? nil : state.treeOverrides[state.table.ids[object]]
    let hasHit = state.hasHit[object] != 0
    if kind == .commit, !hasHit, !state.options.remapsQuotedHashes, !holdsSignature(content),
      let node = graph.node(UInt32(object))
    {
      return ObjectPatch.Result(bytes: renamed(content, node, tree: tree))
    }
    let pointers = PointerLines(content, kind: kind)
    let lines = ([pointers.target] + pointers.parents).compactMap { $0 }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(content.count)
    var result = ObjectPatch.Result(bytes: [])
    var position = 0
    for header in ObjectHeaders(content) {
      position = header.line.upperBound
      let name = content[header.name]
      if let line = lines.first(where: { $0.digits.lowerBound == header.value.lowerBound }) {
        let start = bytes.count
        bytes += content[header.line]
        let override = line.digits == pointers.target?.digits ? tree : nil
        let id = override ?? state.successor(of: line.id) ?? line.id
        let digits = start + line.digits.lowerBound - header.line.lowerBound
        bytes.withUnsafeMutableBufferPointer { buffer in
          if let base = buffer.baseAddress { HexText.write(id, to: base + digits) }
        }
      } else if HeadedPatch.signatures.contains(where: { $0.elementsEqual(name) }) {
        result.dropsSignature = true
      } else if HeadedPatch.mergetag.elementsEqual(name), try !keepsMergetag(content, header) {
        result.dropsSignature = true
      } else if hasHit, let place = header.place, state.cleans(place),
        let clean = try cleaned(content, header.value, as: place)
      {
        bytes += content[header.line.lowerBound..<header.value.lowerBound]
        bytes += clean
        bytes += content[header.value.upperBound..<header.line.upperBound]
      } else {
        bytes += content[header.line]
      }
    }
    let end = ObjectHeaders.messageStart(content) ?? position
    bytes += content[position..<max(position, end)]
    var message = max(position, end)..<content.count
    if kind == .tag, let signature = TagSignature.start(in: content, message) {
      result.dropsSignature = true
      message = message.lowerBound..<signature
    }
    bytes += try messageBytes(content, message, hasHit: hasHit)
    return ObjectPatch.Result(bytes: bytes, dropsSignature: result.dropsSignature)
  }

  /// The common case: only ids change, in place. The graph has read the lines, so their places are known.
  private func renamed(
    _ content: UnsafeBufferPointer<UInt8>, _ node: CommitGraph.Node, tree: ObjectID?
  ) -> [UInt8] {
    var bytes = Array(content)
    guard node.hasTreeLine else { return bytes }
    bytes.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      func write(_ id: ObjectID?, at position: Int) {
        if let id { HexText.write(id, to: base + position) }
      }
      write(tree ?? changed(node.target), at: 5)
      for (number, parent) in node.parents.enumerated() { write(changed(parent), at: 46 + 48 * number + 7) }
    }
    return bytes
  }

  private func changed(_ object: UInt32) -> ObjectID? {
    object != ObjectTable.none && state.isDirty[Int(object)] != 0 ? state.successor(Int(object)) : nil
  }

  /// Whether a header line starts as a signature or a quoted tag does.
  private func holdsSignature(_ content: UnsafeBufferPointer<UInt8>) -> Bool {
    var position = 0
    while position + 8 < content.count, content[position] != 0x0A {
      if content[position] == 0x67 || content[position] == 0x6D { return true }  // g…, m…
      while position < content.count, content[position] != 0x0A { position += 1 }
      position += 1
    }
    return false
  }

  private func messageBytes(
    _ content: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, hasHit: Bool
  ) throws(GitObjectsError) -> [UInt8] {
    var message = Array(content[range])
    if hasHit, state.cleans(.message), let clean = try cleaned(content, range, as: .message) {
      message = clean
    }
    return state.options.remapsQuotedHashes ? QuotedHashes(state: state).remapped(message) : message
  }

  private func cleaned(
    _ content: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, as place: ObjectHit.Place
  ) throws(GitObjectsError) -> [UInt8]? {
    try PlaceCleaning(patterns: state.patterns).cleaned(
      UnsafeBufferPointer(rebasing: content[range]), as: place)
  }

  /// A signed tag quoted in a merge: worth keeping only while its target and its text stay as they are.
  private func keepsMergetag(_ content: UnsafeBufferPointer<UInt8>, _ header: ObjectHeaders.Header)
    throws(GitObjectsError) -> Bool
  {
    let text = UnsafeBufferPointer(rebasing: content[header.value])
    guard try patternsAbsent(text) else { return false }
    guard let target = PointerLines(text, kind: .tag).target else { return true }
    return state.successor(of: target.id) == target.id
  }

  private func patternsAbsent(_ text: UnsafeBufferPointer<UInt8>) throws(GitObjectsError) -> Bool {
    try state.patterns.search(text).isEmpty
  }
}

/// The signature at the end of an annotated tag's message.
enum TagSignature {
  private static let starts = [
    "-----BEGIN PGP SIGNATURE-----", "-----BEGIN PGP MESSAGE-----", "-----BEGIN SSH SIGNATURE-----",
    "-----BEGIN SIGNED MESSAGE-----",
  ].map { Array($0.utf8) }

  /// Where the last line that starts a signature begins, or nil.
  static func start(in content: UnsafeBufferPointer<UInt8>, _ message: Range<Int>) -> Int? {
    var found: Int?
    var position = message.lowerBound
    while position < message.upperBound {
      let rest = content[position..<message.upperBound]
      if starts.contains(where: { rest.starts(with: $0) }) { found = position }
      while position < message.upperBound, content[position] != 0x0A { position += 1 }
      position += 1
    }
    return found
  }
}

/// Ids of rewritten commits quoted in messages, in full or abbreviated to at least seven digits.
struct QuotedHashes {
  let state: RewriteState

  func remapped(_ message: [UInt8]) -> [UInt8] {
    var result = message
    var position = 0
    while position < message.count {
      var end = position
      while end < message.count, HexText.value(message[end]) != nil,
        message[end] > 0x5A || message[end] < 0x41
      {
        end += 1
      }
      let isWord =
        (position == 0 || !isWordByte(message[position - 1]))
        && (end == message.count || !isWordByte(message[end]))
      if isWord, (7...40).contains(end - position), let new = successor(of: message[position..<end]) {
        result.replaceSubrange(position..<end, with: new.hex.utf8.prefix(end - position))
      }
      position = max(end, position + 1)
    }
    return result
  }

  private func isWordByte(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      || byte == 0x5F
  }

  /// The new id of the one commit whose id starts with `digits`, when it was rewritten.
  private func successor(of digits: ArraySlice<UInt8>) -> ObjectID? {
    guard let commit = state.table.ids.only(startingWith: Array(digits), where: isCommit),
      state.isDirty[commit] != 0
    else { return nil }
    return state.successor(commit)
  }

  private func isCommit(_ object: Int) -> Bool { state.table.kind(object) == .commit }
}
