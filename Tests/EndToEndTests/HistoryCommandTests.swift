import Foundation
import JSON
import TestSupport
import Testing

/// `staunch history rewrite` as a user calls it: what its options do.
@Suite struct HistoryCommandTests {
  private struct World {
    let directory: TemporaryDirectory
    var binary: StaunchBinary
    let secret = ["history", "CommandSecret", "0123456789"].joined(separator: "-")

    init() throws {
      directory = try TemporaryDirectory()
      binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
      try (secret + "\n").write(toFile: directory.path("secrets"), atomically: true, encoding: .utf8)
      try git("init", "-q", "-b", "main", directory.path("repository"))
      try commit("a", "key = \(secret)\n")
      try commit("b", "nothing\n")
    }

    @discardableResult
    func commit(_ name: String, _ text: String, in repository: String = "repository") throws -> String {
      let path = directory.path(repository)
      try text.write(toFile: path + "/" + name, atomically: true, encoding: .utf8)
      try git("-C", path, "add", name)
      try git("-C", path, "commit", "-qm", "change \(name)")
      return try git("-C", path, "rev-parse", "HEAD").trimmingCharacters(in: .newlines)
    }

    func rewrite(_ more: String..., environment: [String: String] = [:]) async throws -> StaunchBinary.Outcome
    {
      try await binary.run(
        ["history", "rewrite", "--repository", "repository", "--live", "--confirm", "repository"] + more,
        environment: environment)
    }

    @discardableResult
    func git(_ arguments: String...) throws -> String { try Program.git(arguments) }

    func show(_ name: String, at revision: String = "main") throws -> String {
      try git("-C", directory.path("repository"), "show", "\(revision):\(name)")
    }
  }

  @Test func `after a kill while files move, the same command with --resume ends in the new state`()
    async throws
  {
    for moment in [1, 3, 6] {
      let world = try World()
      let killed = try await world.rewrite(
        "--secrets", "secrets", environment: ["STAUNCH_CRASH_AT_MOVE": "\(moment)"])
      #expect(killed.status == -9, "\(moment): \(killed.output)\(killed.errors)")
      // By hand is no short cut: the target stays locked, and the command itself finds out how it ended.
      let locked = try await world.binary.run(["status"])
      #expect(locked.output.contains("was interrupted"), "\(locked.output)")
      let refused = try await world.rewrite("--secrets", "secrets")
      let resumed =
        refused.status == 0 ? refused : try await world.rewrite("--secrets", "secrets", "--resume")
      #expect(resumed.status == 0, "\(moment): \(resumed.errors)")
      #expect((refused.errors + resumed.errors).contains("it is settled as"), "\(moment): \(refused.errors)")
      #expect(try await !world.binary.run(["status"]).output.contains("lock:"))
      #expect(try world.show("a") == "key = ***REMOVED***\n")
      #expect(try world.git("-C", world.directory.path("repository"), "fsck", "--full").isEmpty)
      let scan = try await world.binary.run(
        ["history", "scan", "--repository", "repository", "--secrets", "secrets"])
      #expect(scan.output.contains("clean"), "\(scan.output)")
    }
  }

