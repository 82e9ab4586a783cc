import Foundation
import JSON
import TestSupport
import Testing

/// In one report every incident is contained before any history is rewritten, also when a person begins one plan, or one
/// command, by hand. The real binary and a real repository.
@Suite struct HistoryOrderTests {
  private struct World {
    struct Planned { let incident, plan, digest: String }
    let directory: TemporaryDirectory
    let binary: StaunchBinary
    let secrets = ["first-made-up-" + "value-31415926", "second-made-up-" + "value-27182818"]
    let planned: [Planned]

    init() async throws {
      directory = try TemporaryDirectory()
      binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
      let clone = directory.path("shop")
      try Program.git("init", "-q", "-b", "main", clone)
      try (secrets.joined(separator: "\n") + "\n").write(
        toFile: clone + "/f", atomically: true, encoding: .utf8)
      try Program.git("-C", clone, "add", "f")
      try Program.git("-C", clone, "commit", "-qm", "one")
      try """
      staunch: 1
      repositories:
        shop: {path: "\(clone)"}
      routes:
        - {when: {kind: generic_password}, playbook: stop-and-clean}

      """.write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
      try FileManager.default.createDirectory(
        atPath: directory.path("playbooks"), withIntermediateDirectories: true)
      try """
      playbook: 1
      id: stop-and-clean
      title: Stop and clean
      deadline: 1h
      inputs:
        incident: {type: incident}
        leaked: {type: list<secret>}
        repositories: {type: list<repository>}
      locks: ["${{ inputs.incident.id }}"]
      steps:
        - {id: stop, uses: command.run, with: {argv: [touch, "\(directory.path)/${{ inputs.incident.id }}"]}}
        - id: rewrite
          for_each: {in: "${{ inputs.repositories }}", as: repository}
          uses: history.rewrite
          with: {repository: "${{ repository }}", remove: "${{ inputs.leaked }}", backup: bundle}
          undo: {uses: history.restore, with: {repository: "${{ repository }}", backup: "${{ self.backup }}"}}
      """.write(toFile: directory.path("playbooks/stop-and-clean.yaml"), atomically: true, encoding: .utf8)
      let findings = secrets.enumerated().map { number, secret -> JSONValue in
        [
          "kind": "generic_password", "value": .string(secret), "repository": "shop", "path": "f",
          "line": .integer(number + 1),
        ]
      }
      let report: JSONValue = ["schema": "staunch.findings/1", "findings": .array(findings)]
      try report.canonicalText.write(
        toFile: directory.path("report.json"), atomically: true, encoding: .utf8)
      let responded = try await binary.run(["respond", "report.json", "--json"])
      let document = try JSONDecoder().decode(JSONValue.self, from: Data(responded.output.utf8))
      planned = (document["incidents"]?.array ?? []).compactMap { one in
        guard let incident = one["id"]?.string, let plan = one["plan"]?["id"]?.string,
          let digest = one["plan"]?["digest"]?.string
        else { return nil }
        return Planned(incident: incident, plan: plan, digest: digest)
      }
      try #require(planned.count == 2, "\(responded.output) \(responded.errors)")
    }

    func run(_ number: Int, _ more: String...) async throws -> StaunchBinary.Outcome {
      let one = planned[number]
      return try await binary.run(
        ["run", one.plan, "--live", "--approve", one.digest, "--no-input"] + more)
    }

    func resume(_ number: Int, _ more: String...) async throws -> StaunchBinary.Outcome {
      try await binary.run(["resume", planned[number].plan, "--no-input"] + more)
    }

    /// How many of the values the repository's history still holds.
    func left() throws -> Int {
      let text = try Program.git("-C", directory.path("shop"), "log", "-p", "--all")
      return secrets.count { text.contains($0) }
    }

    func isStopped(_ number: Int) -> Bool {
      FileManager.default.fileExists(atPath: directory.path(planned[number].incident))
    }
  }

