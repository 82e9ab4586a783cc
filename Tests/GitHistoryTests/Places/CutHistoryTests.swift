import Capabilities
import GitObjects
import Secrets
import TestSupport
import Testing

@testable import GitHistory

@Suite struct CutHistoryTests {
  /// The secret stands in a commit behind the boundary; `standing` says whether it also stands in the newest.
  private func shallowClone(_ directory: TemporaryDirectory, standing: Bool = false) throws -> (
    full: Git, cut: Git
  ) {
    let full = try Git(creating: directory.path("full"))
    try full.write("a.txt", "key = \(leaked)\n")
    try full.commit("leak")
    try full.write("a.txt", standing ? "again = \(leaked)\n" : "nothing\n")
    try full.commit("newest")
    let cut = directory.path("cut")
    try Git(path: directory.path)("clone", "-q", "--depth", "1", "file://" + full.path, cut)
    return (full, Git(path: cut))
  }

  @Test func `clean, 3 objects, 1 commits: never said of a shallow clone`() async throws {
    let directory = try TemporaryDirectory()
    let (_, cut) = try shallowClone(directory)
    let error = try await #require(throws: CapabilityError.self) { try await Purge(cut.path).scan() }
    #expect(error.class == .unsupported)
    #expect(error.because == "it is a shallow clone: history before 1 boundary commit is not here")
    #expect(error.fix == "git -C '\(cut.path)' fetch --unshallow, then run the command again")
    try cut("fetch", "-q", "--unshallow")
    #expect(try await Purge(cut.path).scan().isClean == false)
  }

  @Test func `What a shallow clone holds is shown, its boundary as not searched`() async throws {
    let directory = try TemporaryDirectory()
    let (_, cut) = try shallowClone(directory, standing: true)
    let report = try await Purge(cut.path).rewriter.scanReport(
      repository: cut.path, patterns: try SecretPatterns(secrets: [Secret(leaked)]), progress: Silent())
    #expect(!report.isClean && report.isCutOff)
    #expect(report.notSearched.contains { $0.why.contains("shallow") })
    let scan = try await Purge(cut.path).scan()
    #expect(scan.notSearched.contains { $0.place == "history behind the shallow boundary" })
  }

  @Test func `A fresh clone of something shallow proves nothing, one of the full remote finds it`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let (full, cut) = try shallowClone(directory)
    let own = try await #require(throws: CapabilityError.self) { try await Purge(cut.path).freshClone() }
    #expect(own.because.contains("shallow"))
    #expect(own.fix?.contains("git -C '\(cut.path)' fetch --unshallow") == true)
    try cut("remote", "set-url", "origin", full.path)
    #expect(try await Purge(cut.path).freshClone(of: "origin").isClean == false)
    try full("remote", "add", "origin", cut.path)
    let remote = try await #require(throws: CapabilityError.self) {
      try await Purge(full.path).freshClone(of: "origin")
    }
    #expect(remote.because.contains("shallow"))
    #expect(remote.fix?.contains("is incomplete itself") == true)
  }

  @Test func `A clone with the root as its newest commit is whole`() async throws {
    let directory = try TemporaryDirectory()
    let full = try Git(creating: directory.path("full"))
    try full.write("a.txt", "nothing\n")
    try full.commit("only")
    try Git(path: directory.path)(
      "clone", "-q", "--depth", "1", "file://" + full.path, directory.path("cut"))
    #expect(try await Purge(directory.path("cut")).scan().isClean)
  }

  @Test func `The doctor says that a shallow clone cannot be cleaned`() async throws {
    let directory = try TemporaryDirectory()
    let (_, cut) = try shallowClone(directory)
    let found = await Purge(cut.path).rewriter.readiness(repository: cut.path, remote: nil)
    #expect(
      found.contains {
        if case .missing(let because, _) = $0.verdict { because.contains("shallow") } else { false }
      })
  }
}
