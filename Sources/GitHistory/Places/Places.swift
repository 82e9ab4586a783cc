import Capabilities
import Foundation
import GitObjects
import Secrets

/// Looks for secrets in everything of a repository that is no object: reference names, reflogs, index, configuration,
/// hooks, Git's own text files, LFS objects and the files of the work trees. Read only.
///
/// What cannot be read is named and does not stop the search.
struct Places: Sendable {
  /// What was found, and what could not be looked into.
  struct Found: Sendable {
    var places: [HistoryPlace] = []
    var notSearched: [HistoryUnsearched] = []
  }

  let layout: RepositoryLayout
  let patterns: SecretPatterns
  /// Looks at the repository as it will be after a rewrite; nil: as it is.
  var forecast: RewriteForecast?

  init(_ layout: RepositoryLayout, patterns: SecretPatterns, forecast: RewriteForecast? = nil)
    throws(CapabilityError)
  {
    self.layout = layout
    self.patterns = patterns
    self.forecast = forecast
  }

  func find(_ snapshot: ReferenceSnapshot) throws(CapabilityError) -> Found {
    var found = Found()
    found.places = try names(snapshot)
    try litter(snapshot, &found)
    try objectLitter(&found)
    for tree in layout.workTrees {
      try gitFiles(tree.gitDirectory, &found)
      found.places += try index(tree)
      if let root = tree.root { try workTree(root, &found) }
    }
    return found
  }

  private func names(_ snapshot: ReferenceSnapshot) throws(CapabilityError) -> [HistoryPlace] {
    var places: [HistoryPlace] = []
    for reference in snapshot.references {
      let name = forecast?.name(of: reference.name) ?? reference.name
      guard let form = try patterns.form(in: name.bytes) else { continue }
      places.append(
        HistoryPlace(
          place: "ref name", object: shown(name.bytes), path: nil, line: nil, refs: [shown(name.bytes)],
          form: form))
    }
    return places
  }

  /// Files below `refs/` that are no references: passed over by Git, and left as they are.
  private func litter(_ snapshot: ReferenceSnapshot, _ found: inout Found) throws(CapabilityError) {
    for file in snapshot.litter {
      let name = file.relative(to: layout.common) ?? file
      found.notSearched.append(
        HistoryUnsearched(
          place: shown(file.bytes), why: "a file below refs/ that is no reference; Git passes it over, too"))
      try hits(in: file, place: "git file", object: name.bytes, path: nil, &found)
    }
  }

  /// Every file of the git directory except objects, indexes, ours, other repositories and linked work trees (which are
  /// searched as work trees of their own).
  private func gitFiles(_ directory: PathBytes, _ found: inout Found) throws(CapabilityError) {
    let skipped = ["objects", "staunch", "modules", "worktrees", "index", "packed-refs", "refs"]
    for name in try DurableFiles.entries(of: directory)
    where !skipped.contains(String(decoding: name, as: UTF8.self)) {
      try gitFile(directory / name, in: directory, &found)
    }
  }

  private func gitFile(_ path: PathBytes, in directory: PathBytes, _ found: inout Found)
    throws(CapabilityError)
  {
    switch DurableFiles.kind(of: path) {
    case .directory:
      for name in try entries(of: path, &found) { try gitFile(path / name, in: directory, &found) }
    case .regular:
      let after = forecast?.path(of: path) ?? path
      guard let inside = after.relative(to: directory) else { return }
      if let form = try patterns.form(in: inside.bytes) {
        found.places.append(
          HistoryPlace(
            place: Places.word(for: inside), object: shown(inside.bytes), path: nil, line: nil, refs: [],
            form: form))
      }
      try hits(in: path, place: Places.word(for: inside), object: inside.bytes, path: nil, &found)
    case .link:
      guard let inside = path.relative(to: directory) else { return }
      try link(path, place: Places.word(for: inside), object: inside.bytes, path: nil, &found)
      found.notSearched.append(
        HistoryUnsearched(place: shown(path.bytes), why: "a link; what it leads to is not searched"))
    case .missing: unknown(path, &found)
    case .other: break  // sockets and pipes hold nothing
    }
  }

  /// Gone since the directory was read; or nobody can say what it is.
  private func unknown(_ path: PathBytes, _ found: inout Found) {
    if let error = DurableFiles.obstacle(to: path) {
      found.notSearched.append(HistoryUnsearched(place: shown(path.bytes), why: error.because))
    }
  }

  /// Where a link points may be what leaked; what it points to is somewhere else.
  private func link(
    _ path: PathBytes, place: String, object: [UInt8], path inside: [UInt8]?, _ found: inout Found
  ) throws(CapabilityError) {
    guard let target = DurableFiles.target(ofLink: path) else {
      found.notSearched.append(HistoryUnsearched(place: shown(path.bytes), why: "the link cannot be read"))
      return
    }
    if let form = try patterns.form(in: target) {
      found.places.append(
        HistoryPlace(
          place: place, object: shown(object), path: inside.map { shown($0) }, line: nil, refs: [],
          form: form))
    }
  }

