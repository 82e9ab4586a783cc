import Capabilities
import Foundation
import Secrets
import TestSupport
import Testing

@testable import GitHistory

@Suite struct RewriteTests {
  /// A clean commit, the leak, its "removal", on two branches with an annotated tag and a stash.
  static func leakyRepository(_ path: String) throws -> Git {
    let git = try Git(creating: path)
    try git.write("README", "hello\n")
    try git.commit("clean")
    try git.write("train.py", "key = \"\(leaked)\"\nprint(1)\n")
    try git.commit("add training")
    try git("tag", "-a", "-m", "release with \(leaked)", "v1")
    try git.write("deploy.yaml", "token: \(Data(leaked.utf8).base64EncodedString())\n")
    try git.commit("manifest")
    try git("branch", "other")
    try git.write("train.py", "key = os.environ[\"KEY\"]\nprint(1)\n")
    try git.commit("remove key")
    return git
  }

  @Test func `The secret is gone from every reference, and commits before it keep their ids`() async throws {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    let clean = try git("rev-parse", "main~3")
    let before = try git("rev-list", "--all").split(separator: "\n").count
    let purge = Purge(git.path)
    let result = try await purge.rewrite()
    #expect(result.commits == 3)
    #expect(result.tags == 1)
    #expect(Set(result.refs.map(\.ref)) == ["refs/heads/main", "refs/heads/other", "refs/tags/v1"])
    #expect(try git("rev-parse", "main~3") == clean)
    #expect(try git("rev-list", "--all").split(separator: "\n").count == before)
    #expect(try git("show", "main~2:train.py") == "key = \"\(mark)\"\nprint(1)")
    #expect(try git("log", "--all", "-p").contains(leaked) == false)
    #expect(try git("cat-file", "-p", "v1").contains("release with \(mark)"))
    #expect(try git("status", "--porcelain") == "")
    #expect(try git.run(["fsck", "--full", "--strict"]).status == 0)
    #expect(try await purge.scan().isClean)
    #expect(try await purge.freshClone().isClean)
    #expect(result.residual.map(\.place).allSatisfy { $0.hasPrefix("undo vault") })
  }

  @Test func `The plan says the same and changes nothing`() async throws {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    let before = try listing(of: git.path)
    let plan = try await Purge(git.path).plan()
    #expect(try listing(of: git.path) == before)
    let result = try await Purge(git.path).rewrite()
    #expect(plan.refs.map(\.ref) == result.refs.map(\.ref))
    #expect(
      (plan.commits, plan.trees, plan.blobs, plan.tags) == (
        result.commits, result.trees, result.blobs, result.tags
      ))
    #expect(plan.backup == nil)
  }

  @Test func `A repository without the secret is left untouched`() async throws {
    let directory = try TemporaryDirectory()
    let git = try Git(creating: directory.path("r"))
    try git.write("a", "nothing here\n")
    try git.commit()
    let before = try listing(of: git.path)
    let result = try await Purge(git.path).rewrite()
    #expect(result.commits == 0 && result.refs.isEmpty && result.backup == nil)
    #expect(try listing(of: git.path) == before)
  }

  @Test func `The same marker gives back the finished rewrite and does not rewrite again`() async throws {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    let purge = Purge(git.path)
    #expect(try await purge.rewriter.finished(repository: git.path, marker: "test") == nil)
    let first = try await purge.rewrite()
    let after = try listing(of: git.path + "/.git", except: ["index"])
    let second = try await purge.rewrite()
    #expect(first.backup == second.backup && first.refs == second.refs)
    #expect(try listing(of: git.path + "/.git", except: ["index"]) == after)
    #expect(try await purge.rewriter.finished(repository: git.path, marker: "test")?.refs == first.refs)
  }

  @Test func `Restore brings every file of the repository and of the work tree back, bit for bit`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    try git.write("train.py", "again \(leaked)\n")
    try git.commit("leak again")
    try git("gc", "-q")
    try git.write("later", "loose\n")
    try git.commit("loose objects, too")
    let before = try listing(of: git.path)
    let purge = Purge(git.path)
    let result = try await purge.rewrite()
    #expect(String(decoding: try git.read("train.py"), as: UTF8.self) == "again \(mark)\n")
    #expect(try listing(of: git.path) != before)
    try await purge.restore(try #require(result.backup))
    #expect(try listing(of: git.path) == before)
    #expect(try git.run(["fsck", "--full"]).status == 0)
  }

  @Test func `Restore after a repack still gives the old repository, and refuses when references moved`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    let before = try listing(of: git.path)
    let purge = Purge(git.path)
    let backup = try #require(try await purge.rewrite().backup)
    try git("gc", "-q", "--prune=now")
    let tip = try git("rev-parse", "main")
    try git.commit("later work")
    let error = try await #require(throws: CapabilityError.self) { try await purge.restore(backup) }
    #expect(error.class == .conflict && error.because.contains("refs/heads/main"))
    try git("update-ref", "refs/heads/main", tip)
    try await purge.restore(backup)
    let after = try listing(of: git.path)
    // The refused try's own commit wrote its message.
    for (name, value) in before where name != ".git/COMMIT_EDITMSG" {
      #expect(after[name] == value, "\(name)")
    }
    #expect(try git.run(["fsck", "--full"]).status == 0)
  }

  @Test func `Uncommitted changes are refused, and kept as they are when asked`() async throws {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    try git.write("README", "changed\n")
    let before = try listing(of: git.path)
    let error = try await #require(throws: CapabilityError.self) { try await Purge(git.path).rewrite() }
    #expect(error.class == .unsafe)
    #expect(error.fix?.contains("--keep-worktree") == true)
    #expect(try listing(of: git.path) == before)
    var options = HistoryOptions()
    options.keepsWorkTree = true
    _ = try await Purge(git.path, options: options).rewrite()
    #expect(String(decoding: try git.read("README"), as: UTF8.self) == "changed\n")
    #expect(try git("status", "--porcelain").split(separator: "\n") == [" M README", " M deploy.yaml"])
  }

  @Test func `A shredded vault leaves no old object, and shared files are left to their other owner`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    try git("repack", "-q", "-a", "-d")
    let old = try git("rev-parse", "main")
    let sibling = directory.path("sibling")
    try git("clone", "-q", "--no-checkout", git.path, sibling)
    let purge = Purge(git.path)
    let backup = try #require(try await purge.rewrite().backup)
    let shared = try await purge.rewriter.shred(
      repository: git.path, backup: backup, under: try approvedPlan().authority())
    #expect(shared > 0)
    #expect(try git.run(["cat-file", "-e", old]).status != 0)
    #expect(try Git(path: sibling).run(["fsck", "--full"]).status == 0)
    #expect(try await purge.rewriter.finished(repository: git.path, marker: "test")?.backup == nil)
    let error = try await #require(throws: CapabilityError.self) { try await purge.restore(backup) }
    #expect(error.class == .notFound)
  }
}
