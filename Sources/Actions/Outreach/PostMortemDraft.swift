import Capabilities
import Incidents

/// `postmortem.draft`
struct PostMortemDraft: EffectAction {
  let signature = ActionSignature.postmortemDraft
  let writer: any PostMortemWriter

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    let incident = try self.incident(call)
    return PlannedEffect(
      will: "write the draft of the post-mortem of \(incident)", target: incident.rawValue, reversible: true)
  }

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    let path = try await writer.draft(try incident(call), run: call.run, under: authority)
    return ActionResult(outputs: ["path": .string(path)])
  }

  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    .notDone(evidence: "the draft is derived from the journal: writing it again is harmless")
  }

  private func incident(_ call: ActionCall) throws(CapabilityError) -> IncidentID {
    guard case .incident(let id)? = call.known("incident") else { throw call.missing("incident", .incident) }
    return id
  }
}
