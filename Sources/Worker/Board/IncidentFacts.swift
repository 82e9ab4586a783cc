import Capabilities
import Chronicle
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import Response

/// What the console shows of an incident beside its status: what leaked and how far it got, whose it is, who has approved, why its
/// run failed, why its plan can never run, and what a manual step asks for.
struct IncidentFacts {
  let installation: Installation

  /// Adds them to the members of an incident's document.
  func add(to members: inout [String: JSONValue], _ status: IncidentStatus, _ record: IncidentRecord) {
    let reports = record.reports.map(\.report)
    members["handle"] = reports.compactMap(\.handle).first.map { .string($0) } ?? .null
    let isPublic = reports.contains { $0.isPubliclyLeaked == true }
    members["exposure"] = isPublic ? "in public" : .null
    members["assigned"] = .string(
      record.events(.decision).compactMap { Assignment.name(DecisionMade($0.body).what) }.last ?? "")
    members["approvals"] = .array(approvals(record))
    members["failed"] = failure(status)
    if let obstacle = status.plan?.obstacle, var plan = members["plan"]?.object {
      plan["obstacle"] = .string(obstacle)
      members["plan"] = .object(plan)
    }
    members["waiting"] = .array((members["waiting"]?.array ?? []).map { asked($0, record) })
  }

  /// Who said yes to what: identities are fingerprints, which the endpoint knows by name.
  private func approvals(_ record: IncidentRecord) -> [JSONValue] {
    record.events(.planApproved).suffix(20).map { event in
      let word = Approval(json: event.body)
      let approved = PlanApproved(event.body)
      return [
        "at": .string(Timestamp.text(event.at)), "plan": approved.plan.map { .string($0.rawValue) } ?? .null,
        "step": approved.step.map { .string($0.rawValue) } ?? .null,
        "role": word.map { .string($0.role.rawValue) } ?? .null,
        "identity": word.map { .string($0.identity) } ?? .null,
        "by_policy": .boolean(approved.actions != nil),
      ]
    }
  }

  /// Where the run stopped, and why; null while it has not failed.
  private func failure(_ status: IncidentStatus) -> JSONValue {
    guard status.run?.state == .failed else { return .null }
    let step = status.steps.last { $0.state == .failed || $0.state == .unknown }
    return [
      "step": step.map { .string($0.label) } ?? .null,
      "reason": step?.reason.map { .string($0) } ?? .null,
    ]
  }

  /// A manual step with the names and types of what it asks for.
  private func asked(_ waiting: JSONValue, _ record: IncidentRecord) -> JSONValue {
    guard waiting["for"]?.string == "manual", var members = waiting.object,
      let label = members["step"]?.string,
      let id = record.events(.planSaved).last.flatMap({ PlanSaved($0.body).playbook })
    else { return waiting }
    let step = StepID(String(label.prefix { $0 != "[" }))
    let playbook: Playbook
    do {
      playbook = try installation.library.load(id, catalogue: ActionSignature.builtin)
    } catch {
      // The file is gone or another one: the step is answered at the machine, which says so.
      return waiting
    }
    guard let found = playbook.allSteps.first(where: { $0.id == step }), case .manual(let manual) = found.kind
    else { return waiting }
    members["title"] = .string(found.title)
    members["fields"] = .array(
      manual.collect.sorted { $0.key < $1.key }.map { name, type in
        [
          "name": .string(name), "type": .string("\(type)"),
          "example": ManualAnswer.example(of: type).map { .string($0) } ?? .null,
        ]
      })
    return .object(members)
  }
}
