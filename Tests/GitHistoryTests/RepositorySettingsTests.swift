import Capabilities
import Foundation
import TestSupport
import Testing

@testable import GitHistory

/// A repository whose every setting starts a program: none of them runs, whatever is done with it, unless its owner says so.
@Suite struct RepositorySettingsTests {
  private struct Scene {
    let directory: TemporaryDirectory
    let git: Git
    let remote: Git
    var witness: String { directory.path("witness") }
    var program: String { directory.path("program") }

    init() throws {
      directory = try TemporaryDirectory()
      git = try RewriteTests.leakyRepository(directory.path("r"))
      remote = try Git(creating: directory.path("remote.git"), bare: true)
      try git("remote", "add", "origin", remote.path)
      try git("push", "-q", "origin", "main", "other", "v1")
      let script =
        "#!/bin/sh\necho \"$0 $*\" >> '\(directory.path("witness"))'\n"
        + "case $* in *smudge*) cat ;; esac\n"
      try Git(path: directory.path).write("program", script)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    }

    func prepare() throws {
      for hook in ["pre-push", "reference-transaction", "post-index-change", "post-checkout", "pre-commit"] {
        try git.write("hooks/\(hook)", "#!/bin/sh\nexec '\(program)' \(hook)\n")
        try FileManager.default.setAttributes(
          [.posixPermissions: 0o755], ofItemAtPath: git.path + "/hooks/\(hook)")
      }
      try git.write(".git/info/attributes", "* filter=evil diff=evil merge=evil\n")
      try git.write(".git/info/exclude", "hooks\n")
      let shell = "!\(program)"
      try git.write(
        ".git/included",
        "[core]\n\tsshCommand = \(program) included\n[filter \"evil\"]\n\tsmudge = \(program) included\n")
      let more = """
        [include]
        \tpath = included
        [core]
        \tfsmonitor = \(program)
        \thooksPath = hooks
        \tsshCommand = \(program)
        \taskPass = \(program)
        \tgitProxy = \(program)
        \teditor = \(program)
        \tpager = \(program)
        \talternateRefsCommand = \(program)
        [filter "evil"]
        \tclean = \(program)
        \tsmudge = \(program)
        \tprocess = \(program)
        \trequired = true
        [diff]
        \texternal = \(program)
        [diff "evil"]
        \ttextconv = \(program)
        \tcommand = \(program)
        [merge "evil"]
        \tdriver = \(program)
        [credential]
        \thelper = \(shell)
        [credential "https://127.0.0.1:1"]
        \thelper = \(shell)
        [gpg]
        \tprogram = \(program)
        [commit]
        \tgpgSign = true
        [sequence]
        \teditor = \(program)
        [protocol]
        \tallow = always
        [protocol "ext"]
        \tallow = always
        [url "ext::\(program) "]
        \tinsteadOf = \(remote.path)
        [uploadpack]
        \tpackObjectsHook = \(program)
        [http]
        \tproxy = http://127.0.0.1:1
        [remote "origin"]
        \tuploadpack = \(program)
        \treceivepack = \(program)
        \tproxy = http://127.0.0.1:1
        [remote "ssh"]
        \turl = ssh://127.0.0.1:1/x
        [remote "https"]
        \turl = https://127.0.0.1:1/x
        [remote "ext"]
        \turl = ext::\(program) x

        """
      try DurableFiles.append(Array(more.utf8), to: PathBytes(git.path + "/.git/config"))
      // So that Git has to look into every file again.
      for name in try git("ls-files").split(separator: "\n") {
        try FileManager.default.setAttributes(
          [.modificationDate: Date(timeIntervalSince1970: 1_600_000_000)], ofItemAtPath: "\(git.path)/\(name)"
        )
      }
    }

    func rewriter(_ trust: RepositoryTrust = .none, _ environment: [String: String] = Git.environment)
      -> GitHistoryRewriter
    {
      GitHistoryRewriter(environment: environment, temporaryDirectory: NSTemporaryDirectory(), trust: trust)
    }

    /// What ran, and forgets it.
    func ran() throws -> String {
      guard FileManager.default.fileExists(atPath: witness) else { return "" }
      defer { try? FileManager.default.removeItem(atPath: witness) }  // only for the next look
      return try String(contentsOfFile: witness, encoding: .utf8)
    }
  }