  @Test func `--remove-blob takes a file's version out of every commit`() async throws {
    let world = try World()
    let path = world.directory.path("repository")
    let blob = try world.git("-C", path, "rev-parse", "main:b").trimmingCharacters(in: .newlines)
    let outcome = try await world.rewrite("--secrets", "secrets", "--remove-blob", blob)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try world.git("-C", path, "ls-tree", "--name-only", "main") == "a\n")
    let bad = try await world.rewrite("--secrets", "secrets", "--remove-blob", "abc")
    #expect(bad.status == 64)
    #expect(bad.errors.contains("40 hexadecimal digits"))
  }

  @Test func `--submodule-map lets gitlinks follow another repository's rewrite`() async throws {
    let world = try World()
    let path = world.directory.path("repository")
    let (old, new) = (String(repeating: "1", count: 40), String(repeating: "2", count: 40))
    try world.git("-C", path, "update-index", "--add", "--cacheinfo", "160000,\(old),sub")
    try world.git("-C", path, "commit", "-qm", "submodule")
    try "old new\n\(old) \(new)\n".write(
      toFile: world.directory.path("map"), atomically: true, encoding: .utf8)
    let outcome = try await world.rewrite("--secrets", "secrets", "--submodule-map", "map", "--keep-worktree")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try world.git("-C", path, "ls-tree", "main", "sub").contains("160000 commit \(new)"))
    try "not a map\n".write(toFile: world.directory.path("map"), atomically: true, encoding: .utf8)
    let bad = try await world.rewrite("--secrets", "secrets", "--submodule-map", "map")
    #expect(bad.status == 65)
    #expect(bad.errors.contains("line 1"))
  }

  @Test func `the secret given in place of a file, or in the wrong place, is never echoed`() async throws {
    let world = try World()
    for arguments in [
      ["history", "scan", "--secrets", world.secret], ["history", "scan", world.secret],
      ["history", "rewrite", "--replace-text=\(world.secret)"],
      ["history", "scan", "--secret=\(world.secret)"],
      ["history", "verify", "--incident", world.secret],
      ["history", "scan", "--json", "--secrets", world.secret],
    ] {
      let outcome = try await world.binary.run(arguments)
      #expect([64, 65].contains(outcome.status), "\(arguments.count): \(outcome.status)")
      #expect(!(outcome.output + outcome.errors).contains(world.secret), "\(arguments.dropLast())")
    }
  }

  @Test func `the expressions may come through a pipe, and why a file cannot be read is said as it is`()
    async throws
  {
    let world = try World()
    let scan = try await world.binary.run(
      ["history", "scan", "--repository", "repository", "--secrets", "/dev/stdin"], input: world.secret + "\n"
    )
    #expect(scan.status == 10 && scan.output.contains("blob"), "\(scan.output)\(scan.errors)")
    for (name, why) in [
      ("/dev/null", "it holds none"), ("repository", "it is a directory"), ("nowhere", "no such file"),
    ] {
      let refused = try await world.binary.run(
        ["history", "scan", "--repository", "repository", "--secrets", name])
      #expect(refused.status == 65 && refused.errors.contains(why), "\(name): \(refused.errors)")
      #expect(!refused.errors.contains("permission denied"), "\(name): \(refused.errors)")
    }
  }

  @Test func `a report is used as a report, and other JSON is refused instead of being taken as expressions`()
    async throws
  {
    let world = try World()
    let report =
      #"[{"RuleID":"generic","Description":"x","StartLine":1,"EndLine":1,"StartColumn":1,"EndColumn":9,"#
      + #""Match":"key = \#(world.secret)","Secret":"\#(world.secret)","File":"a","SymlinkFile":"","Commit":"","#
      + #""Entropy":4.0,"Author":"","Email":"","Date":"","Message":"","Tags":[],"Fingerprint":"a:generic:1"}]"#
    try report.write(toFile: world.directory.path("report.json"), atomically: true, encoding: .utf8)
    let scan = try await world.binary.run(
      ["history", "scan", "--repository", "repository", "--secrets", "report.json", "--json"])
    #expect(scan.status == 10, "\(scan.errors)")
    #expect(scan.errors.contains("1 values are looked for"))
    let rewrite = try await world.rewrite("--secrets", "report.json")
    #expect(rewrite.status == 0, "\(rewrite.errors)")
    #expect(try world.show("a") == "key = ***REMOVED***\n")
    try "{\n  \"key\": \"\(world.secret)\"\n}\n".write(
      toFile: world.directory.path("conf.json"), atomically: true, encoding: .utf8)
    let refused = try await world.rewrite("--secrets", "conf.json")
    #expect(refused.status == 65)
    #expect(refused.errors.contains("this is JSON"))
    #expect(!refused.errors.contains(world.secret))
  }

  @Test func `a short value is replaced only when a person names the number of matches`() async throws {
    let world = try World()
    try world.commit("c", "import postgres\n")
    try "post\n".write(toFile: world.directory.path("secrets"), atomically: true, encoding: .utf8)
    let plan = try await world.binary.run(
      ["history", "rewrite", "--repository", "repository", "--secrets", "secrets"])
    #expect(plan.output.contains("short (4 bytes): 1 matches in 1 files, 1 of them inside longer words"))
    let refused = try await world.rewrite("--secrets", "secrets")
    #expect(refused.status == 77)
    #expect(refused.errors.contains("--common 1"))
    #expect(try world.show("c") == "import postgres\n")
    let meant = try await world.rewrite("--secrets", "secrets", "--common", "1")
    #expect(meant.status == 0, "\(meant.errors)")
  }

  @Test
  func
    `an incident is not closed while the forge holds the secret, and a fresh clone of the remote ends that`()
    async throws
  {
    let world = try World()
    _ = try await world.binary.run(["init"])
    let path = world.directory.path("repository")
    // Nothing but its address tells that it is the repository of the report.
    let remote = world.directory.path("acme/app.git")
    try world.git("init", "-q", "--bare", remote)
    try world.git("-C", path, "remote", "add", "origin", remote)
    try world.git("-C", path, "push", "-q", "origin", "main")
    let report: JSONValue = [
      "schema": "staunch.findings/1",
      "findings": [
        [
          "kind": "openai_api_key", "value": .string(world.secret), "repository": "acme/app", "path": "a",
          "line": 1,
        ]
      ],
    ]
    let responded = try await world.binary.run(["respond", "-", "--json"], input: report.canonicalText)
    let incident = String(try #require(responded.output.firstMatch(of: /inc-[a-z0-9]{8}/)).output)
    let close = ["close", incident, "--unproven", "--reason", "over"]
    let verify = [
      "history", "verify", "--repository", "repository", "--remote", "origin", "--incident", incident,
    ]
    let early = try await world.binary.run(close)
    #expect(early.status == 77 && early.errors.contains("still at the forge: acme/app"), "\(early.errors)")
    _ = try await world.rewrite("--incident", incident)
    #expect(try await world.binary.run(verify).status == 10)
    #expect(try await world.binary.run(close).status == 77)
    #expect(try await world.binary.run(["status"]).output.contains("still at the forge"))
    #expect(
      try await world.binary.run(["handover"]).output.contains("the leaked value is still at the forge"))
    let pushed = try await world.binary.run(
      ["history", "push", "--repository", "repository", "--live", "--confirm", "repository"])
    #expect(pushed.status == 0, "\(pushed.errors)")
    #expect(try await world.binary.run(verify).status == 0)
    #expect(try await world.binary.run(close).status == 0)
  }

  /// An incident whose value was pushed to `origin` and is rewritten here, and the command that proves the remote clean.
  private func rewritten(_ world: World) async throws -> (incident: String, verify: [String]) {
    _ = try await world.binary.run(["init"])
    let path = world.directory.path("repository")
    try world.git("init", "-q", "--bare", world.directory.path("remote.git"))
    try world.git("-C", path, "remote", "add", "origin", world.directory.path("remote.git"))
    try world.git("-C", path, "push", "-q", "origin", "main")
    let report: JSONValue = [
      "schema": "staunch.findings/1",
      "findings": [
        [
          "kind": "openai_api_key", "value": .string(world.secret), "repository": "repository", "path": "a",
          "line": 1,
        ]
      ],
    ]
    let responded = try await world.binary.run(["respond", "-", "--json"], input: report.canonicalText)
    let incident = String(try #require(responded.output.firstMatch(of: /inc-[a-z0-9]{8}/)).output)
    #expect(try await world.rewrite("--incident", incident).status == 0)
    return (
      incident,
      ["history", "verify", "--repository", "repository", "--remote", "origin", "--incident", incident]
    )
  }

  @Test func `clean is not said while a second remote of the clone still holds the value`() async throws {
    let world = try World()
    let path = world.directory.path("repository")
    let mirror = world.directory.path("mirror.git")
    try world.git("init", "-q", "--bare", mirror)
    try world.git("-C", path, "remote", "add", "mirror", mirror)
    try world.git("-C", path, "push", "-q", "mirror", "main")
    let (incident, verify) = try await rewritten(world)
    let push = ["history", "push", "--repository", "repository", "--live", "--confirm", "repository"]
    let pushed = try await world.binary.run(push)
    #expect(pushed.status == 0 && pushed.output.contains("\(mirror), another remote"), "\(pushed.output)")
    let verified = try await world.binary.run(verify)
    #expect(verified.status == 10)
    #expect(verified.output.contains("left: remote mirror (\(mirror)): holds it in "), "\(verified.output)")
    for command in [["status"], ["show", incident], ["handover"]] {
      let outcome = try await world.binary.run(command)
      #expect(!outcome.output.contains("history.verify running"), "what was done by hand is over")
      #expect(outcome.output.contains("mirror"), "\(command): \(outcome.output)")
    }
    let close = ["close", incident, "--unproven", "--reason", "over"]
    let refused = try await world.binary.run(close)
    #expect(refused.status == 77 && refused.errors.contains("remote mirror"), "\(refused.errors)")
    #expect(try await world.binary.run(push + ["--remote", "mirror"]).status == 0)
    #expect(try await world.binary.run(verify).status == 0)
    #expect(try await world.binary.run(close).status == 0)
  }

  @Test func `clean does not outlive a restore and a push by hand`() async throws {
    let world = try World()
    let path = world.directory.path("repository")
    let (incident, verify) = try await rewritten(world)
    let push = ["history", "push", "--repository", "repository", "--live", "--confirm", "repository"]
    #expect(try await world.binary.run(push).status == 0)
    #expect(try await world.binary.run(verify).status == 0)
    // Somebody's old clone: staunch hears nothing of it.
    let backup = try #require(
      try FileManager.default.contentsOfDirectory(atPath: path + "/.git/staunch/history").first)
    let restored = try await world.binary.run([
      "history", "restore", "--repository", "repository", "--backup", backup, "--live", "--confirm",
      "repository",
    ])
    #expect(restored.status == 0, "\(restored.errors)")
    #expect(try await world.binary.run(["show", incident]).output.contains("its rewrite was taken back"))
    #expect(try await world.binary.run(verify).status == 0, "the remote is clean all the same")
    try world.git("-C", path, "push", "-q", "--force", "origin", "main")
    let close = ["close", incident, "--unproven", "--reason", "over"]
    let refused = try await world.binary.run(close)
    #expect(refused.status == 77, "\(refused.errors)")
    #expect(refused.errors.contains("a fresh clone of the remote holds it in"), "\(refused.errors)")
    #expect(try await world.binary.run(["status"]).output.contains("still at the forge"))
    #expect(try await world.binary.run(close + ["--uncleaned"]).status == 0)
  }

  @Test func `clean does not outlive a search by hand that finds the value`() async throws {
    for arguments in [["--secrets", "secrets"], []] {
      let world = try World()
      let (incident, verify) = try await rewritten(world)
      let push = ["history", "push", "--repository", "repository", "--live", "--confirm", "repository"]
      #expect(try await world.binary.run(push).status == 0)
      #expect(try await world.binary.run(verify).status == 0)
      try world.commit("again", "key = \(world.secret)\n")
      let what = arguments.isEmpty ? ["--incident", incident] : arguments
      let scan = try await world.binary.run(["history", "scan", "--repository", "repository"] + what)
      #expect(scan.status == 10, "\(scan.errors)")
      let status = try await world.binary.run(["status"])
      #expect(status.output.contains("found on this machine at"), "\(status.output)")
      #expect(
        try await world.binary.run(["close", incident, "--unproven", "--reason", "over"]).status == 77)
    }
  }

  @Test func `a remote that cannot be looked at again keeps the incident open, and --uncleaned closes it`()
    async throws
  {
    let world = try World()
    let (incident, verify) = try await rewritten(world)
    let push = ["history", "push", "--repository", "repository", "--live", "--confirm", "repository"]
    #expect(try await world.binary.run(push).status == 0)
    #expect(try await world.binary.run(verify).status == 0)
    try FileManager.default.moveItem(
      atPath: world.directory.path("remote.git"), toPath: world.directory.path("gone.git"))
    let close = ["close", incident, "--unproven", "--reason", "it's over"]
    let refused = try await world.binary.run(close)
    #expect(refused.status == 69, "\(refused.errors)")
    #expect(refused.errors.contains("--uncleaned --reason 'it'\\''s over'"), "\(refused.errors)")
    #expect(try await world.binary.run(close + ["--uncleaned"]).status == 0)
  }

  @Test(.timeLimit(.minutes(2)))
  func `settings that include a pipe are refused in a moment, by every command`() async throws {
    let world = try World()
    let path = world.directory.path("repository")
    #expect(mkfifo(world.directory.path("pipe"), 0o600) == 0)
    try world.git("-C", path, "remote", "add", "origin", path)
    let settings = try String(contentsOfFile: path + "/.git/config", encoding: .utf8)
    try (settings + "[include]\n\tpath = ../../pipe\n").write(
      toFile: path + "/.git/config", atomically: false, encoding: .utf8)
    for arguments in [
      ["scan", "--secrets", "secrets"], ["rewrite", "--secrets", "secrets"], ["push"],
      ["verify", "--remote", "origin", "--secrets", "secrets"],
    ] {
      let outcome = try await world.binary.run(["history"] + arguments + ["--repository", "repository"])
      #expect(outcome.status == 77, "\(arguments): \(outcome.status) \(outcome.errors)")
      #expect(outcome.errors.contains("pipe"), "\(outcome.errors)")
    }
  }

  @Test func `--incident takes the leaked value from the journal, and no file needs to hold it`() async throws
  {
    let world = try World()
    _ = try await world.binary.run(["init"])
    let report: JSONValue = [
      "schema": "staunch.findings/1",
      "findings": [["kind": "openai_api_key", "value": .string(world.secret), "path": "a", "line": 1]],
    ]
    let responded = try await world.binary.run(["respond", "-", "--json"], input: report.canonicalText)
    let found = responded.output.firstMatch(of: /inc-[a-z0-9]{8}/)
    let incident = String(try #require(found).output)
    try FileManager.default.removeItem(atPath: world.directory.path("secrets"))
    let outcome = try await world.rewrite("--incident", incident)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try world.show("a") == "key = ***REMOVED***\n")
    let unknown = try await world.rewrite("--incident", "inc-00000000")
    #expect(unknown.status == 65)
    #expect(unknown.errors.contains("staunch incidents"))
  }
}
