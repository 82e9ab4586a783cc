import Capabilities

/// `consumer.roll-out`
struct ConsumerRollOut: EffectAction {
  let signature = ActionSignature.consumerRollOut
  let targets: Targets

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    try await targets.consumer(call.consumer()).plan()
  }

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    try await targets.consumer(call.consumer()).rollOut(marker: call.marker, under: authority)
    return ActionResult()
  }

  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    .notDone(evidence: "a roll-out is safe to repeat")
  }
}
