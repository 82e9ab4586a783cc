import Capabilities
import GitObjects

/// Where the history of a repository was cut off: what lies behind is not here, and a search of what is here says nothing
/// about it.
struct HistoryBoundary: Sendable {
  /// What is not here, and how it comes here.
  struct Gap: Sendable, Hashable {
    let place: String
    let why: String
    let fix: String
  }

  let gaps: [Gap]

  /// - Parameter path: as the user names the repository.
  init(_ layout: RepositoryLayout, _ objects: RepositoryObjects, path: String) throws(CapabilityError) {
    var gaps: [Gap] = []
    var cut = 0
    for id in try HistoryBoundary.commits(in: layout.common / "shallow") {
      // A root has nothing behind it. Parents that are here may themselves be cut off.
      if let parents = try HistoryBoundary.parents(of: id, in: objects), parents.isEmpty { continue }
      cut += 1
    }
    if cut > 0 {
      gaps.append(
        Gap(
          place: "history behind the shallow boundary",
          why:
            "it is a shallow clone: history before \(cut) boundary \(cut == 1 ? "commit" : "commits") is not here",
          fix: "git -C '\(path)' fetch --unshallow, then run the command again"))
    }
    var grafted = 0
    for id in try HistoryBoundary.commits(in: layout.common / "info" / "grafts") {
      // Every object that is here is searched, whatever a graft says.
      guard let parents = try HistoryBoundary.parents(of: id, in: objects) else { continue }
      if parents.contains(where: { !objects.contains($0) }) { grafted += 1 }
    }
    if grafted > 0 {
      gaps.append(
        Gap(
          place: "history behind info/grafts",
          why:
            "it has grafts: the real parents of \(grafted) grafted \(grafted == 1 ? "commit" : "commits") are not here",
          fix:
            "use a full clone, made with git clone --mirror from its remote, then run the command again on it"
        ))
    }
    self.gaps = gaps
  }

  /// The first word of each line.
  private static func commits(in file: PathBytes) throws(CapabilityError) -> [ObjectID] {
    guard let bytes = try DurableFiles.readIfPresent(file) else { return [] }
    return bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }).compactMap { line in
      ObjectID(hex: String(decoding: line.prefix { $0 != 0x20 }, as: UTF8.self))
    }
  }

  /// nil: the commit itself is not here.
  private static func parents(of id: ObjectID, in objects: RepositoryObjects) throws(CapabilityError)
    -> [ObjectID]?
  {
    guard objects.contains(id) else { return nil }
    let found = try engine { () throws(GitObjectsError) in try objects.read(id) }
    return ObjectLinks.Commit(found.content).parents
  }
}
