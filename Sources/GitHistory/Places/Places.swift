import Capabilities
import GitObjects
import Secrets

/// Looks for secrets in everything of a repository that is no object: reference names, reflogs, index, configuration,
/// hooks, Git's own text files, LFS objects and the files of the work trees. Read only.
struct Places: Sendable {
  let layout: RepositoryLayout
  let patterns: SecretPatterns
  /// Files of the work trees, too (not for a bare clone made to be searched).
  var searchesWorkTrees = true

  init(_ layout: RepositoryLayout, patterns: SecretPatterns) throws(CapabilityError) {
    self.layout = layout
    self.patterns = patterns
  }

  func find(_ snapshot: ReferenceSnapshot) throws(CapabilityError) -> [HistoryPlace] {
    var places = try names(snapshot)
    for tree in layout.workTrees {
      places += try gitFiles(tree.gitDirectory)
      places += try index(tree)
      if searchesWorkTrees, let root = tree.root { places += try workTree(root) }
    }
    return places
  }

  private func names(_ snapshot: ReferenceSnapshot) throws(CapabilityError) -> [HistoryPlace] {
    var places: [HistoryPlace] = []
    for reference in snapshot.references {
      guard let form = try patterns.form(in: reference.name.bytes) else { continue }
      places.append(
        HistoryPlace(
          place: "ref name", object: shown(reference.name.bytes), path: nil, line: nil,
          refs: [shown(reference.name.bytes)], form: form))
    }
    return places
  }

  /// Every file of the git directory except objects, indexes, ours, other repositories and linked work trees (which are
  /// searched as work trees of their own).
  private func gitFiles(_ directory: PathBytes) throws(CapabilityError) -> [HistoryPlace] {
    let skipped = ["objects", "staunch", "modules", "worktrees", "index", "packed-refs", "refs"]
    var places: [HistoryPlace] = []
    for name in try DurableFiles.entries(of: directory)
    where !skipped.contains(String(decoding: name, as: UTF8.self)) {
      let path = directory / name
      let files = DurableFiles.kind(of: path) == .directory ? try RepositoryLayout.files(below: path) : [path]
      for file in files where DurableFiles.kind(of: file) == .regular {
        guard let inside = file.relative(to: directory) else { continue }
        if let form = try patterns.form(in: inside.bytes) {
          places.append(
            HistoryPlace(
              place: Places.word(for: inside), object: shown(inside.bytes), path: nil, line: nil, refs: [],
              form: form))
        }
        places += try hits(in: file, place: Places.word(for: inside), object: inside.bytes, path: nil)
      }
    }
    return places
  }

  private func index(_ tree: RepositoryLayout.WorkTree) throws(CapabilityError) -> [HistoryPlace] {
    let file = tree.gitDirectory / "index"
    guard DurableFiles.exists(file), try !IndexFile.isSplit(file) else { return [] }
    var places: [HistoryPlace] = []
    for entry in try IndexFile(path: file).entries {
      guard let form = try patterns.form(in: entry.path) else { continue }
      places.append(
        HistoryPlace(
          place: "index", object: entry.id.hex, path: shown(entry.path), line: nil, refs: [], form: form))
    }
    return places
  }

  private func workTree(_ root: PathBytes) throws(CapabilityError) -> [HistoryPlace] {
    var places: [HistoryPlace] = []
    for name in try DurableFiles.entries(of: root) where name != Array(".git".utf8) {
      places += try workTreeEntry(root / name, root)
    }
    return places
  }

  private func workTreeEntry(_ path: PathBytes, _ root: PathBytes) throws(CapabilityError) -> [HistoryPlace] {
    guard let inside = path.relative(to: root) else { return [] }
    var places: [HistoryPlace] = []
    if let form = try patterns.form(in: path.last) {
      places.append(
        HistoryPlace(
          place: "work tree", object: shown(inside.bytes), path: shown(inside.bytes), line: nil, refs: [],
          form: form))
    }
    switch DurableFiles.kind(of: path) {
    case .directory:
      if DurableFiles.exists(path / ".git") { return places }  // another repository: scanned on its own
      for name in try DurableFiles.entries(of: path) { places += try workTreeEntry(path / name, root) }
    case .regular: places += try hits(in: path, place: "work tree", object: inside.bytes, path: inside.bytes)
    case .link, .other, .missing: break  // a link's target is an object of its own; sockets hold nothing
    }
    return places
  }

  private func hits(in file: PathBytes, place: String, object: [UInt8], path: [UInt8]?)
    throws(CapabilityError)
    -> [HistoryPlace]
  {
    let found: [SecretPatterns.TextHit]
    do {
      found = try FileSearch(patterns: patterns).hits(in: file)
    } catch {
      if DurableFiles.kind(of: file) == .missing { return [] }  // removed while we looked
      throw error
    }
    return found.map { hit in
      HistoryPlace(
        place: place, object: shown(object), path: path.map { shown($0) }, line: hit.line, refs: [],
        form: hit.form.rawValue)
    }
  }

  private func shown(_ bytes: [UInt8]) -> String { PathCleaning(patterns: patterns).shown(bytes) }

  private static func word(for path: PathBytes) -> String {
    let text = path.text
    if text.hasPrefix("logs/") { return "reflog" }
    if text.hasPrefix("hooks/") { return "hook" }
    if text.hasPrefix("lfs/") { return "LFS object" }
    if text == "config" || text == "config.worktree" { return "config" }
    return "git file"
  }
}
