import Foundation
import JSON
import TestSupport
import Testing

/// `next` printed commands that are refused, for ever: each one that is printed is followed here.
@Suite struct NextCommandTests {
  /// An installation whose one playbook restarts a program, and drafts a post-mortem at its end.
  private struct Site {
    let directory: TemporaryDirectory
    let binary: StaunchBinary

    init(gate: String = "") throws {
      directory = try TemporaryDirectory()
      binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
      try FileManager.default.createDirectory(
        atPath: directory.path("playbooks"), withIntermediateDirectories: true)
      try playbook(gate: gate)
      try configure(program: "one")
    }

    func playbook(title: String = "Restart", gate: String = "") throws {
      try """
      playbook: 1
      id: again
      title: \(title)
      deadline: 1h
      inputs: {incident: {type: incident}, leaked: {type: list<secret>}, consumers: {type: list<consumer>, default: []}}
      steps:
      \(gate)
        - id: restart
          for_each: {in: "${{ inputs.consumers }}", as: c}
          uses: consumer.roll-out
          with: {consumer: "${{ c }}"}
          undo: {none: it runs}
      finally:
        - {id: postmortem, uses: postmortem.draft, with: {incident: "${{ inputs.incident }}"}}
      """.write(toFile: directory.path("playbooks/again.yaml"), atomically: true, encoding: .utf8)
      try """
      playbook: 1
      id: alone
      title: Restart without an incident
      deadline: 1h
      inputs: {consumers: {type: list<consumer>}}
      steps:
        - id: restart
          for_each: {in: "${{ inputs.consumers }}", as: c}
          uses: consumer.roll-out
          with: {consumer: "${{ c }}"}
          undo: {none: it runs}
      """.write(toFile: directory.path("playbooks/alone.yaml"), atomically: true, encoding: .utf8)
    }

    func configure(program: String) throws {
      try """
      staunch: 1
      consumers:
        web: {kind: command, restart: [/usr/bin/touch, "\(directory.path(program))"]}
        api: {kind: command, restart: [/usr/bin/touch, "\(directory.path("api"))"]}
      routes:
        - {playbook: again, consumers: [web]}
      """.write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: directory.path(name)) }

    /// - Returns: the incident, its plan and the plan's digest.
    func respond() async throws -> (incident: String, plan: String, digest: String) {
      try """
      [{"RuleID": "generic-api-key", "Secret": "hunter2hunter2xx", "Match": "k = hunter2hunter2xx", "File": "a.py",
        "StartLine": 3, "Commit": "0123456789012345678901234567890123456789", "Date": "2026-11-01T10:00:00Z"}]
      """.write(toFile: directory.path("r.json"), atomically: true, encoding: .utf8)
      let outcome = try await binary.run(["respond", "r.json", "--format", "gitleaks", "--json"])
      let document = try JSONDecoder().decode(JSONValue.self, from: Data(outcome.output.utf8))
      let incident = try #require(document["incidents"]?.array?.first, "\(outcome.errors)")
      return (
        try #require(incident["id"]?.string), try #require(incident["plan"]?["id"]?.string),
        try #require(incident["plan"]?["digest"]?.string)
      )
    }

    func run(_ plan: String, _ digest: String) async throws -> StaunchBinary.Outcome {
      try await binary.run(["run", plan, "--live", "--approve", digest, "--no-input"])
    }

    /// The command that `staunch next` prints.
    func next() async throws -> String {
      let shown = try await binary.run(["status", "--json"])
      let document = try JSONDecoder().decode(JSONValue.self, from: Data(shown.output.utf8))
      return try #require(document["incidents"]?[0]?["next"]?["command"]?.string, "\(shown.output)")
    }

    /// Gives a printed command, with `more` behind it.
    func follow(_ command: String, _ more: [String] = []) async throws -> StaunchBinary.Outcome {
      #expect(!command.contains("'") && !command.contains("\""), "\(command)")
      return try await binary.run(command.split(separator: " ").dropFirst().map(String.init) + more)
    }

