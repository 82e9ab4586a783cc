import Capabilities
import Chronicle
import Foundation
import Incidents
import JSON
import TestSupport
import Testing

@testable import Execution
@testable import Response

/// What the end of a run means: the worst that is true comes first.
@Suite struct RunOutcomeTests {
  private static let incident: IncidentID = "inc-7f3a91c2"
  private static let value = SecretRef.leaked(of: incident)

  /// An incident whose leaked value was last seen in this state; proven where a playbook's proof covers it.
  private static func standing(_ state: CredentialState, isProven: Bool = false) throws -> IncidentStatus {
    var story = JournalStory()
    story.about(incident)
    story.at(0, .secretSealed, ["key": .string(value.rawValue), "purpose": "leaked"])
    story.at(
      0, .incidentOpened,
      [
        "kind": "postgres_uri", "severity": "sev1",
        "values": [["ref": .string(value.rawValue), "fingerprint": "s1:00:1111"]],
      ])
    story.about(incident, run: "run-1")
    story.at(1, .runStarted, ["mode": "live", "plan": "plan-1"])
    story.at(
      2, .credentialProbed,
      [
        "credential": "db", "ref": .string(value.rawValue), "subject": "leaked",
        "state": .string(state.rawValue), "code": "28P01",
      ])
    if isProven {
      story.at(
        3, .stepVerified,
        [
          "step": "prove_dead", "action": "credential.verify", "expect": "dead", "result": "held",
          "proof": ["credential": "db", "values": [.string(value.rawValue)], "refusals": 3],
        ])
    }
    return try #require(
      IncidentStatus.derive(events: story.events, now: JournalStory.minute(60)).first)
  }

  private static func verdict(
    _ end: RunEnd, _ standing: IncidentStatus? = nil, actsOn secrets: [SecretRef] = [RunOutcomeTests.value],
    wasInterrupted: Bool = false
  ) -> RunOutcome.Verdict {
    let plan = Plan(
      id: "plan-1", run: "run-1", incident: incident, created: JournalStory.start, playbook: "p", pins: [:],
      inputs: ["secrets": .list(secrets.map { .secret($0) })], locks: [], steps: [])
    return RunOutcome(
      plan: plan, end: end, standing: standing, undelivered: [], wasInterrupted: wasInterrupted
    ).verdict
  }

  @Test func `a run that is done while the provider still accepts the value is not done`() throws {
    #expect(Self.verdict(RunEnd(.done), try Self.standing(.alive)) == .stillAlive)
    #expect(Self.verdict(RunEnd(.failed), try Self.standing(.alive)) == .stillAlive)
    #expect(Self.verdict(RunEnd(.failed), try Self.standing(.dead)) == .failed)
  }

  @Test func `a refusal that no playbook has proven is not dead, where the plan acts on the value`() throws {
    #expect(Self.verdict(RunEnd(.done), try Self.standing(.dead)) == .stillAlive)
    #expect(Self.verdict(RunEnd(.done), try Self.standing(.dead, isProven: true)) == .done)
    #expect(Self.verdict(RunEnd(.done), try Self.standing(.dead), actsOn: []) == .done)
  }

  @Test func `what comes last and failed is not done, and messages that nobody got are said`() {
    #expect(Self.verdict(RunEnd(.done, unfinished: ["tell: no route"])) == .failed)
    #expect(Self.verdict(RunEnd(.done, undelivered: ["tell"])) == .undelivered)
    #expect(Self.verdict(RunEnd(.done)) == .done)
  }

  @Test func `a run that waits was interrupted only where somebody did that`() {
    #expect(Self.verdict(RunEnd(.waiting)) == .waiting)
    #expect(Self.verdict(RunEnd(.waiting), wasInterrupted: true) == .interrupted)
    #expect(Self.verdict(RunEnd(.aborted), wasInterrupted: true) == .done)
  }
}