  @Test func `a plan that a person runs alone rewrites no history while its report's other incident is open`()
    async throws
  {
    let world = try await World()
    let first = try await world.run(0)
    #expect(first.status == 75, "\(first.output) \(first.errors)")
    #expect(world.isStopped(0), "what stops the secret is held up by nobody")
    #expect(try world.left() == 2)
    #expect(first.errors.contains(world.planned[1].incident), "\(first.errors)")
    #expect(first.errors.contains("--history-before-containment"), "\(first.errors)")
    let again = try await world.resume(0)
    #expect(again.status == 75, "\(again.output) \(again.errors)")
    #expect(try world.left() == 2)
    // The other one is not held: the first waits with its history alone.
    #expect(try await world.run(1).status == 0)
    #expect(try world.left() == 1)
    let last = try await world.resume(0)
    #expect(last.status == 0, "\(last.output) \(last.errors)")
    #expect(try world.left() == 0)
  }

  @Test func `a person may say that history goes first, and it stands in the journal`() async throws {
    let world = try await World()
    let outcome = try await world.run(0, "--history-before-containment", "--reason", "the fork is public")
    #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
    #expect(try world.left() == 1)
    let export = try await world.binary.run(["journal", "export"]).output
    #expect(export.contains("rewrite history before \(world.planned[1].incident) is contained"))
    #expect(export.contains("the fork is public"))
  }

  @Test func `a vault that was shredded as advised is no longer left`() async throws {
    let world = try await World()
    let outcome = try await world.run(0, "--history-before-containment", "--reason", "the fork is public")
    #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
    let show = ["show", world.planned[0].incident]
    let before = try await world.binary.run(show).output
    let vault = try #require(before.firstMatch(of: /left: undo vault .*--backup ([0-9a-f]+)/), "\(before)")
    let shredded = try await world.binary.run([
      "history", "shred", "--repository", world.directory.path("shop"), "--backup", String(vault.1), "--live",
      "--confirm", "shop",
    ])
    #expect(shredded.status == 0, "\(shredded.errors)")
    let after = try await world.binary.run(show).output
    #expect(!after.contains("left: undo vault") && after.contains("left: forks"), "\(after)")
  }

  /// At a pseudo-terminal: consent is the repository's name, typed.
  @Test(arguments: [("y", 77, 2), ("yes", 77, 2), ("shops", 77, 2), ("shop", 0, 1)])
  func `rewriting asks for the repository's name, and a yes to anything else changes nothing`(
    typed: String, status: Int, left: Int
  ) async throws {
    let world = try await World()
    let staunch = try StaunchBinary.products + "/staunch"
    try "\(typed)\n".write(toFile: world.directory.path("typed"), atomically: true, encoding: .utf8)
    let command = "'\(staunch)' run \(world.planned[0].plan) --live --history-before-containment"
    let script = "script -qec \"\(command)\" typescript < typed; echo $? > status"
    let screen = try await Program.run(
      ["bash", "-c", script], in: world.directory.path,
      environment: world.binary.environment.merging(["TERM": "xterm"]) { _, new in new })
    #expect(screen.contains("type \"shop\""), "\(screen)")
    #expect(
      screen.contains("every ref") || screen.contains("rewrite 1 commits"), "the plan is shown: \(screen)")
    let code = try String(contentsOfFile: world.directory.path("status"), encoding: .utf8)
    #expect(code == "\(status)\n", "\(screen)")
    #expect(try world.left() == left, "\(screen)")
    #expect(world.isStopped(0) == (status == 0))
  }

  @Test func `history rewrite of an incident by hand is refused while its report's other incident is open`()
    async throws
  {
    let world = try await World()
    let command = [
      "history", "rewrite", "--repository", world.directory.path("shop"), "--incident",
      world.planned[0].incident, "--live", "--confirm", "shop",
    ]
    let refused = try await world.binary.run(command)
    #expect(refused.status == 77, "\(refused.output) \(refused.errors)")
    #expect(refused.errors.contains(world.planned[1].incident), "\(refused.errors)")
    #expect(try world.left() == 2)
    let decided = try await world.binary.run(command + ["--history-before-containment"])
    #expect(decided.status == 0, "\(decided.output) \(decided.errors)")
    #expect(try world.left() == 1)
  }
}