  @Test func `no program that a repository's settings name is started by what is done with it`() async throws
  {
    let scene = try Scene()
    try scene.prepare()
    // The trap works: plain git walks into it.
    _ = try scene.git.run(["status"])
    _ = try scene.git.run(["ls-remote", "ssh"])
    let trap = try scene.ran()
    #expect(trap.contains("127.0.0.1") && trap.split(separator: "\n").count > 1, "\(trap)")
    let rewriter = scene.rewriter()
    let purge = Purge(scene.git.path)
    #expect(try await purge.scan().isClean == false)
    #expect(try await purge.plan().blobs > 0)
    #expect(try await rewriter.tips(repository: scene.git.path) != nil)
    let ready = await rewriter.readiness(repository: scene.git.path, remote: "origin")
    #expect(
      ready.contains { if case .ready(let text) = $0.verdict { text.contains("references") } else { false } })
    let there = try await rewriter.published(
      repository: scene.git.path, remote: "origin", within: .seconds(20))
    #expect(there.address == scene.remote.path && there.refs?.isEmpty == false)
    #expect(try await purge.freshClone().isClean == false)
    #expect(try await purge.freshClone(of: "origin").isClean == false)
    #expect(try scene.ran() == "")
    let result = try await purge.rewrite()
    #expect(result.blobs > 0 && result.residual.contains { $0.place.contains("filter.evil") })
    let push = try await purge.push(to: "origin")
    #expect(push.isWhole && push.address == scene.remote.path, "\(push)")
    #expect(try await purge.freshClone(of: "origin").isClean)
    #expect(try scene.ran() == "")
    for remote in ["ssh", "https", "ext"] {
      let error = try await #require(throws: CapabilityError.self) {
        try await purge.freshClone(of: remote)
      }
      #expect(remote == "ext" || error.because.contains("core.sshcommand"), "\(error)")
    }
    #expect(try scene.ran() == "")
  }

  @Test func `what its owner trusts counts`() async throws {
    let scene = try Scene()
    try scene.git("config", "filter.mine.smudge", "'\(scene.program)' smudge")
    try scene.git.write(".git/info/attributes", "* filter=mine\n")
    let rewriter = scene.rewriter(.paths([scene.git.path]))
    _ = try await rewriter.rewrite(
      repository: scene.git.path, removing: Purge(scene.git.path).removal, marker: "test", progress: Silent(),
      under: try approvedPlan().authority())
    #expect(try scene.ran().contains("smudge"))
  }

  @Test func `the user's own settings stay, those for this repository's place among them`() async throws {
    let scene = try Scene()
    let home = scene.directory.path("gitconfig")
    let place = scene.git.path
    try "[includeIf \"gitdir:\(place)/\"]\n\tpath = \(home).work\n".write(
      toFile: home, atomically: true, encoding: .utf8)
    try "[url \"\(scene.directory.path)/\"]\n\tinsteadOf = \"work: \\\"\"\n".write(
      toFile: home + ".work", atomically: true, encoding: .utf8)
    try scene.git("remote", "set-url", "origin", "work: \"remote.git")
    var environment = Git.environment
    environment["GIT_CONFIG_GLOBAL"] = home
    let there = try await scene.rewriter(.none, environment).published(
      repository: place, remote: "origin", within: .seconds(20))
    #expect(there.address == scene.remote.path && there.refs?.isEmpty == false, "\(there)")
  }

  @Test func `a remote inside the repository, whose hooks somebody prepared, gets nothing`() async throws {
    let scene = try Scene()
    let inside = try Git(creating: scene.git.path + "/.git/inside.git", bare: true)
    try scene.git("push", "-q", inside.path, "main")
    try scene.git("remote", "set-url", "origin", ".git/inside.git")
    for hook in ["pre-receive", "update", "post-receive"] {
      try inside.write("hooks/\(hook)", "#!/bin/sh\nexec '\(scene.program)'\n")
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: inside.path + "/hooks/\(hook)")
    }
    let error = try await #require(throws: CapabilityError.self) {
      try await Purge(scene.git.path).push(to: "origin")
    }
    #expect(error.class == .unsafe && error.fix?.contains("--trust-repository-config") == true)
    // It is no reason not to rewrite.
    #expect(try await Purge(scene.git.path).rewrite().blobs > 0)
    #expect(try scene.ran() == "")
  }

  @Test func `a clone is not repaired with settings that start programs`() async throws {
    let scene = try Scene()
    _ = try await Purge(scene.git.path).rewrite()
    let removed = try await scene.rewriter().removedObjects(repository: scene.git.path, backup: nil)
    try scene.git("clone", "-q", scene.remote.path, scene.directory.path("colleague"))
    let clone = Git(path: scene.directory.path("colleague"))
    try clone("config", "merge.x.driver", scene.program)
    let error = try await #require(throws: CapabilityError.self) {
      try await scene.rewriter().repairClone(
        clone.path, remote: "origin", removed: removed, under: try approvedPlan().authority())
    }
    #expect(error.class == .unsafe && error.because.contains("merge.x.driver"))
  }

  @Test(arguments: [
    "plain", "two words", " spaces ", "a\"quote\\and\ttab", "line\nfeed", "# no comment; none", "",
  ])
  func `settings are written as git reads them`(value: String) throws {
    let directory = try TemporaryDirectory()
    let git = Git(path: directory.path)
    let entries: [RepositorySettings.Entry] = [
      .init(key: "core.bare", value: nil), .init(key: "remote.or.igin \"x\\y.url", value: value),
      .init(key: "user.name", value: value),
    ]
    try git.write("config", RepositorySettings.file(entries))
    let listed = try git("config", "--file", "config", "--list", "--null")
    let expected = entries.map { entry in entry.key + (entry.value.map { "\n" + $0 } ?? "") + "\0" }.joined()
    #expect(listed == expected)
  }
}
