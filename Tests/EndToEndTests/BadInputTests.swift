@testable import Drills
import Foundation
import JSON
import TestSupport
import Testing

/// Each wrong input ends with what / why / how to fix, its documented exit code, and nothing half-done.
@Suite struct BadInputTests {
  private func expect(
    _ outcome: StaunchBinary.Outcome, status: Int32, says words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: sourceLocation)
    #expect(outcome.errors.contains("error: "), "\(outcome.errors)", sourceLocation: sourceLocation)
    #expect(outcome.errors.contains("because: "), "\(outcome.errors)", sourceLocation: sourceLocation)
    #expect(outcome.errors.contains("fix: "), "\(outcome.errors)", sourceLocation: sourceLocation)
    for word in words {
      #expect(outcome.errors.contains(word), "\(outcome.errors)", sourceLocation: sourceLocation)
    }
  }

  /// A home with a staunch.yaml that names nothing.
  private func emptyWorld() throws -> (TemporaryDirectory, StaunchBinary) {
    let directory = try TemporaryDirectory()
    try "staunch: 1\n".write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    return (directory, StaunchBinary(home: directory.path, workingDirectory: directory.path))
  }

  @Test func `without a configuration, init is named`() async throws {
    let directory = try TemporaryDirectory()
    let binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    try "[]".write(toFile: directory.path("r.json"), atomically: true, encoding: .utf8)
    expect(try await binary.run(["respond", "r.json"]), status: 78, says: "staunch init")
  }

  @Test func `init writes a file that doctor-style checks accept, and never overwrites`() async throws {
    let directory = try TemporaryDirectory()
    let binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    #expect(try await binary.run(["init"]).status == 0)
    try "[]".write(toFile: directory.path("r.json"), atomically: true, encoding: .utf8)
    #expect(try await binary.run(["respond", "r.json", "--format", "gitleaks"]).status == 0)
    expect(try await binary.run(["init"]), status: 77, says: "exists already")
  }

  @Test func `a report that is missing, malformed or unknown is named with its place`() async throws {
    let (directory, binary) = try emptyWorld()
    expect(
      try await binary.run(["respond", "nowhere.json"]), status: 65, says: "nowhere.json", "no such file")
    try "[{\"RuleID\": \"x\", \"Secret\": }]".write(
      toFile: directory.path("bad.json"), atomically: true, encoding: .utf8)
    expect(
      try await binary.run(["respond", "bad.json", "--format", "gitleaks"]), status: 65, says: "bad.json:1:")
    try "hello".write(toFile: directory.path("odd.txt"), atomically: true, encoding: .utf8)
    expect(try await binary.run(["respond", "odd.txt"]), status: 65, says: "--format")
    expect(
      try await binary.run(["respond", "odd.txt", "--format", "nessus"]), status: 65,
      says: "there is no format")
    expect(try await binary.run(["respond", "-"], input: ""), status: 65, says: "empty")
    expect(try await binary.run(["respond", directory.path]), status: 65, says: "it is a directory")
  }

  @Test func `an option that names nothing is said to be a fault of staunch yaml`() async throws {
    let (directory, binary) = try emptyWorld()
    try """
    [{"RuleID": "generic-api-key", "Secret": "hunter2hunter2xx", "Match": "k = hunter2hunter2xx", "File": "a.py",
      "StartLine": 3, "Commit": "", "Date": ""}]
    """.write(toFile: directory.path("r.json"), atomically: true, encoding: .utf8)
    let respond = ["respond", "r.json", "--format", "gitleaks"]
    expect(
      try await binary.run(respond + ["--credential", "nope"]), status: 65,
      says: "there is no credential \"nope\"")
    expect(
      try await binary.run(respond + ["--checkout", "nowhere"]), status: 65, says: "--checkout DIRECTORY")
  }

  @Test(arguments: ["", "  ", "-"])
  func `a word that says nothing is noted`(word: String) async throws {
    let (directory, binary) = try emptyWorld()
    try """
    [{"RuleID": "generic-api-key", "Secret": "hunter2hunter2xx", "Match": "k = hunter2hunter2xx", "File": "a.py",
      "StartLine": 3, "Commit": "", "Date": ""}]
    """.write(toFile: directory.path("r.json"), atomically: true, encoding: .utf8)
    _ = try await binary.run(["respond", "r.json", "--format", "gitleaks"])
    for command in [["note", word], ["todo", word], ["close", "--unproven", "--reason", word]] {
      expect(try await binary.run(command), status: 64, says: "says nothing")
    }
  }

  @Test func `a playbook with a type error is refused at its place`() async throws {
    let (directory, binary) = try emptyWorld()
    let text = """
      playbook: 1
      id: wrong
      title: Wrong
      deadline: 1h
      inputs: {leaked: {type: secrt}}
      steps:
        - {id: a, uses: credential.verfy, with: {}}
      """
    try text.write(toFile: directory.path("wrong.yaml"), atomically: true, encoding: .utf8)
    let lint = try await binary.run(["playbook", "lint", "wrong.yaml"])
    #expect(lint.status == 65)
    #expect(lint.output.contains("wrong.yaml:5:"))
    #expect(lint.output.contains("credential.verify"), "\(lint.output)")
    expect(try await binary.run(["plan", "wrong.yaml"]), status: 65, says: "wrong.yaml:5:")
  }

  @Test func `what is no repository, and a dirty work tree, are refused before anything moves`() async throws
  {
    let (directory, binary) = try emptyWorld()
    try "s3cr3t-value-1234\n".write(toFile: directory.path("secrets"), atomically: true, encoding: .utf8)
    expect(
      try await binary.run(["history", "scan", "--repository", directory.path, "--secrets", "secrets"]),
      status: 65)
    let repository = directory.path("repo")
    try FileManager.default.createDirectory(atPath: repository, withIntermediateDirectories: true)
    for arguments in [
      ["git", "init", "-q"], ["git", "config", "user.email", "a@example.org"],
      ["git", "config", "user.name", "a"],
    ] { try await Program.run(arguments, in: repository) }
    try ("key = s3cr3t" + "-value-1234\n").write(toFile: repository + "/a", atomically: true, encoding: .utf8)
    try await Program.run(["git", "add", "a"], in: repository)
    try await Program.run(["git", "commit", "-qm", "one"], in: repository)
    try "changed\n".write(toFile: repository + "/a", atomically: true, encoding: .utf8)
    let before = try FileListing(repository)
    expect(
      try await binary.run([
        "history", "rewrite", "--repository", repository, "--secrets", "secrets", "--live", "--confirm",
        "repo",
      ]), status: 77, says: "commit")
    #expect(try FileListing(repository).differences(from: before) == [])
    expect(
      try await binary.run([
        "history", "rewrite", "--repository", repository, "--secrets", "secrets", "--live", "--confirm",
        "other",
      ]), status: 77)
    expect(
      try await binary.run([
        "history", "rewrite", "--repository", repository, "--secrets", "secrets", "--live", "--no-input",
      ]), status: 64, says: "--confirm=repo")
  }

  @Test func `a secret given as an option is refused, and so is one in the configuration`() async throws {
    let (directory, binary) = try emptyWorld()
    try """
    staunch: 1
    credentials:
      pg: {kind: postgres, host: h, database: d, role: r, admin_user: a, admin_password: hunter2hunter2}
    """.write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    try "[]".write(toFile: directory.path("r.json"), atomically: true, encoding: .utf8)
    let outcome = try await binary.run(["respond", "r.json", "--format", "gitleaks"])
    expect(outcome, status: 78, says: "staunch.yaml:3:")
    #expect(!outcome.errors.contains("hunter2"))
  }

  @Test func `an unreachable server and a wrong admin password stop the run before anything changed`()
    async throws
  {
    let world = try await LiveWorld()
    let (_, plans) = try await world.respond()
    let plan = try #require(plans.first { $0.kind == "postgres_uri" })
    let key = world.sandbox.directory + "/keys/database-admin"
    try "not-the-admin-password".write(toFile: key, atomically: true, encoding: .utf8)
    let refused = try await world.run(plan)
    #expect([1, 11, 69].contains(refused.status), "\(refused.status)")
    let seen = try await world.sandbox.observe()
    #expect(seen.acceptedLeaks.contains("postgres_uri"))
    #expect(seen.isConsumerHealthy)
    let status = try await world.binary.run(["status"])
    #expect(status.output.contains("next: "))
    #expect(status.output.contains("staunch resume"), "\(status.output)")
    await world.stop()
  }

  @Test func `a journal that cannot be written or is damaged stops everything and is left alone`()
    async throws
  {
    let (directory, binary) = try emptyWorld()
    try "[]".write(toFile: directory.path("r.json"), atomically: true, encoding: .utf8)
    #expect(try await binary.run(["respond", "r.json", "--format", "gitleaks"]).status == 0)
    let journal = directory.path("state/journal.sqlite")
    let damaged = Data("this is no database at all, it was overwritten by something".utf8)
    // may be absent
    for companion in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: journal + companion) }
    try damaged.write(to: URL(filePath: journal))
    let outcome = try await binary.run(["respond", "r.json", "--format", "gitleaks"])
    expect(outcome, status: 69, says: "journal.sqlite")
    #expect(try Data(contentsOf: URL(filePath: journal)) == damaged)
    let other = StaunchBinary(home: "/proc/1", workingDirectory: directory.path)
    expect(
      try await other.run(["respond", "r.json", "--format", "gitleaks"]), status: 69, says: "STAUNCH_STATE")
  }

  @Test func `a full disk stops the run with what to do, and resume goes on`() async throws {
    let world = try await LiveWorld()
    let (_, plans) = try await world.respond()
    let plan = try #require(plans.first { $0.kind == "openai_api_key" })
    // No file may grow beyond a few blocks more than the journal has: as a full disk does, writes fail with an error.
    let full = try await world.runLimited(plan, blocks: 220)
    #expect(full.status != 0)
    let resumed = try await world.run(plan)
    #expect(resumed.status == 0, "\(resumed.errors) \(resumed.output.suffix(800))")
    let seen = try await world.sandbox.observe()
    #expect(seen.replacementKeys == 1)
    #expect(seen.tickets[plan.incident] == ["incident.opened", "incident.contained", "incident.closed"])
    await world.stop()
  }

  @Test func `two runners at once on one credential: one works, the other is told who holds the lock`()
    async throws
  {
    let world = try await LiveWorld()
    let (_, plans) = try await world.respond()
    let one = try #require(plans.first { $0.kind == "openai_api_key" })
    let planned = try await world.binary.run(["plan", one.incident, "--json"])
    let second = try JSONDecoder().decode(JSONValue.self, from: Data(planned.output.utf8))
    let two = LiveWorld.Planned(
      incident: one.incident, kind: one.kind, plan: try #require(second["id"]?.string),
      digest: try #require(second["digest"]?.string))
    #expect(two.plan != one.plan)
    // The first dies in the middle: its locks stay, because its credential is half-way.
    let killed = try await world.run(one, environment: ["STAUNCH_CRASH_AT": "30"])
    #expect(killed.status == -9)
    expect(try await world.run(two), status: 69, says: "staunch resume")
    #expect(try await world.run(one).status == 0)
    await world.stop()
  }
}

extension LiveWorld {
  /// As ``run(_:environment:)`` with a limit on the size of every file, in blocks of 1,024 bytes.
  func runLimited(_ planned: Planned, blocks: Int) async throws -> (status: Int32, text: String) {
    let script = """
      ulimit -f \(blocks); trap '' XFSZ; "$@" >"$HOME/limited" 2>&1; echo $?
      """
    let products = try StaunchBinary.products
    let text = try await Program.run(
      [
        "bash", "-c", script, "bash", products + "/staunch", "run", planned.plan, "--live", "--approve",
        planned.digest,
        "--no-input",
      ], in: sandbox.directory, environment: binary.environment)
    return (Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? -1, text)
  }
}
