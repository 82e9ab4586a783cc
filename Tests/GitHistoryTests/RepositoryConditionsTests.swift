import Capabilities
import Foundation
import TestSupport
import Testing

@testable import GitHistory

@Suite struct RepositoryConditionsTests {
  /// What makes a repository unfit, and a word that the explanation must hold.
  enum Trap: String, CaseIterable, Sendable {
    case sha256, partialClone, promisorPack, worktreeConfig, shallow, grafts, alternates, splitIndex, reftable

    var word: String {
      switch self {
      case .sha256: "sha256"
      case .partialClone, .promisorPack: "partial clone"
      case .worktreeConfig: "worktreeConfig"
      case .shallow: "shallow"
      case .grafts: "grafts"
      case .alternates: "alternates"
      case .splitIndex: "split"
      case .reftable: "reftable"
      }
    }
  }

  @Test(arguments: Trap.allCases)
  func `A repository that cannot be rewritten is refused with the reason and a fix`(trap: Trap) throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("r")
    if trap == .sha256 {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try Git(path: path)("init", "-q", "--object-format=sha256")
    } else {
      let git = try Git(creating: path)
      try git.write("a", "1\n")
      let first = try git.commit()
      try git.commit()
      switch trap {
      case .sha256: break
      case .partialClone: try git("config", "remote.origin.promisor", "true")
      case .promisorPack: try git.write(".git/objects/pack/pack-1.promisor", "")
      case .worktreeConfig:
        try git("config", "core.repositoryformatversion", "1")
        try git("config", "extensions.worktreeConfig", "true")
      case .shallow: try git.write(".git/shallow", "\(first)\n")
      case .grafts: try git.write(".git/info/grafts", "\(first)\n")
      case .alternates: try git.write(".git/objects/info/alternates", "/elsewhere\n")
      case .splitIndex: try git("update-index", "--split-index")
      case .reftable: try git("config", "extensions.refstorage", "reftable")
      }
    }
    let error = try #require(throws: CapabilityError.self) {
      try RepositoryConditions(try RepositoryLayout(path: path)).checkRewritable()
    }
    #expect(error.class == .unsupported)
    #expect(error.because.contains(trap.word))
    #expect(error.fix?.isEmpty == false)
  }

  @Test func `A directory that is no repository is named as such`() throws {
    let directory = try TemporaryDirectory()
    let error = try #require(throws: CapabilityError.self) { try RepositoryLayout(path: directory.path) }
    #expect(error.class == .notFound)
  }

  @Test func `Linked work trees, bare repositories and submodules are found from any of their directories`()
    throws
  {
    let directory = try TemporaryDirectory()
    let git = try Git(creating: directory.path("main"))
    try git.commit()
    try git("worktree", "add", "-q", directory.path("linked"))
    let common = PathBytes(directory.path("main/.git"))
    for path in ["main", "main/.git", "linked"] {
      let layout = try RepositoryLayout(path: directory.path(path))
      #expect(layout.common == common)
      #expect(
        layout.workTrees.map(\.root) == [
          PathBytes(directory.path("main")), PathBytes(directory.path("linked")),
        ])
    }
    try git("clone", "-q", "--bare", directory.path("main"), directory.path("bare.git"))
    let bare = try RepositoryLayout(path: directory.path("bare.git"))
    #expect(bare.workTrees.map(\.root) == [nil])
    #expect(bare.name == "bare")
  }
}
