import Capabilities
import Foundation

/// Makes sure that what lies under `<git directory>/staunch` is ours before it is believed, moved or deleted.
///
/// A repository may have been prepared by somebody else: a link there would lead a clean-up to another directory, and a
/// planted plan would move files of the attacker's choice. So each directory is a real one of this user, each file a
/// regular one, and no path of a plan leaves the repository or goes through a link.
struct OwnFiles: Sendable {
  let layout: RepositoryLayout

  /// - Throws: `.unsafe` naming what is not ours. What is not there is fine.
  func check() throws(CapabilityError) {
    for directory in [layout.own, layout.ownHistory] { try OwnFiles.check(directory, is: .directory) }
    for name in try DurableFiles.entries(of: layout.ownHistory) {
      let root = layout.ownHistory / name
      try OwnFiles.check(root, is: .directory)
      for inside in ["vault", "staged", "maps"] { try OwnFiles.check(root / inside, is: .directory) }
      for inside in ["state", "plan", "result.json"] { try OwnFiles.check(root / inside, is: .regular) }
    }
  }

  private static func check(_ path: PathBytes, is kind: DurableFiles.Kind) throws(CapabilityError) {
    guard let status = DurableFiles.status(of: path) else { return }
    guard DurableFiles.kind(of: path) == kind else {
      throw refusal(path, kind == .directory ? "it is no directory" : "it is no regular file")
    }
    guard status.st_uid == geteuid() else { throw refusal(path, "it belongs to another user") }
  }

  private static func refusal(_ path: PathBytes, _ why: String) -> CapabilityError {
    CapabilityError(
      .unsafe, "use \(path.text)", because: "\(why): staunch did not make it",
      fix: "look at it (ls -ld '\(path.text)'); when you know that no rewrite was interrupted, move it away")
  }

  /// Every path of `plan` lies in the git directory or in a work tree, and no directory on the way is a link.
  /// - Throws: `.unsafe`.
  func check(_ plan: SwapPlan) throws(CapabilityError) {
    let bases = [layout.common] + layout.workTrees.compactMap(\.root)
    for path in plan.files.map(\.path) + plan.files.compactMap(\.staged) + plan.locks {
      guard let base = bases.first(where: { path.relative(to: $0) != nil }),
        let inside = path.relative(to: base)
      else { throw OwnFiles.outside(path) }
      var walked = base
      let parts = inside.bytes.split(separator: 0x2F, omittingEmptySubsequences: false)
      // A system call reads a name up to its first zero byte: what it would open is not what was looked at.
      for part in parts
      where part.isEmpty || part.contains(0) || part.elementsEqual([0x2E])
        || part.elementsEqual([0x2E, 0x2E])
      {
        throw OwnFiles.outside(path)
      }
      for part in parts.dropLast() {
        walked = walked / Array(part)
        if DurableFiles.kind(of: walked) == .link { throw OwnFiles.outside(path) }
      }
    }
  }

  private static func outside(_ path: PathBytes) -> CapabilityError {
    CapabilityError(
      .unsafe, "carry out the plan of the rewrite",
      because: "it names \(path.text), which is not in this repository",
      fix: "staunch did not write that plan: move .git/staunch away and look at who prepared the repository")
  }
}
