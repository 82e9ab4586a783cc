import Foundation
import GitObjects
import Secrets
import Testing

@Suite struct ObjectRewriteTests {
  @Test(arguments: RepositoryObjectsTests.Layout.allCases)
  func `however the objects lie, the result is clean and complete`(
    layout: RepositoryObjectsTests.Layout
  ) throws {
    let sandbox = try RepositoryObjectsTests.arranged(layout)
    let before = try sandbox.id("main~1")
    try sandbox.commit("leak", ["dir/config.py": "import os\nkey = '\(leaked)'\n", "keep.txt": "kept\n"])
    try sandbox.commit("remove it", ["dir/config.py": "import os\n"])
    if layout == .onePack { try sandbox.git("repack", "-adq") }
    let patterns = try patterns(leaked)
    #expect(try sandbox.scan(patterns).count == 1)
    let outcome = try sandbox.rewrite(patterns)
    #expect(outcome.commits.count == 2)
    #expect(outcome.blobs.count == 1)
    try sandbox.fsck()
    #expect(try sandbox.scan(patterns).isEmpty)
    #expect(try sandbox.id("main~3") == before)
    #expect(try sandbox.git("show", "main~1:dir/config.py") == "import os\nkey = '***REMOVED***'\n")
    #expect(try sandbox.git("show", "main~1:keep.txt") == "kept\n")
    #expect(try sandbox.git("show", "main:dir/config.py") == "import os\n")
    #expect(
      try sandbox.git("log", "-1", "--format=%an %ae %ad %s", "--date=raw")
        == "A U Thor author@example.com 1700000000 +0100 remove it\n")
  }

  @Test func `without a match nothing is written`() throws {
    let sandbox = try RepositoryObjectsTests.arranged(.onePack)
    let outcome = try sandbox.rewrite(try patterns(leaked))
    #expect(outcome.isUnchanged)
    #expect(outcome.pack == nil)
    let names = try FileManager.default.contentsOfDirectory(atPath: sandbox.gitDirectory + "/objects/pack")
    #expect(names.allSatisfy { $0.hasPrefix("pack-") })
  }

  @Test func `a plan tells the same and writes nothing`() throws {
    let sandbox = try GitSandbox()
    try sandbox.commit("clean", ["a": "a\n"])
    try sandbox.commit("leak", ["b": leaked])
    let patterns = try patterns(leaked)
    let rewrite = ObjectRewrite(objects: try sandbox.objects(), patterns: patterns, tips: try sandbox.tips())
    let plan = try rewrite.plan()
    #expect(plan.pack == nil)
    let outcome = try sandbox.rewrite(patterns)
    #expect(plan.commits == outcome.commits && plan.blobs == outcome.blobs && plan.trees == outcome.trees)
    #expect(plan.dropped == outcome.dropped && plan.hits == outcome.hits)
  }

  @Test func `a dirty object that nothing refers to is dropped`() throws {
    let sandbox = try GitSandbox()
    try sandbox.commit("clean", ["a": "a\n"])
    let stray = try sandbox.write(.blob, Array("stray \(leaked)".utf8))
    let outcome = try sandbox.rewrite(try patterns(leaked))
    #expect(outcome.fate(of: stray) == .dropped)
    #expect(try sandbox.objects().contains(stray) == false)
    #expect(outcome.commits.isEmpty)
    try sandbox.fsck()
  }

  @Test func `messages, people, file names and tags lose their secret`() throws {
    let sandbox = try GitSandbox()
    try sandbox.commit("clean", ["z": "z\n", "a": "a\n"])
    try sandbox.commit("subject\n\nuse \(leaked) please", ["dir-\(leaked)/file": "x\n"])
    try sandbox.git(
      "-c", "user.name=x", "commit", "-q", "--allow-empty", "--author=\(leaked) <me@\(leaked)>", "-m", "by")
    try sandbox.git("tag", "-a", "v1", "-m", "tagged with \(leaked)")
    let patterns = try patterns(leaked)
    let places = Set(try sandbox.scan(patterns).map(\.place))
    #expect(places == [.message, .person, .path])
    let outcome = try sandbox.rewrite(patterns)
    #expect(try sandbox.scan(patterns).isEmpty)
    try sandbox.fsck()
    #expect(try sandbox.git("log", "-1", "--format=%an|%ae") == "***REMOVED***|me@***REMOVED***\n")
    #expect(try sandbox.git("ls-tree", "-r", "--name-only", "main") == "a\ndir-***REMOVED***/file\nz\n")
    #expect(try sandbox.git("tag", "-l", "--format=%(contents)", "v1").contains("tagged with ***REMOVED***"))
    #expect(outcome.renamedEntries == ["dir-\(leaked)": "dir-***REMOVED***"])
  }

  @Test func `two names that become one are kept apart, unless they are the same file`() throws {
    let other = leaked.replacingOccurrences(of: "T3st", with: "0ther")
    let sandbox = try GitSandbox()
    try sandbox.commit(
      "leak", ["a-\(leaked)": "one\n", "a-\(other)": "two\n", "b-\(leaked)": "x\n", "b-\(other)": "x\n"])
    try sandbox.rewrite(try patterns(leaked, other))
    try sandbox.fsck()
    let names = try sandbox.git("ls-tree", "--name-only", "main").split(separator: "\n")
    #expect(names == ["a-***REMOVED***", "a-***REMOVED***-2", "b-***REMOVED***"])
  }

  @Test func `a removed blob takes its entries and emptied directories along`() throws {
    let sandbox = try GitSandbox()
    try sandbox.commit("one", ["keys/only.pem": "PEM\n", "keep": "k\n"])
    try sandbox.commit("two", ["keep": "k2\n"])
    var options = RewriteOptions()
    options.removedBlobs = [try sandbox.id("main:keys/only.pem")]
    let outcome = try sandbox.rewrite(try patterns(leaked), options: options)
    #expect(outcome.commits.count == 2)
    #expect(try sandbox.git("ls-tree", "-r", "--name-only", "main") == "keep\n")
    try sandbox.fsck()
  }

  @Test func `a commit that becomes empty is kept and reported`() throws {
    let sandbox = try GitSandbox()
    try sandbox.commit("one", ["f": "***REMOVED***\n"])
    let leak = try sandbox.commit("two", ["f": "\(leaked)\n"])
    let outcome = try sandbox.rewrite(try patterns(leaked))
    #expect(outcome.emptiedCommits == [leak])
    #expect(try sandbox.git("rev-list", "--count", "main") == "2\n")
    try sandbox.fsck()
  }

  @Test func `tags of trees, blobs and tags, and refs to trees and blobs, follow`() throws {
    let sandbox = try GitSandbox()
    try sandbox.commit("leak", ["f": leaked])
    try sandbox.git("tag", "-a", "blob", "-m", "b", "HEAD:f")
    try sandbox.git("tag", "-a", "tree", "-m", "t", "HEAD^{tree}")
    try sandbox.git("tag", "-a", "nested", "-m", "n", "blob")
    try sandbox.git("tag", "light-blob", "HEAD:f")
    try sandbox.git("tag", "light-tree", "HEAD^{tree}")
    let outcome = try sandbox.rewrite(try patterns(leaked))
    #expect(outcome.tags.count == 3)
    for name in ["blob", "nested", "light-blob", "tree:f", "light-tree:f"] {
      #expect(
        try sandbox.git("cat-file", "blob", name + (name.contains(":") ? "" : "^{}")) == "***REMOVED***")
    }
    try sandbox.fsck()
  }

  @Test func `two blobs that become equal are stored once`() throws {
    let sandbox = try GitSandbox()
    let other = leaked.replacingOccurrences(of: "T3st", with: "0ther")
    try sandbox.commit("one", ["a": "x \(leaked)\n", "b": "x \(other)\n", "c": "x ***REMOVED***\n"])
    try sandbox.git("repack", "-adq")
    try sandbox.rewrite(try patterns(leaked, other))
    try sandbox.fsck()
    #expect(
      Set(try sandbox.git("ls-tree", "main").split(separator: "\n").map { $0.split(separator: "\t")[0] })
        .count == 1)
  }

  @Test func `submodule commits are mapped from another run`() throws {
    let sandbox = try GitSandbox()
    let old = String(repeating: "12", count: 20)
    let new = String(repeating: "34", count: 20)
    try sandbox.put("f", "f\n".utf8)
    try sandbox.git("add", "f")
    try sandbox.git("update-index", "--add", "--cacheinfo", "160000,\(old),sub")
    try sandbox.git("commit", "-q", "-m", "sub")
    var options = RewriteOptions()
    options.gitlinks = [try sandbox.id(old): try sandbox.id(new)]
    try sandbox.rewrite(try patterns(leaked), options: options)
    #expect(try sandbox.git("ls-tree", "main", "sub").contains(new))
    try sandbox.fsck()
  }

  @Test func `quoted ids of rewritten commits follow when asked`() throws {
    let sandbox = try GitSandbox()
    let first = try sandbox.commit("leak", ["f": leaked])
    try sandbox.commit("This fixes \(first.hex) and \(first.hex.prefix(10)), not deadbeef")
    var options = RewriteOptions()
    options.remapsQuotedHashes = true
    let outcome = try sandbox.rewrite(try patterns(leaked), options: options)
    let new = try #require(outcome.commits[first]).hex
    #expect(
      try sandbox.git("log", "-1", "--format=%s") == "This fixes \(new) and \(new.prefix(10)), not deadbeef\n"
    )
  }
}

