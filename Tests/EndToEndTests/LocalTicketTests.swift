import Foundation
import TestSupport
import Testing

/// A `tracker` is not demanded: the ticket is a Markdown file beside the incident. The real binary.
@Suite struct LocalTicketTests {
  private static func site() async throws -> PlannedIncident {
    try await PlannedIncident(
      in: TemporaryDirectory(), value: "made-up-" + "value-14142135",
      configuration: "staunch: 1\nroutes:\n  - {when: {kind: generic_password}, playbook: tell}\n",
      steps: [
        "{id: ticket, uses: ticket.open, with: {tracker: \"${{ inputs.tracker }}\", title: A leak}}",
        "{id: told, uses: ticket.update, with: {tracker: \"${{ inputs.tracker }}\"}}",
        "{id: close, uses: ticket.close, with: {tracker: \"${{ inputs.tracker }}\"}}",
      ])
  }

  private static func ticket(of site: PlannedIncident) -> String {
    "\(site.state)/tickets/\(site.plan.incident).md"
  }

  @Test func `A configuration without trackers runs to its end, and the ticket lies in the state directory`()
    async throws
  {
    let site = try await Self.site()
    let ticket = Self.ticket(of: site)
    #expect(!FileManager.default.fileExists(atPath: ticket), "a plan writes none")
    let outcome = try await site.run()
    #expect(outcome.status == 0, "\(outcome.errors) \(outcome.output)")
    let text = try String(contentsOfFile: ticket, encoding: .utf8)
    #expect(text.contains("# A leak\n"))
    #expect(text.contains("State: closed"))
    #expect(text.components(separatedBy: "<!-- staunch message ").count == 4, "\(text)")
    #expect(!text.contains("value-14142135"))
    let mode = try FileManager.default.attributesOfItem(atPath: ticket)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    let list = try await site.binary.run(["ticket", "list", "--all"])
    #expect(list.status == 0)
    #expect(list.output.contains("file://\(ticket)"), "\(list.output)")
    let doctor = try await site.binary.run(["doctor"])
    #expect(
      doctor.output.contains("tracker local: \(site.state)/tickets"), "\(doctor.output)")
  }

  @Test(arguments: [4, 5, 6, 7, 11, 12])
  func `A run that is killed and resumed writes each message once`(moment: Int) async throws {
    let site = try await Self.site()
    let killed = try await site.run(environment: ["STAUNCH_CRASH_AT": "\(moment)"])
    #expect(killed.status == -9, "\(killed.errors) \(killed.output)")
    let resumed = try await site.run()
    #expect(resumed.status == 0, "\(resumed.errors) \(resumed.output)")
    let text = try String(contentsOfFile: Self.ticket(of: site), encoding: .utf8)
    #expect(text.components(separatedBy: "<!-- staunch message ").count == 4, "\(text)")
    #expect(text.contains("State: closed"))
  }
}
