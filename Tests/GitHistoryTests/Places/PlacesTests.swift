import Capabilities
import Foundation
import GitObjects
import Secrets
import TestSupport
import Testing

@testable import GitHistory

@Suite struct PlacesTests {
  private func report(_ path: String) async throws -> ScanReport {
    try await Purge(path).rewriter.scanReport(
      repository: path, patterns: try SecretPatterns(secrets: [Secret(leaked)]), progress: Silent())
  }

  @Test func `The plan of a rewrite equals its run: a tracked file is not called untracked`() async throws {
    let directory = try TemporaryDirectory()
    let git = try Git(creating: directory.path("r"))
    for number in 0..<40 { try git.write("src/file\(number).txt", "key = \(leaked)\n") }
    try git.write("\(leaked)/inside.txt", "a directory with that name\n")
    try git.commit("with \(leaked) in its message")
    try git("branch", "feature-\(leaked)")
    try git("config", "branch.feature-\(leaked).remote", "origin")
    try git.write(".gitignore", "local.env\n")
    try git.commit("ignore")
    try git.write("local.env", "KEY=\(leaked)\n")
    try git.write(".git/hooks/pre-commit", "# \(leaked)\n")
    let plan = try await Purge(git.path).plan()
    let run = try await Purge(git.path).rewrite()
    let left = run.residual.filter { !$0.place.hasPrefix("undo vault") }
    #expect(Set(plan.residual) == Set(left))
    #expect(plan.residual.map(\.place).sorted() == ["hooks/pre-commit:1", "work tree: local.env:1"])
    #expect(
      plan.residual.allSatisfy { !$0.why.contains("not in history") && !$0.fix.contains("not in history") })
  }

  @Test func `With --keep-worktree the plan names the files that stay, as the run does`() async throws {
    let directory = try TemporaryDirectory()
    let git = try Git(creating: directory.path("r"))
    try git.write("a.txt", "key = \(leaked)\n")
    try git.commit("leak")
    var options = HistoryOptions()
    options.keepsWorkTree = true
    let purge = Purge(git.path, options: options)
    let plan = try await purge.plan()
    let run = try await purge.rewrite()
    #expect(plan.residual == run.residual.filter { !$0.place.hasPrefix("undo vault") })
    #expect(plan.residual.map(\.place) == ["work tree: a.txt:1"])
  }

  @Test func `A plan says beforehand that the rewrite will refuse uncommitted changes`() async throws {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    try git.write("README", "changed\n")
    let plan = try await Purge(git.path).plan()
    #expect(plan.residual.contains { $0.why.contains("the rewrite refuses") })
    let error = try await #require(throws: CapabilityError.self) { try await Purge(git.path).rewrite() }
    #expect(error.class == .unsafe)
  }

  @Test func `What a synchronising program left below refs is named, passed over and left alone`()
    async throws
  {
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    for name in [
      "refs/desktop.ini", "refs/heads/desktop.ini", "logs/refs/desktop.ini", "objects/pack/desktop.ini",
    ] {
      try git.write(".git/" + name, "[.ShellClassInfo]\r\nx=12\r\n")
    }
    try git.write(".git/refs/heads/half", "")
    try git.write(".git/refs/heads/main 2", try git("rev-parse", "main") + "\n")
    let scan = try await report(git.path)
    #expect(!scan.isClean)
    let named = scan.notSearched.map(\.place).joined(separator: " ")
    #expect(named.contains("refs/heads/desktop.ini") && named.contains("refs/heads/half"))
    #expect(named.contains("refs/heads/main 2"))
    _ = try await Purge(git.path).rewrite()
    #expect(try await Purge(git.path).scan().isClean)
    #expect(try git("rev-list", "--count", "main") == "4")
    #expect(FileManager.default.fileExists(atPath: git.path + "/.git/refs/heads/half"))
  }

  @Test func `A link that points to the secret is found, another repository inside is named`() async throws {
    let directory = try TemporaryDirectory()
    let git = try Git(creating: directory.path("r"))
    try git.commit("nothing")
    try FileManager.default.createSymbolicLink(
      atPath: git.path + "/dump", withDestinationPath: "/srv/\(leaked)/dump")
    _ = try Git(creating: git.path + "/vendored")
    let scan = try await report(git.path)
    #expect(scan.findings.map(\.place.place) == ["work tree"])
    #expect(scan.notSearched.contains { $0.place.hasSuffix("/vendored") })
  }

  @Test func `A submodule in a subdirectory is named where it lies`() async throws {
    let directory = try TemporaryDirectory()
    let library = try RewriteTests.leakyRepository(directory.path("lib"))
    var git = try Git(creating: directory.path("r"))
    git.more = [
      "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "protocol.file.allow", "GIT_CONFIG_VALUE_0": "always",
    ]
    try git("submodule", "--quiet", "add", library.path, "vendor/lib")
    try git.commit("submodule")
    let scan = try await report(git.path)
    #expect(scan.submodules == [git.path + "/.git/modules/vendor/lib"])
    #expect(scan.isClean)
    #expect(try await report(scan.submodules[0]).isClean == false)
  }

  @Test(arguments: [("pgdata", true), (".git/objects/pack", false)])
  func `An unreadable directory is named beside the history, and an error inside it: never clean`(
    name: String, isNamed: Bool
  ) async throws {
    try #require(getuid() == 0, "becomes another user to be refused something")
    let directory = try TemporaryDirectory()
    let git = try RewriteTests.leakyRepository(directory.path("r"))
    try git("repack", "-a", "-d", "-q")
    try git.write("pgdata/base", "x\n")
    try Git(path: "/")(["-R", "65534:65534", directory.path], program: "chown")
    try Git(path: "/")(["0", git.path + "/" + name], program: "chown")
    try Git(path: "/")(["700", git.path + "/" + name], program: "chmod")
    try Git(path: "/")(["755", directory.path], program: "chmod")
    await #expect(processExitsWith: .success) {
      [path = git.path as String, name = name as String, isNamed = isNamed as Bool] in
      setenv("HOME", "/nonexistent", 1)  // that of root cannot be read any more
      try #require(setgid(65534) == 0 && setuid(65534) == 0)
      do {
        let scan = try await Purge(path).scan()
        try #require(isNamed && !scan.isClean)
        try #require(scan.notSearched.contains { $0.place.hasSuffix(name) })
      } catch let error as CapabilityError {
        try #require(!isNamed && error.operation.hasSuffix(name), "\(error)")
      }
    }
  }
}

