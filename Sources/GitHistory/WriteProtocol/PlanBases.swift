import Secrets

/// Writes paths in a plan relative to the repository, so that a repository may be moved between a rewrite and its undo.
struct PlanBases: Sendable, Equatable {
  let common: PathBytes
  /// The main work tree's root.
  let root: PathBytes?

  init(common: PathBytes, root: PathBytes?) {
    self.common = common
    self.root = root
  }

  init(_ layout: RepositoryLayout) {
    self.init(common: layout.common, root: layout.workTrees.first?.root)
  }

  /// `c`, `w` or `a` (common directory, work tree, absolute), then hexadecimal digits.
  func text(_ path: PathBytes) -> String {
    if let inside = path.relative(to: common) { return "c" + Hex.text(inside.bytes) }
    if path == root { return "w" }
    if let root, let inside = path.relative(to: root) { return "w" + Hex.text(inside.bytes) }
    return "a" + Hex.text(path.bytes)
  }

  /// nil when the text was not made by ``text(_:)``, or the work tree is gone.
  func path(_ text: String) -> PathBytes? {
    guard let bytes = Hex.bytes(text.dropFirst()) else { return nil }
    switch text.first {
    case "c": return common / bytes
    case "w": return bytes.isEmpty ? root : root.map { $0 / bytes }
    case "a": return PathBytes(bytes: bytes)
    default: return nil
    }
  }
}
