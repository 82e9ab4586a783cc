import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import Secrets
import Testing

/// A leaked value may be an ordinary word: it must not be cut out of what programs read again.
@Suite struct WordSecretTests {
  @Test(arguments: ["steps", "sev3", "postgres", "kind"])
  func `a leaked word leaves plans, events and messages readable`(word: String) throws {
    let rig = try JournalRig()
    let settings = JournalSettings()
    settings.redactor.register(Secret(word))
    let journal = try rig.open(settings)
    let document: JSONValue = ["kind": "postgres_uri", "steps": [["id": "steps", "severity": "sev3"]]]
    try journal.save(
      SavedPlan(
        id: "plan-1", digest: PlanDigest("d1"), incident: "inc-1", created: Date(timeIntervalSince1970: 0),
        document: document),
      with: [])
    #expect(try journal.plan("plan-1").document == document)
    let event = try journal.append(
      .incidentOpened, incident: "inc-1",
      ["kind": "postgres_uri", "severity": "sev3", "steps": 1, "text": .string("it was \(word)")])
    #expect(
      event.body["kind"] == "postgres_uri" && event.body["severity"] == "sev3" && event.body["steps"] == 1)
    #expect(event.body["text"] == "it was [REDACTED]")
    _ = try journal.enqueue(
      TicketMessage(
        id: "m-\(word)", incident: "inc-1", event: .opened, sequence: 0, title: "a \(word)", body: word,
        severity: .sev3, isDrill: false, at: Date(timeIntervalSince1970: 0)), to: "security")
    let message = try #require(try journal.outbox().first?.message)
    #expect(message.id == "m-\(word)" && message.severity == .sev3 && message.body == "[REDACTED]")
  }

  @Test func `a plan that would hold a leaked value is refused, not changed under its digest`() throws {
    let settings = JournalSettings()
    settings.redactor.register(Secret("Xk7-" + "Qm2_vB9tL0"))
    let journal = try JournalRig().open(settings)
    let plan = SavedPlan(
      id: "plan-1", digest: PlanDigest("d1"), incident: nil, created: Date(timeIntervalSince1970: 0),
      document: ["command": .string("echo Xk7-" + "Qm2_vB9tL0")])
    let error = #expect(throws: JournalError.self) { try journal.save(plan, with: []) }
    #expect(error?.code == .invalid)
    #expect(try journal.plans().isEmpty)
  }
}