@Suite struct OrdinaryValueTests {
  @Test(arguments: [
    "}", "{", "import os", "postgres", "steps", "hunter2", "sev3", "return 0;", "  \"key\": {", "Password123",
    "#include <stdio.h>", "12345678", "aaaaaaaaaaaa1", "        ",
  ])
  func `a short or common value is ordinary`(value: String) {
    #expect(OrdinaryValue.remark(on: Array(value.utf8)) != nil)
  }

  @Test(arguments: [
    "Wq7-harbour-7731-lantern", "correct-horse-battery-staple", "AKIAIOSFODNN7EXAMPLE", "hx4saffron",
    "correct horse battery staple tea", "dQw4w9WgXcQ", "aBcDeFgHiJkLmNoPqRsT",
  ])
  func `a value that no text holds by chance is not`(value: String) {
    #expect(OrdinaryValue.remark(on: Array(value.utf8)) == nil)
  }

  @Test func `the plan counts the matches of a common value, and those inside longer words`() async throws {
    let directory = try TemporaryDirectory()
    let git = try Git(creating: directory.path("r"))
    try git.write("db.py", "import postgres\nuser = 'post'\n# the post office\n")
    try git.write("b.txt", "poster\n")
    try git.commit("two files")
    let plan = try await Purge(git.path, secrets: ["post"]).plan()
    let matches = try #require(plan.matches)
    #expect((matches.count, matches.insideWords, matches.files) == (4, 2, 2))
    #expect(matches.values == ["expression 1 is short (4 bytes)"])
    #expect(try await Purge(git.path).plan().matches == nil)
  }
}