extension ObjectRewriteTests {
  @Test(arguments: [false, true])
  func `notes stay with the commits that they are about`(packs: Bool) throws {
    let sandbox = try GitSandbox()
    let clean = try sandbox.commit("clean", ["a": "a"])
    let dirty = try sandbox.commit("leak", ["f": leaked])
    try sandbox.git("notes", "add", "-m", "about clean", clean.hex)
    try sandbox.git("notes", "add", "-m", "about \(leaked)", dirty.hex)
    if packs { try sandbox.git("repack", "-adq") }
    var options = RewriteOptions()
    options.notesTips = [try sandbox.id("refs/notes/commits")]
    try sandbox.rewrite(try patterns(leaked), options: options)
    try sandbox.fsck()
    #expect(try sandbox.git("notes", "show", "main~1") == "about clean\n")
    #expect(try sandbox.git("notes", "show", "main") == "about ***REMOVED***\n")
    #expect(try sandbox.git("notes", "list").split(separator: "\n").count == 2)
  }
}

extension ObjectRewriteTests {
  @Test(arguments: [false, true])
  func `a removed path goes from every commit, its content from the pack unless used elsewhere`(packs: Bool)
    throws
  {
    let sandbox = try GitSandbox()
    let clean = try sandbox.commit("clean", ["src/a": "a\n"])
    try sandbox.commit(
      "add",
      ["src/keys/k1": "only here\n", "src/keys/k2": "shared\n", "copy": "shared\n", "one.pem": "PEM 1\n"])
    try sandbox.commit(
      "change", ["one.pem": "PEM 2\n", "src/b": "has \(leaked)\n", "other/one.pem": "kept\n"])
    try sandbox.git("tag", "-a", "v1", "-m", "v1")
    let only = try sandbox.id("main:src/keys/k1")
    let shared = try sandbox.id("main:copy")
    let pems = try [sandbox.id("main:one.pem"), sandbox.id("main~1:one.pem")]
    if packs { try sandbox.git("repack", "-adq") }
    var options = RewriteOptions()
    options.removedPaths = ["src/keys", "one.pem"]
    let outcome = try sandbox.rewrite(try patterns(leaked), options: options)
    try sandbox.fsck()
    #expect(try sandbox.git("ls-tree", "-r", "--name-only", "v1") == "copy\nother/one.pem\nsrc/a\nsrc/b\n")
    #expect(try sandbox.git("ls-tree", "-r", "--name-only", "main~1") == "copy\nsrc/a\n")
    #expect(try sandbox.git("show", "main:src/b") == "has ***REMOVED***\n")
    #expect(try sandbox.id("main~2") == clean)
    let objects = try sandbox.objects()
    #expect(objects.contains(shared))
    for gone in [only] + pems {
      #expect(!objects.contains(gone))
      #expect(outcome.fate(of: gone) == .dropped)
    }
  }
}