  /// What an interrupted command left among the objects: Git does not see it, and neither does the search of objects.
  private func objectLitter(_ found: inout Found) throws(CapabilityError) {
    let packs = try entries(of: layout.packs, &found)
    let names = Set(packs)
    var left: [PathBytes] = []
    for name in packs {
      let isUnknown =
        name.suffix(5).elementsEqual(".pack".utf8)
        && !names.contains(Array(name.dropLast(4)) + Array("idx".utf8))
      if isUnknown || name.starts(with: "tmp_".utf8) { left.append(layout.packs / name) }
    }
    for name in try entries(of: layout.objects, &found) {
      if name.starts(with: "tmp_".utf8) || name.starts(with: "incoming-".utf8) {
        left.append(layout.objects / name)
      } else if name.count == 2 {
        for inside in try entries(of: layout.objects / name, &found) where inside.starts(with: "tmp_".utf8) {
          left.append(layout.objects / name / inside)
        }
      }
    }
    for path in left {
      found.notSearched.append(
        HistoryUnsearched(
          place: shown(path.bytes),
          why: "left by a Git command that was interrupted; Git removes it: git gc --prune=now"))
    }
  }

  private func index(_ tree: RepositoryLayout.WorkTree) throws(CapabilityError) -> [HistoryPlace] {
    let file = tree.gitDirectory / "index"
    guard DurableFiles.exists(file), try !IndexFile.isSplit(file) else { return [] }
    let entries: [IndexFile.Entry]
    if let after = forecast?.entries(of: tree) {
      entries = after
    } else {
      entries = try IndexFile(path: file).entries
    }
    var places: [HistoryPlace] = []
    for entry in entries {
      guard let form = try patterns.form(in: entry.path) else { continue }
      places.append(
        HistoryPlace(
          place: "index", object: entry.id.hex, path: shown(entry.path), line: nil, refs: [], form: form))
    }
    return places
  }

  private func workTree(_ root: PathBytes, _ found: inout Found) throws(CapabilityError) {
    for name in try entries(of: root, &found) where name != Array(".git".utf8) {
      _ = try workTreeEntry(root / name, root, &found)
    }
  }

  /// - Returns: whether it is there: a rewrite moves files, and directories that became empty go.
  private func workTreeEntry(_ path: PathBytes, _ root: PathBytes, _ found: inout Found)
    throws(CapabilityError) -> Bool
  {
    guard let inside = path.relative(to: root) else { return false }
    if forecast?.isMovedAway(path) == true { return false }
    let before = found.places.count
    if let form = try patterns.form(in: path.last) {
      found.places.append(
        HistoryPlace(
          place: "work tree", object: shown(inside.bytes), path: shown(inside.bytes), line: nil, refs: [],
          form: form))
    }
    if forecast?.isReplaced(path) == true { return true }
    switch DurableFiles.kind(of: path) {
    case .directory:
      if DurableFiles.exists(path / ".git") {
        try nested(path, &found)
        return true
      }
      let names = try entries(of: path, &found)
      var left = 0
      for name in names { if try workTreeEntry(path / name, root, &found) { left += 1 } }
      if left > 0 || names.isEmpty { return true }
      found.places.removeSubrange(before...)
      return false
    case .regular: try hits(in: path, place: "work tree", object: inside.bytes, path: inside.bytes, &found)
    case .link: try link(path, place: "work tree", object: inside.bytes, path: inside.bytes, &found)
    case .missing: unknown(path, &found)
    case .other: break  // sockets and pipes hold nothing
    }
    return true
  }

  /// Another repository inside a work tree. Submodules and linked work trees of this one are searched or named elsewhere.
  private func nested(_ path: PathBytes, _ found: inout Found) throws(CapabilityError) {
    let why: String
    do {
      let directory = try RepositoryLayout.gitDirectory(of: path)
      if directory.relative(to: layout.common) != nil { return }
      why = "it is a repository of its own: scan it with --repository"
    } catch {
      why = "its .git cannot be read: \(error.because)"
    }
    found.notSearched.append(HistoryUnsearched(place: shown(path.bytes), why: why))
  }

  /// Names in a directory; none, and a word about it, when it cannot be read.
  private func entries(of directory: PathBytes, _ found: inout Found) throws(CapabilityError) -> [[UInt8]] {
    do {
      return try DurableFiles.entries(of: directory)
    } catch {
      found.notSearched.append(HistoryUnsearched(place: shown(directory.bytes), why: error.because))
      return []
    }
  }

  private func hits(
    in file: PathBytes, place: String, object: [UInt8], path: [UInt8]?, _ found: inout Found
  ) throws(CapabilityError) {
    let hits: [SecretPatterns.TextHit]
    do {
      if let after = try forecast?.content(of: file) {
        hits = try engine { () throws(GitObjectsError) in try patterns.hits(in: after) }
      } else {
        hits = try FileSearch(patterns: patterns).hits(in: file)
      }
    } catch {
      if DurableFiles.kind(of: file) == .missing { return }  // removed while we looked
      // An expression that cannot be matched fails the search: it would fail in every file like this.
      if error.class == .unsupported || error.class == .invalid { throw error }
      found.notSearched.append(HistoryUnsearched(place: shown(file.bytes), why: error.because))
      return
    }
    found.places += hits.map { hit in
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
