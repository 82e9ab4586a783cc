import Foundation
import JSON
import TestSupport
import Testing

/// A `tracker` is not demanded: the ticket is a Markdown file beside the incident. The real binary.
@Suite struct LocalTicketTests {
  private struct Site {
    let directory: TemporaryDirectory
    let binary: StaunchBinary
    let plan: (id: String, digest: String, incident: String)

    init() async throws {
      directory = try TemporaryDirectory()
      binary = StaunchBinary(home: directory.path, workingDirectory: directory.path)
      try "staunch: 1\nroutes:\n  - {when: {kind: generic_password}, playbook: tell}\n"
        .write(toFile: directory.path("staunch.yaml"), atomically: true, encoding: .utf8)
      try FileManager.default.createDirectory(
        atPath: directory.path("playbooks"), withIntermediateDirectories: true)
      try """
      playbook: 1
      id: tell
      title: Tell
      deadline: 1h
      inputs:
        incident: {type: incident}
        tracker: {type: tracker}
      locks: [shop]
      steps:
        - {id: ticket, uses: ticket.open, with: {tracker: "${{ inputs.tracker }}", title: A leak}}
        - {id: told, uses: ticket.update, with: {tracker: "${{ inputs.tracker }}"}}
        - {id: close, uses: ticket.close, with: {tracker: "${{ inputs.tracker }}"}}
      """.write(toFile: directory.path("playbooks/tell.yaml"), atomically: true, encoding: .utf8)
      let report: JSONValue = [
        "schema": "staunch.findings/1",
        "findings": [
          [
            "kind": "generic_password", "value": .string("made-up-" + "value-14142135"), "repository": "shop",
            "path": "a.py", "line": 1,
          ]
        ],
      ]
      try report.canonicalText.write(
        toFile: directory.path("report.json"), atomically: true, encoding: .utf8)
      let responded = try await binary.run(["respond", "report.json", "--json"])
      let incident = try JSONDecoder().decode(JSONValue.self, from: Data(responded.output.utf8))["incidents"]?
        .array?.first
      plan = (
        try #require(incident?["plan"]?["id"]?.string, "\(responded.output) \(responded.errors)"),
        try #require(incident?["plan"]?["digest"]?.string), try #require(incident?["id"]?.string)
      )
    }

    var ticket: String { directory.path("state/tickets/\(plan.incident).md") }

    func run(_ environment: [String: String] = [:]) async throws -> StaunchBinary.Outcome {
      try await binary.run(
        ["run", plan.id, "--live", "--approve", plan.digest, "--no-input"], environment: environment)
    }
  }

  @Test func `A configuration without trackers runs to its end, and the ticket lies in the state directory`()
    async throws
  {
    let site = try await Site()
    #expect(!FileManager.default.fileExists(atPath: site.ticket), "a plan writes none")
    let outcome = try await site.run()
    #expect(outcome.status == 0, "\(outcome.errors) \(outcome.output)")
    let text = try String(contentsOfFile: site.ticket, encoding: .utf8)
    #expect(text.contains("# A leak\n"))
    #expect(text.contains("State: closed"))
    #expect(text.components(separatedBy: "<!-- staunch message ").count == 4, "\(text)")
    #expect(!text.contains("value-14142135"))
    let mode = try FileManager.default.attributesOfItem(atPath: site.ticket)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    let list = try await site.binary.run(["ticket", "list", "--all"])
    #expect(list.status == 0)
    #expect(list.output.contains("file://\(site.ticket)"), "\(list.output)")
    let doctor = try await site.binary.run(["doctor"])
    #expect(
      doctor.output.contains("tracker local: \(site.directory.path("state/tickets"))"), "\(doctor.output)")
  }

  @Test(arguments: [4, 5, 6, 7, 11, 12])
  func `A run that is killed and resumed writes each message once`(moment: Int) async throws {
    let site = try await Site()
    let killed = try await site.run(["STAUNCH_CRASH_AT": "\(moment)"])
    #expect(killed.status == -9, "\(killed.errors) \(killed.output)")
    let resumed = try await site.run()
    #expect(resumed.status == 0, "\(resumed.errors) \(resumed.output)")
    let text = try String(contentsOfFile: site.ticket, encoding: .utf8)
    #expect(text.components(separatedBy: "<!-- staunch message ").count == 4, "\(text)")
    #expect(text.contains("State: closed"))
  }
}
