import Capabilities
import Foundation
import TestSupport
import Testing

@testable import GitHistory

/// git filter-repo 2.47 on the same history: what it does to files, ours does, too.
@Suite struct OracleTests {
  @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
  func `Trees of every reference, and author and dates of every commit, equal filter-repo's`(seed: UInt64)
    async throws
  {
    let directory = try TemporaryDirectory()
    let ours = try Git(creating: directory.path("ours"), bare: true)
    var history = RandomHistory(seed: seed)
    try history.make(ours, commits: 60)
    if seed % 2 == 0 { try ours("gc", "-q") }
    if seed % 3 == 0 { try ours("repack", "-q", "-a", "-d", "-f", "--window=50") }
    let theirs = Git(path: directory.path("theirs"))
    try Git(path: "/")(["-a", ours.path, theirs.path], program: "cp")
    try theirs.write("expressions", "literal:\(leaked)==>\(mark)\n")
    let order = ["rev-list", "--all", "--topo-order", "--reverse"]
    let count = try ours(order).split(separator: "\n").count

    let result = try await Purge(ours.path).rewrite()
    #expect(result.commits > 0)
    try theirs([
      "filter-repo", "--force", "--quiet", "--replace-text", theirs.path + "/expressions",
      "--replace-message",
      theirs.path + "/expressions", "--prune-empty", "never", "--prune-degenerate", "never",
      "--preserve-commit-encoding", "--preserve-commit-hashes",
    ])
    let references = ["for-each-ref", "--format=%(refname)"]
    #expect(try ours(references) == theirs(references))
    for name in try ours(references).split(separator: "\n") {
      #expect(try ours("rev-parse", "\(name)^{tree}") == theirs("rev-parse", "\(name)^{tree}"), "\(name)")
    }
    let people = ["log", "--all", "--topo-order", "--format=%an|%ae|%ad|%cn|%ce|%cd|%T|%B", "--date=raw"]
    #expect(
      try ours(people).split(separator: "\n").sorted() == theirs(people).split(separator: "\n").sorted())
    #expect(try ours(order).split(separator: "\n").count == count)
    #expect(try ours.run(["fsck", "--full", "--strict"]).status == 0)
  }

  @Test func `Files of maps have filter-repo's format`() async throws {
    let directory = try TemporaryDirectory()
    let ours = try RewriteTests.leakyRepository(directory.path("ours"))
    let theirs = Git(path: directory.path("theirs"))
    try Git(path: "/")(["-a", ours.path, theirs.path], program: "cp")
    try theirs.write("../expressions", "\(leaked)==>\(mark)\n")
    let maps = try #require(try await Purge(ours.path).rewrite().maps)
    try theirs(["filter-repo", "--force", "--quiet", "--replace-text", directory.path("expressions")])
    for name in ["commit-map", "ref-map"] {
      let mine = try Git(path: maps).read(name).split(separator: 0x0A)
      let their = try theirs.read(".git/filter-repo/\(name)").split(separator: 0x0A)
      #expect(mine.first == their.first, "\(name)")
      #expect(Set(mine.map(\.count)).isSubset(of: Set(their.map(\.count))), "\(name)")
    }
  }
}