    /// Follows `next` from a plan to the end of its run.
    func followPlan() async throws {
      let command = try await next()
      #expect(command.hasPrefix("staunch plan inc-"), "\(command)")
      let planned = try await follow(command, ["--json"])
      #expect(planned.status == 0, "\(planned.errors)")
      let plan = try JSONDecoder().decode(JSONValue.self, from: Data(planned.output.utf8))
      let run = try await next()
      #expect(run == "staunch run \(plan["id"]?.string ?? "") --live")
      let done = try await follow(run, ["--approve", plan["digest"]?.string ?? "", "--no-input"])
      #expect(done.status == 0 || done.status == 11, "\(done.errors)")
      #expect(done.output.contains("DONE"), "\(done.output)")
    }
  }

  @Test func `after a drift next is a new plan, though the steps of finally ran behind it`() async throws {
    let site = try Site()
    let (_, plan, digest) = try await site.respond()
    try site.configure(program: "two")
    let stopped = try await site.run(plan, digest)
    #expect(stopped.status == 1 && stopped.output.contains("postmortem: done"), "\(stopped.output)")
    #expect(!stopped.output.contains("staunch resume"), "\(stopped.output)")
    try await site.followPlan()
    #expect(site.exists("two") && !site.exists("one"))
  }

  @Test func `after a drift without an incident next is the same plan, inputs and all`() async throws {
    let site = try Site()
    let planned = try await site.binary.run(["plan", "alone", "--input", "consumers=web", "--json"])
    let plan = try JSONDecoder().decode(JSONValue.self, from: Data(planned.output.utf8))
    try site.configure(program: "two")
    let stopped = try await site.run(plan["id"]?.string ?? "", plan["digest"]?.string ?? "")
    let next = try #require(stopped.output.split(separator: "\n").first { $0.contains("next: ") })
    let command = try #require(next.split(separator: "next: ").last)
    #expect(command == "staunch plan alone --input consumers=web")
    let again = try await site.follow(String(command), ["--json"])
    #expect(again.status == 0, "\(again.errors)")
    let anew = try JSONDecoder().decode(JSONValue.self, from: Data(again.output.utf8))
    let done = try await site.run(anew["id"]?.string ?? "", anew["digest"]?.string ?? "")
    #expect(done.status == 0 && site.exists("two"), "\(done.output)")
  }

  @Test func `a plan that was declined is planned again`() async throws {
    let site = try Site()
    let (_, plan, digest) = try await site.respond()
    #expect(try await site.next() == "staunch run \(plan) --live")
    #expect(try await site.binary.run(["approve", digest, "--decline", "not tonight"]).status == 0)
    let refused = try await site.run(plan, digest)
    #expect(refused.status != 0 && refused.errors.contains("declined"), "\(refused.errors)")
    try await site.followPlan()
    #expect(site.exists("one"))
  }

  @Test func `a plan whose playbook is another one now is planned again`() async throws {
    let site = try Site()
    let (incident, plan, digest) = try await site.respond()
    try site.playbook(title: "Restart it")
    let refused = try await site.run(plan, digest)
    #expect(refused.status == 65 && refused.errors.contains("staunch plan \(incident)"), "\(refused.errors)")
    try await site.followPlan()
    #expect(site.exists("one"))
  }

  @Test func `a gate that was declined is approved after all, in the role that it asks for`() async throws {
    let gate = "  - {id: go, approve: {by: [duty-officer]}}"
    let site = try Site(gate: gate)
    let (_, plan, digest) = try await site.respond()
    let waiting = try await site.binary.run(["run", plan, "--live", "--confirm", plan, "--no-input"])
    let asked = try await site.next()
    guard waiting.status == 75 else {
      Issue.record("it does not wait: \(waiting.status) \(waiting.output)\(waiting.errors)")
      return
    }
    #expect(asked == "staunch approve \(digest) --step go --role duty-officer")
    let no = try await site.binary.run([
      "approve", digest, "--step", "go", "--role", "duty-officer", "--decline", "not yet",
    ])
    #expect(no.status == 0, "\(no.errors)")
    _ = try await site.follow("staunch resume \(plan)", ["--no-input"])
    let command = try await site.next()
    #expect(command == "staunch approve \(digest) --step go --role duty-officer", "\(command)")
  }
}
