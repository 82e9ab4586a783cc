import Capabilities
import Chronicle
import Incidents
import JSON
import Journal
import Playbooks

// The proof of death: what alone contains an incident.
extension Engine {
  /// What a step's own question proves dead: the leaked values that it asked about, each refused so often in a row as the
  /// playbook wants, and more than once. Nil for every other question.
  func deaths(_ action: ActionStep, _ call: ActionCall) -> [SecretRef]? {
    guard action.expectsDeath, (action.expectation?.poll?.consecutive ?? 1) > 1 else { return nil }
    let leaked = plan.inputs.values.flatMap(\.secrets)
    // The values that were tried: a control is a secret, too.
    let values = (call.inputs["secret"]?.secrets ?? []).filter(leaked.contains)
    return values.isEmpty ? nil : values
  }

  /// Writes, in one commit, the proof that `values` are dead, and that the incident is contained when no other value is
  /// left. Nothing else writes that.
  func proven(
    _ values: [SecretRef], by action: ActionStep, _ call: ActionCall, _ key: StepKey, outcome: JSONValue,
    _ watch: DeathWatch?
  ) throws {
    // The probes first: what is contained is read from the journal.
    try recorder.flush()
    var proof = watch?.facts ?? ["refusals": .integer(action.expectation?.poll?.consecutive ?? 1)]
    proof["values"] = .array(values.map { .string($0.rawValue) })
    if case .credential(let name)? = call.inputs["credential"] {
      proof["credential"] = .string(name.rawValue)
    }
    let verified = key.body([
      "action": .string(action.call.action.id), "expect": "dead", "result": "held", "proof": .object(proof),
    ])
    var events = [recorder.event(.stepOutcome, outcome), recorder.event(.stepVerified, verified)]
    if let contained = try contained(by: values, key) { events.append(contained) }
    try recorder.commit(events)
  }

  /// The event that says so; nil while another value of the incident is not proven dead, or it was said already.
  private func contained(by values: [SecretRef], _ key: StepKey) throws -> NewEvent? {
    guard let incident = plan.incident else { return nil }
    let record = try environment.journal.record(of: incident)
    guard record.containment.unproven.allSatisfy(values.contains) else { return nil }
    let last = record.events(.incidentState).last.flatMap { IncidentStateChange($0.body).state }
    guard last != .contained, last != .closed else { return nil }
    return recorder.event(
      .incidentState,
      IncidentStateChange(.contained, because: "the proof of the step \(key) held for every leaked value")
        .body)
  }

  /// Holds a step back whose action this session does not begin; nil: it may begin. Asked before its gate: nobody is bothered
  /// with a yes that would not be used.
  func holding(_ step: Step, _ key: StepKey) throws -> Flow? {
    guard let action = step.action, environment.held.contains(action.call.action.id) else { return nil }
    try wait(
      key, .containment,
      prompt: "the other incidents of its report to be contained: history comes after them",
      until: nil)
    return .waits
  }
}
