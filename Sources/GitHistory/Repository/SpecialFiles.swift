import Capabilities
import Foundation

/// Pipes, sockets and devices where Git and libgit2 expect files: whoever opens one waits for ever. A repository may hold any.
enum SpecialFiles {
  /// - Throws: `.unsafe` when one of the files that are read for every command is none.
  static func refuse(in layout: RepositoryLayout) throws(CapabilityError) {
    for tree in layout.workTrees {
      for name in [
        "HEAD", "config.worktree", "index", "commondir", "gitdir", "packed-refs", "shallow", "info/exclude",
        "info/attributes", "info/grafts", "info/sparse-checkout", "objects/info/alternates",
      ] {
        try refuse(tree.gitDirectory / name)
      }
      for name in try DurableFiles.entries(of: layout.packs) where tree.name == nil {
        try refuse(layout.packs / name)
      }
      guard let root = tree.root else { continue }
      for name in [".gitattributes", ".gitignore", ".gitmodules", ".mailmap"] { try refuse(root / name) }
    }
  }

  /// Follows links, as whoever opens it does.
  static func refuse(_ path: PathBytes) throws(CapabilityError) {
    var status = stat()
    if path.withCString({ stat($0, &status) }) == 0 { try refuse(path, status) }
  }

  /// - Parameter status: of what `path` leads to.
  static func refuse(_ path: PathBytes, _ status: stat) throws(CapabilityError) {
    guard [S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK].contains(status.st_mode & S_IFMT) else { return }
    throw CapabilityError(
      .unsafe, "read \(path.text)", because: "it is a pipe or a device where Git expects a file",
      fix: "see what it is, then remove it: ls -l '\(path.text)'")
  }
}
