import Foundation
import JSON
import TestSupport
import Testing

/// `approve`, `done`, `skip`, `retry` and `abort` take only answers that the run can use.
@Suite struct AnswerCommandTests {
  @Test func `An answer that the run cannot use is refused with its reason and changes nothing`() async throws
  {
    let directory = try TemporaryDirectory()
    try "staunch: 1\n".write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    try FileManager.default.createDirectory(
      atPath: directory.path("playbooks"), withIntermediateDirectories: true)
    try """
    playbook: 1
    id: mine
    title: Mine
    deadline: 1h
    steps: [{id: go, approve: {by: [responder], within: 1h}}, {id: look, manual: Look}]
    """.write(toFile: directory.path("playbooks/mine.yaml"), atomically: true, encoding: .utf8)
    let binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    let plan = try JSONDecoder().decode(
      JSONValue.self, from: Data(try await binary.run(["plan", "mine", "--json"]).output.utf8))
    let digest = try #require(plan["digest"]?.string)
    let run = try #require(plan["run"]?.string)

    let wrongGate = try await binary.run(["approve", digest, "--step", "nosuch"])
    #expect(wrongGate.status == 65 && wrongGate.errors.contains("one of: go"), "\(wrongGate.errors)")
    _ = try await binary.run(["run", digest, "--live", "--approve", digest, "--no-input"])
    let again = try await binary.run(["retry", "look", "--reason", "why not"])
    #expect(again.status == 65 && again.errors.contains("no decision"), "\(again.errors)")
    let done = try await binary.run(["skip", "go", "--reason", "late"])
    #expect(done.status == 77 && done.errors.contains("done already"), "\(done.errors)")
    let item = try await binary.run(["done", "look", "--item", "0"])
    #expect(item.status == 64 && item.errors.contains("no items"), "\(item.errors)")

    #expect(try await binary.run(["done", "look"]).status == 0)
    #expect(try await binary.run(["resume", run]).status == 0)
    for arguments in [
      ["skip", "look", "--reason", "late", "--run", run], ["done", "look", "--run", run],
      ["abort", run, "--reason", "late"],
    ] {
      let late = try await binary.run(arguments)
      #expect(late.status == 77, "\(arguments): \(late.status) \(late.errors)")
    }
  }

  @Test func `what a manual step asks for is shown as it is written, and taken so`() async throws {
    let (directory, binary) = try StaunchBinary.world(
      playbook: """
        playbook: 1
        id: mine
        title: Mine
        deadline: 1h
        steps: [{id: look, manual: Look, collect: {when: timestamp}}]
        """)
    defer { withExtendedLifetime(directory) {} }
    let plan = try JSONDecoder().decode(
      JSONValue.self, from: Data(try await binary.run(["plan", "mine", "--json"]).output.utf8))
    let digest = try #require(plan["digest"]?.string)
    #expect(try await binary.run(["run", digest, "--live", "--approve", digest, "--no-input"]).status == 75)
    let wrong = try await binary.run(["done", "look", "when=yes"])
    let example = try #require(wrong.errors.firstMatch(of: /such as ([0-9TZ:-]+)/), "\(wrong.errors)")
    #expect(try await binary.run(["done", "look", "when=\(example.1)"]).status == 0)
  }

  /// At a pseudo-terminal: nothing is signed unseen, and what was signed is not asked for again.
  @Test func `approve shows what it signs and asks, and next goes on from there`() async throws {
    let directory = try TemporaryDirectory()
    try "staunch: 1\n".write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    try FileManager.default.createDirectory(
      atPath: directory.path("playbooks"), withIntermediateDirectories: true)
    try """
    playbook: 1
    id: mine
    title: Mine
    deadline: 1h
    steps:
      - {id: go, title: Touch the file, approve: {by: [responder]}}
      - {id: touch, uses: command.run, with: {argv: [touch, "\(directory.path("touched"))"]}}
    """.write(toFile: directory.path("playbooks/mine.yaml"), atomically: true, encoding: .utf8)
    let binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    let plan = try JSONDecoder().decode(
      JSONValue.self, from: Data(try await binary.run(["plan", "mine", "--json"]).output.utf8))
    let id = try #require(plan["id"]?.string)
    let digest = try #require(plan["digest"]?.string)
    let staunch = try StaunchBinary.products + "/staunch"
    func answer(_ arguments: String, with typed: String) async throws -> (screen: String, status: String) {
      try "\(typed)\n".write(toFile: directory.path("typed"), atomically: true, encoding: .utf8)
      let command = "'\(staunch)' \(arguments)"
      let screen = try await Program.run(
        ["bash", "-c", "script -qec \"\(command)\" typescript < typed; echo $? > status"],
        in: directory.path, environment: binary.environment.merging(["TERM": "xterm"]) { _, new in new })
      return (screen, try String(contentsOfFile: directory.path("status"), encoding: .utf8))
    }

    let unseen = try await answer("approve \(digest)", with: "yes")
    #expect(unseen.status == "77\n" && unseen.screen.contains("type \"\(id)\""), "\(unseen.screen)")
    let seen = try await answer("approve \(digest)", with: id)
    #expect(seen.status == "0\n" && seen.screen.contains("touch"), "\(seen.screen)")
    #expect(try await binary.run(["run", id, "--live", "--no-input"]).status == 75)

    let no = try await answer("approve \(digest) --step go", with: "")
    #expect(no.status == "77\n" && no.screen.contains("Touch the file"), "\(no.screen)")
    #expect(no.screen.contains("will: run touch"), "what stands behind the gate: \(no.screen)")
    let yes = try await answer("approve \(digest) --step go", with: "y")
    #expect(yes.status == "0\n", "\(yes.screen)")
    #expect(try await binary.run(["run", id, "--live", "--no-input"]).status == 0)
    #expect(FileManager.default.fileExists(atPath: directory.path("touched")))
  }

