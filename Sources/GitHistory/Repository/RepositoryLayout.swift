import Capabilities

/// Where a repository keeps its parts.
struct RepositoryLayout: Sendable {
  /// One checked-out directory (or the bare repository's own HEAD).
  struct WorkTree: Sendable, Hashable {
    /// Holds HEAD, index and the HEAD reflog: the common directory, or `worktrees/<name>` inside it.
    let gitDirectory: PathBytes
    /// nil in a bare repository and for a linked work tree whose directory is gone.
    let root: PathBytes?
    /// nil for the main one.
    let name: String?
  }

  /// The directory that all work trees share: `objects`, `refs`, `packed-refs`, `config`.
  let common: PathBytes
  /// The main one first.
  let workTrees: [WorkTree]

  /// The directory's own name, without `.git`: what a person types to confirm.
  var name: String {
    let named = workTrees.first?.root ?? common
    let text = String(decoding: named.last, as: UTF8.self)
    return text.hasSuffix(".git") && text.count > 4 ? String(text.dropLast(4)) : text
  }

  /// Where `git` is run: the work tree, else the git directory. Git itself decides by this path whether it trusts the
  /// repository (`safe.directory`).
  var standing: PathBytes {
    guard let root = workTrees.first?.root, DurableFiles.kind(of: root) == .directory else { return common }
    return root
  }
  var objects: PathBytes { common / "objects" }
  var packs: PathBytes { objects / "pack" }
  var packedReferences: PathBytes { common / "packed-refs" }
  /// Everything of ours; outside `objects`, inside the same file system (hard links, renames).
  var own: PathBytes { common / "staunch" }
  var ownHistory: PathBytes { own / "history" }

  /// Finds the parts of the repository at `path` without libgit2.
  /// - Throws: `.notFound` when it is none.
  init(path: String) throws(CapabilityError) {
    let given = try DurableFiles.canonical(PathBytes(path))
    let directory = try RepositoryLayout.gitDirectory(of: given)
    var common = directory
    if let text = try DurableFiles.readIfPresent(directory / "commondir") {
      let target = RepositoryLayout.firstLine(text)
      common = target.first == 0x2F ? PathBytes(bytes: target) : RepositoryLayout.resolve(directory, target)
    }
    self.common = common
    let configuration = try ConfigurationFile(path: common / "config")
    var root: PathBytes?
    if !configuration.isTrue("core.bare") {
      if let set = configuration["core.worktree"] {
        root = set.hasPrefix("/") ? PathBytes(set) : RepositoryLayout.resolve(common, Array(set.utf8))
      } else if common.last == Array(".git".utf8) {
        root = common.parent
      } else if directory == common, directory != given {
        root = given  // `.git` is a link
      }
    }
    var trees = [WorkTree(gitDirectory: common, root: root, name: nil)]
    for name in try DurableFiles.entries(of: common / "worktrees") {
      let linked = common / "worktrees" / name
      guard DurableFiles.kind(of: linked) == .directory else { continue }
      var root: PathBytes?
      if let text = try DurableFiles.readIfPresent(linked / "gitdir") {
        let parent = PathBytes(bytes: RepositoryLayout.firstLine(text)).parent
        if try RepositoryLayout.isLinked(parent, to: linked) { root = parent }
      }
      trees.append(WorkTree(gitDirectory: linked, root: root, name: String(decoding: name, as: UTF8.self)))
    }
    workTrees = trees
    try SpecialFiles.refuse(in: self)
  }

  /// Whether the work tree at `root` says itself that `gitDirectory` is its own: else any directory could be called one.
  private static func isLinked(_ root: PathBytes, to gitDirectory: PathBytes) throws(CapabilityError) -> Bool
  {
    guard DurableFiles.kind(of: root) == .directory, DurableFiles.kind(of: root / ".git") == .regular else {
      return false
    }
    let target = Array(firstLine(try DurableFiles.read(root / ".git")).dropFirst(8))
    let named = target.first == 0x2F ? PathBytes(bytes: target) : resolve(root, target)
    guard DurableFiles.kind(of: named) == .directory else { return false }
    return try DurableFiles.canonical(named) == DurableFiles.canonical(gitDirectory)
  }

  static func gitDirectory(of path: PathBytes) throws(CapabilityError) -> PathBytes {
    let inside = path / ".git"
    switch DurableFiles.kind(of: inside) {
    case .directory: return inside
    case .regular:
      // "gitdir: <path>": a linked work tree or a submodule.
      let target = Array(firstLine(try DurableFiles.read(inside)).dropFirst(8))
      return target.first == 0x2F ? PathBytes(bytes: target) : resolve(path, target)
    case .link where DurableFiles.exists(inside / "HEAD"): return try DurableFiles.canonical(inside)
    case .link, .other, .missing:
      guard DurableFiles.exists(path / "HEAD"),
        DurableFiles.kind(of: path / "objects") == .directory
          || DurableFiles.exists(path / "commondir")
      else {
        throw CapabilityError(
          .notFound, "open \(path.text)", because: "this is not a Git repository",
          fix: "give the directory that holds .git, or a bare repository")
      }
      return path
    }
  }

  private static func firstLine(_ bytes: [UInt8]) -> [UInt8] {
    Array(bytes.prefix { $0 != 0x0A && $0 != 0x0D })
  }

  /// `base/relative` with `.` and `..` taken away.
  private static func resolve(_ base: PathBytes, _ relative: [UInt8]) -> PathBytes {
    var parts: [ArraySlice<UInt8>] = []
    for part in (base.bytes + [0x2F] + relative).split(separator: 0x2F) {
      if part.elementsEqual([0x2E]) { continue }
      if part.elementsEqual([0x2E, 0x2E]) { parts = parts.dropLast() } else { parts.append(part) }
    }
    return PathBytes(bytes: [0x2F] + Array(parts.joined(separator: [0x2F])))
  }
}
