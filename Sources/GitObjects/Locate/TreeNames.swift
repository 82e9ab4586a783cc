/// Reads the names of entries of many trees in one walk over the delta trees that they are in.
struct TreeNames {
  /// An entry of a tree.
  struct Entry: Hashable, Sendable {
    let tree: UInt32
    /// Where its id stands in the tree.
    let offset: UInt32
  }

  private let names: [Entry: [UInt8]]

  /// - Throws: `.corrupt`, `.cancelled`.
  init(_ table: ObjectTable, of entries: Set<Entry>, progress: EngineProgress) throws(GitObjectsError) {
    let wanted = Dictionary(grouping: entries, by: \.tree).mapValues { $0.map(\.offset) }
    let found = try SelectedObjects(table, wanted.keys.map { Int($0) }).read(
      phase: .trees, progress: progress, from: [Entry: [UInt8]]()
    ) { names, object, content in
      let tree = UInt32(object)
      guard let offsets = wanted[tree] else { return }
      for entry in TreeEntries(content) {
        let offset = UInt32(truncatingIfNeeded: entry.id)
        guard offsets.contains(offset) else { continue }
        names[Entry(tree: tree, offset: offset)] = Array(content[entry.name])
      }
    }
    names = found.reduce(into: [:]) { $0.merge($1) { first, _ in first } }
  }

  /// The names on a way, with `/` between them.
  func path(_ way: [Entry]) -> [UInt8] {
    Array(way.map { names[$0] ?? [] }.joined(separator: [0x2F]))
  }
}
