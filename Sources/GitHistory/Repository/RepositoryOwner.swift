import Capabilities
import Foundation

/// Whether a repository that belongs to somebody else may be used: what Git says of it holds.
///
/// libgit2 1.5 knows neither `safe.directory=*` nor settings from the environment, and compares other paths than Git does.
/// So Git is asked, and its own answer, with the path that it wants, is what people get.
struct RepositoryOwner: Sendable {
  let layout: RepositoryLayout
  let git: GitProgram

  /// Somebody else owns the work tree or the git directory. Root counts as nobody else's friend: as in Git.
  var isForeign: Bool {
    [layout.standing, layout.common].contains { path in
      DurableFiles.status(of: path).map { $0.st_uid != geteuid() } ?? true
    }
  }

  /// - Throws: `.refused` with the command that makes Git trust it.
  func check() async throws(CapabilityError) {
    guard isForeign else { return }
    let outcome = try await git.run(["rev-parse", "--git-dir"], in: layout.standing)
    if outcome.status == 0 { return }
    guard outcome.errors.contains("dubious ownership") else {
      throw CapabilityError(
        .refused, "open \(layout.common.text)", because: "git refuses it (status \(outcome.status))",
        fix: "see what it says: git -C '\(layout.standing.text)' rev-parse --git-dir")
    }
    throw CapabilityError(
      .refused, "open \(layout.common.text)",
      because: "the repository belongs to another user of this machine, and git does not trust it",
      fix: "run as its owner, or: git config --global --add safe.directory '\(layout.standing.text)'")
  }
}
