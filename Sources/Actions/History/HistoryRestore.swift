import Incidents
import Capabilities
import JSON
import Secrets

/// `history.restore`
struct HistoryRestore: EffectAction {
  let signature = ActionSignature.historyRestore
  let targets: Targets
  let history: any HistoryRewriter

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    let name = try call.repository()
    return PlannedEffect(
      will: "bring \(name) back to what it was before the rewrite", target: name.rawValue, reversible: true,
      affected: ["every ref of \(name); the secret is in its history again"],
      cannotPredict: call.optionalText("backup") == nil ? ["which backup: the rewrite names it"] : [])
  }

  /// Whether there was something to take back before the call: a restore uses it up.
  func prepare(_ call: ActionCall, phase: String) async throws(CapabilityError) -> Preparation {
    Preparation(snapshot: ["backup": .boolean(try await holdsBackup(call))])
  }

  private func holdsBackup(_ call: ActionCall) async throws(CapabilityError) -> Bool {
    try await history.holds(
      backup: try call.text("backup"), repository: try targets.repository(call.repository()).path)
  }

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    try await history.restore(
      repository: try targets.repository(call.repository()).path, backup: try call.text("backup"),
      under: authority)
    return ActionResult(outputs: ["repository": .repository(try call.repository())])
  }

  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    if prepared.snapshot["backup"]?.boolean == true, try await !holdsBackup(call) {
      return .done(ActionResult(), evidence: "the backup was used up: everything is back")
    }
    return .notDone(evidence: "the backup is still there; an interrupted restore goes on")
  }
}
