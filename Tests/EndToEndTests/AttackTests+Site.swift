import Foundation
import JSON
import TestSupport
import Testing

extension AttackTests {
  /// An installation whose one playbook restarts a program for an incident.
  struct Site {
    let directory: TemporaryDirectory
    let binary: StaunchBinary
    /// Looks like a word of some vocabulary: lower-case letters and digits.
    static let value = "hunter2" + "hunter2xx"
    var state: String { directory.path("state") }

    init(policy: String = "{}", more: String = "") throws {
      directory = try TemporaryDirectory()
      binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
      try FileManager.default.createDirectory(
        atPath: directory.path("playbooks"), withIntermediateDirectories: true)
      try """
      playbook: 1
      id: again
      title: Restart again
      deadline: 1h
      inputs: {incident: {type: incident}, leaked: {type: list<secret>}, consumers: {type: list<consumer>, default: []}}
      steps:
        - id: restart
          for_each: {in: "${{ inputs.consumers }}", as: c}
          uses: consumer.roll-out
          with: {consumer: "${{ c }}"}
          undo: {none: it runs}
      """.write(toFile: directory.path("playbooks/again.yaml"), atomically: true, encoding: .utf8)
      try configure("harmless", policy: policy, more: more)
    }

    func configure(_ program: String, policy: String = "{}", more: String = "") throws {
      try """
      staunch: 1
      consumers:
        web: {kind: command, restart: [/usr/bin/touch, "\(directory.path(program))"]}
      routes:
        - {playbook: again, consumers: [web]}
      policy: \(policy)
      \(more)
      """.write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
    }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: directory.path(name)) }

    struct Planned {
      let incident: String
      let plan: String
      let digest: String
    }

    func respond(_ value: String = Site.value, file: String = "a.py") async throws -> Planned {
      try """
      [{"RuleID": "generic-api-key", "Secret": "\(value)", "Match": "k = \(value)", "File": "\(file)", "StartLine": 3,
        "Commit": "0123456789012345678901234567890123456789", "Date": "2026-11-01T10:00:00Z"}]
      """.write(toFile: directory.path("r.json"), atomically: true, encoding: .utf8)
      let outcome = try await binary.run(["respond", "r.json", "--format", "gitleaks", "--json"])
      let document = try JSONDecoder().decode(JSONValue.self, from: Data(outcome.output.utf8))
      let incident = try #require(document["incidents"]?.array?.first, "\(outcome.errors)")
      #expect(incident["severity"] == "sev3")
      return Planned(
        incident: try #require(incident["id"]?.string), plan: try #require(incident["plan"]?["id"]?.string),
        digest: try #require(incident["plan"]?["digest"]?.string))
    }

    func run(_ planned: Planned) async throws -> StaunchBinary.Outcome {
      try await binary.run(["run", planned.plan, "--live", "--approve", planned.digest, "--no-input"])
    }

    /// What a taken-over endpoint does to the exchange file, in Python's sqlite3.
    func attackExchange(_ script: String) async throws {
      try await Program.run(
        [
          "python3", "-c", "import sqlite3, os, sys\npath = sys.argv[1]\n" + script,
          state + "/exchange/exchange.sqlite",
        ],
        in: directory.path)
    }
  }
}
