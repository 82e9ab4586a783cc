import Foundation
import JSON
import TestSupport
import Testing

/// Commands around the engine, with the real binary: tests of playbooks, policy exceptions, retention.
@Suite struct EngineCommandTests {
  private static let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  @Test func `Every built-in playbook passes its own tests through every branch, by command`() async throws {
    let (home, binary) = try StaunchBinary.world()
    defer { withExtendedLifetime(home) {} }
    let directory = Self.top.appending(path: "playbooks/tests").path
    let files = try FileManager.default.contentsOfDirectory(atPath: directory).map { directory + "/" + $0 }
    let outcome = try await binary.run(["playbook", "test", "--every-branch", "--json"] + files.sorted())
    #expect(outcome.status == 0, "\(outcome.errors) \(outcome.output)")
    let document = try JSONDecoder().decode(JSONValue.self, from: Data(outcome.output.utf8))
    #expect(document["tests"]?.array?.count == files.count && files.count >= 5)
  }

  @Test func `A playbook that comes out otherwise fails its test with place and difference`() async throws {
    let (directory, binary) = try StaunchBinary.world(
      playbook: """
        playbook: 1
        id: mine
        title: Mine
        steps: [{id: go, approve: {by: [responder]}}, {id: look, manual: Look}]
        """)
    try """
    test: 1
    playbook: mine
    cases: [{name: it is over, expect: {state: failed}}]
    """.write(toFile: directory.path("t.yaml"), atomically: true, encoding: .utf8)
    let outcome = try await binary.run(["playbook", "test", "t.yaml"])
    #expect(outcome.status == 1)
    #expect(
      outcome.output.contains("t.yaml:3:9: it is over: the run is done, not failed"), "\(outcome.output)")
    #expect(outcome.output.contains("untested  t.yaml: go: declined"), "\(outcome.output)")
  }

  private static let excepted = """
    playbook: 1
    id: mine
    title: Mine
    deadline: 1h
    exceptions: [{name: night-shift, steps: [kill], why: "nobody is awake"}]
    steps:
      - {id: kill, uses: command.run, with: {argv: ["true"]}}
    """

  @Test func `An exception that a playbook claims counts only when the policy grants it for that action`()
    async throws
  {
    let (first, refusing) = try StaunchBinary.world(playbook: Self.excepted)
    defer { withExtendedLifetime(first) {} }
    let refused = try await refusing.run(["plan", "mine"])
    #expect(refused.status == 77, "\(refused.errors)")
    #expect(refused.errors.contains("\"night-shift\" for kill (command.run)"), "\(refused.errors)")
    #expect(
      refused.errors.contains("policy: {exceptions: {night-shift: [command.run]}}"), "\(refused.errors)")
    let (second, other) = try StaunchBinary.world(
      "staunch: 1\npolicy: {exceptions: {night-shift: [http.request]}}\n", playbook: Self.excepted)
    #expect(try await other.run(["plan", "mine"]).status == 77)
    withExtendedLifetime(second) {}
    let (directory, granting) = try StaunchBinary.world(
      "staunch: 1\npolicy: {exceptions: {night-shift: [command.run]}}\n", playbook: Self.excepted)
    let planned = try await granting.run(["plan", "mine", "--json"])
    #expect(planned.status == 0, "\(planned.errors)")
    // Taken back between plan and run, it does not count any more.
    try "staunch: 1\n".write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    let plan = try JSONDecoder().decode(JSONValue.self, from: Data(planned.output.utf8))
    let run = try await granting.run([
      "run", plan["id"]?.string ?? "", "--live", "--approve", plan["digest"]?.string ?? "", "--no-input",
    ])
    #expect(run.status == 77, "\(run.errors)")
  }

  @Test func `Old events go only after a proven export into a new file`() async throws {
    let (directory, binary) = try StaunchBinary.world(
      playbook: "playbook: 1\nid: mine\ntitle: Mine\nsteps: [{id: look, manual: Look}]\n")
    #expect(try await binary.run(["plan", "mine"]).status == 0)
    let arguments = ["journal", "prune", "--export", directory.path("old.jsonl"), "--before"]
    #expect(try await binary.run(arguments + ["2999-01-01"]).status == 64)
    #expect(try await binary.run(arguments + ["yesterday"]).status == 64)
    let pruned = try await binary.run(arguments + ["2020-01-01", "--json"])
    #expect(pruned.status == 0, "\(pruned.errors)")
    #expect(pruned.output.contains("\"removed\":0"), "\(pruned.output)")
    #expect(try await binary.run(arguments + ["2020-01-01"]).status == 77, "the export is never overwritten")
    let key = try await binary.run(["journal", "key"]).output.trimmingCharacters(in: .whitespacesAndNewlines)
    let (elsewhere, other) = try StaunchBinary.world()
    defer { withExtendedLifetime(elsewhere) {} }
    let verified = try await other.run([
      "journal", "verify", "--export", directory.path("old.jsonl"), "--public-key", key,
    ])
    #expect(verified.status == 0, "\(verified.errors)")
  }
}