  @Test func `a gate is not left out, and a role that is only claimed opens nothing`() async throws {
    let directory = try TemporaryDirectory()
    try "staunch: 1\n".write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    try FileManager.default.createDirectory(
      atPath: directory.path("playbooks"), withIntermediateDirectories: true)
    let playbook = directory.path("playbooks/mine.yaml")
    let steps = """
      playbook: 1
      id: mine
      title: Mine
      deadline: 1h
      steps:
        - {id: guarded, manual: Look, approve: {by: [duty-officer]}}
        - {id: go, approve: {by: [duty-officer]}}
      """
    try steps.write(toFile: playbook, atomically: true, encoding: .utf8)
    let binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    let digest = try await Self.digest(of: ["plan", "mine"], binary)
    _ = try await binary.run(["run", digest, "--live", "--approve", digest, "--no-input"])
    for (step, role, why) in [
      ("go", "responder", "is a gate"), ("guarded", "responder", "it takes duty-officer"),
      ("guarded", "duty-officer", "does not hold the role"),
    ] {
      let bypass = try await binary.run(["skip", step, "--reason", "in a hurry", "--role", role])
      #expect(bypass.status == 77 && bypass.errors.contains(why), "\(step) as \(role): \(bypass.errors)")
    }
    // Nor does taking the gate out of the file help afterwards.
    try steps.replacing("id: guarded", with: "id: other").write(
      toFile: playbook, atomically: true, encoding: .utf8)
    let gone = try await binary.run(["skip", "guarded", "--reason", "in a hurry"])
    #expect(gone.status == 65 && gone.errors.contains("changed since it was planned"), "\(gone.errors)")
    #expect(!(try await binary.run(["journal", "export"]).output.contains("step.skipped")))
  }

  @Test func `an incident whose plan was declined is planned anew by its own name`() async throws {
    let directory = try TemporaryDirectory()
    try """
    staunch: 1
    trackers: {desk: {kind: standard-webhooks, url: "http://127.0.0.1:9/hook", secret: "env:HOOK"}}
    routes: [{playbook: generic-secret, tracker: desk}]
    """.write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    let value = FakeSecrets.value("openai_api_key", "again")
    let report: JSONValue = [
      "schema": "staunch.findings/1",
      "findings": [
        [
          "kind": "openai_api_key", "value": .string(value), "repository": "acme/app", "path": "a.py",
          "line": 1,
        ]
      ],
    ]
    try report.canonicalText.write(
      toFile: directory.path("report.json"), atomically: true, encoding: .utf8)
    let binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
    let responded = try await binary.run(["respond", "report.json", "--no-input"])
    let said = responded.output + responded.errors
    let incident = try #require(said.firstMatch(of: /inc-[0-9a-z]+/).map { String($0.0) }, "\(said)")
    let first = try await Self.digest(of: ["plan", incident], binary)
    #expect(try await binary.run(["approve", first, "--decline", "not now"]).status == 0)
    let refused = try await binary.run(["run", first, "--live", "--approve", first, "--no-input"])
    #expect(refused.status != 0 && refused.errors.contains("staunch plan \(incident)"), "\(refused.errors)")
    let second = try await Self.digest(of: ["plan", incident], binary)
    #expect(second != first)

    let inputs = try await binary.run(["plan", incident, "--input", "a=b"])
    #expect(inputs.status == 64 && inputs.errors.contains("route"), "\(inputs.errors)")
    let unknown = try await binary.run(["plan", "inc-00000000"])
    #expect(unknown.status == 65 && unknown.errors.contains("staunch incidents"), "\(unknown.errors)")
    #expect(
      try await binary.run(["close", incident, "--reason", "tested", "--unproven", "--uncleaned"]).status == 0
    )
    let closed = try await binary.run(["plan", incident])
    #expect(closed.status == 77 && closed.errors.contains("is closed"), "\(closed.errors)")
  }

  private static func digest(of arguments: [String], _ binary: StaunchBinary) async throws -> String {
    let planned = try await binary.run(arguments + ["--json"])
    let plan = try #require(try? JSONValue(parsing: Array(planned.output.utf8)), "\(planned.errors)")
    return try #require(plan["digest"]?.string)
  }
}
