/// Opens contents that are too large to be built in memory, through their delta chains.
struct LargeObjects {
  let reader: EntryReader
  private var table: ObjectTable { reader.table }

  /// Longer chains of large contents take too much memory.
  private static let deepest = 256
  /// Deltas up to this size are kept in memory.
  private static let smallDelta = 1 << 18

  /// The whole content of `object`.
  /// - Throws: `.corrupt`, `.system`; `.unsupported` when its chain is too long.
  func content(_ object: Int) throws(GitObjectsError) -> any ObjectContent {
    var chain: [Int] = [object]
    while let last = chain.last, table.parent[last] != ObjectTable.none {
      chain.append(Int(table.parent[last]))
      guard chain.count <= LargeObjects.deepest else { throw tooDeep(object) }
    }
    var content = try stored(chain.removeLast(), atMost: table.largest, isBase: true)
    while let next = chain.popLast() { content = try self.content(next, on: content) }
    return content
  }

  /// The content of a delta whose base is open.
  func content(_ object: Int, on base: any ObjectContent) throws(GitObjectsError) -> any ObjectContent {
    let delta = try stored(object, atMost: LargeObjects.smallDelta, isBase: false)
    return try DeltaContent(delta, on: base, what: table.place(of: object))
  }

  /// Calls `body` with `top` and everything that is stored as deltas on it, bases before deltas.
  ///
  /// - Parameter isWanted: the object or something below it is wanted.
  func forEach(
    from top: Int, where isWanted: (Int) -> Bool,
    _ body: (Int, any ObjectContent) throws(GitObjectsError) -> Void,
    unreadable: (Int, GitObjectsError) throws(GitObjectsError) -> Void
  ) throws(GitObjectsError) {
    var stack: [(object: Int, content: any ObjectContent, next: Int)] = []
    func enter(_ object: Int, _ open: () throws(GitObjectsError) -> any ObjectContent) throws(GitObjectsError)
    {
      let content: any ObjectContent
      do throws(GitObjectsError) {
        guard stack.count < LargeObjects.deepest else { throw tooDeep(object) }
        content = try open()
      } catch {
        // What stands on it cannot be read either.
        var below = [object]
        while let next = below.popLast() {
          if isWanted(next) { try unreadable(next, error) }
          below += table.children(of: next).map { Int($0) }
        }
        return
      }
      try body(object, content)
      stack.append((object, content, 0))
    }
    try enter(top) { () throws(GitObjectsError) in try content(top) }
    while let frame = stack.last {
      let children = table.children(of: frame.object)
      guard frame.next < children.count else {
        stack.removeLast()
        continue
      }
      stack[stack.count - 1].next += 1
      let child = Int(children[frame.next])
      guard isWanted(child) else { continue }
      try enter(child) { () throws(GitObjectsError) in try content(child, on: frame.content) }
    }
  }

  private func stored(_ object: Int, atMost limit: Int, isBase: Bool) throws(GitObjectsError)
    -> any ObjectContent
  {
    if let small = try reader.stored(object, atMost: limit) { return BufferContent(small) }
    return try InflatedContent(try reader.source(of: object), isBase: isBase)
  }

  private func tooDeep(_ object: Int) -> GitObjectsError {
    GitObjectsError(
      .unsupported, what: table.place(of: object),
      why:
        "it is larger than \(table.largest >> 20) MiB and stands on more than \(LargeObjects.deepest) deltas",
      fix: "git repack -a -d -f --depth=50, then run the command again")
  }
}
