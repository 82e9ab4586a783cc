import Chronicle
import Foundation
import Incidents
import JSON
import Testing

/// Bodies under their types, of this version and of earlier ones.
@Suite struct TypedEventTests {
  private func event(_ kind: EventKind, _ body: JSONValue) -> JournalEvent {
    JournalEvent(
      sequence: 1, at: Date(timeIntervalSince1970: 1_795_489_200), run: nil, incident: "inc-1", kind: kind,
      body: body, hash: "")
  }

  @Test func `a report is read with its places, its values and what brought it`() throws {
    let opened = event(
      .incidentOpened,
      [
        "key": "s:1", "aliases": ["l:a:b:1:x"], "kind": "openai_api_key", "severity": "sev2",
        "validity": "active", "detected": "2026-11-24T03:00:00.000Z",
        "locations": [["key": "p1", "repository": ["name": "acme/app", "id": "7"]]],
        "values": [["ref": "inc-1/leaked", "fingerprint": "s1:a:b"]], "delivery": ["id": "d1"],
      ])
    guard case .incidentOpened(let report) = opened.typed else { Issue.record("\(opened.typed)"); return }
    #expect(report.key == IncidentKey(rawValue: "s:1"))
    #expect(report.aliases.map(\.rawValue) == ["l:a:b:1:x"])
    #expect(report.kind == "openai_api_key")
    #expect(report.severity == .sev2)
    #expect(report.validity == .active)
    #expect(report.detected == Date(timeIntervalSince1970: 1_795_489_200))
    #expect(report.places.map(\.key) == ["p1"])
    #expect(report.places.first?.repositoryWords == ["acme/app", "7"])
    #expect(report.values.map(\.ref) == ["inc-1/leaked"])
    #expect(report.delivery == ["id": "d1"])
    #expect(report.merged.isEmpty)
  }

  /// Version 1 wrote neither secrets nor repositories into `plan.saved`: nobody may take that for "none".
  @Test func `what an earlier version did not write is nil and not empty`() {
    let old = PlanSaved(["plan": "plan-1"])
    #expect(old.plan == "plan-1")
    #expect(old.secrets == nil && old.repositories == nil && old.run == nil)
    let new = PlanSaved(["plan": "plan-1", "secrets": [], "repositories": ["models"]])
    #expect(new.secrets == [])
    #expect(new.repositories == ["models"])
    #expect(StepFailed(["step": "one"]).isFinal == nil)
  }

  @Test func `a word that this version does not know is no state`() {
    #expect(CredentialProbed(["state": "moribund"]).state == nil)
    #expect(IncidentStateChange(["state": "archived"]).state == nil)
    #expect(!RunEnded(["state": "vanished"]).isOver)
  }

  @Test func `a name is read with and without its tag`() {
    #expect(CredentialProbed(["credential": ["$credential": "pg"]]).credential == "pg")
    #expect(CredentialProbed(["credential": "pg"]).credential == "pg")
  }

  @Test func `a policy's bounded word covers no plan`() {
    #expect(PlanApproved(["digest": "d"]).coversPlan)
    #expect(!PlanApproved(["digest": "d", "actions": ["credential.disable"]]).coversPlan)
    #expect(!PlanApproved(["digest": "d", "step": "gate"]).coversPlan)
  }

  @Test func `what is written in types is read as the same`() {
    let until = Date(timeIntervalSince1970: 1_795_489_200)
    let closed = IncidentStateChange(.closed, because: "done", valuesUntil: until)
    #expect(IncidentStateChange(closed.body).state == .closed)
    #expect(IncidentStateChange(closed.body).valuesUntil == until)
    #expect(closed.body == ["state": "closed", "reason": "done", "values_until": "2026-11-24T03:00:00.000Z"])
    let decided = DecisionMade(DecisionMade.storm, because: "51 at once", role: "policy")
    #expect(decided.body == ["what": "storm", "reason": "51 at once", "role": "policy"])
    #expect(DecisionMade(decided.body).role == "policy")
  }

  @Test(arguments: EventKind.allCases) func `every kind of event keeps its body whole`(_ kind: EventKind) {
    let body: JSONValue = ["step": "one", "of_a_later_version": 7]
    #expect(event(kind, body).typed.body == body)
  }
}
