import Capabilities

/// `consumer.health`
struct ConsumerHealthCheck: ReadAction {
  let signature = ActionSignature.consumerHealth
  let targets: Targets

  func read(_ call: ActionCall) async throws(CapabilityError) -> ActionResult {
    let health = try await targets.consumer(call.consumer()).health()
    return ActionResult(
      outputs: ["state": .string(health.state.rawValue), "evidence": .string(health.evidence)],
      answer: health.state.rawValue)
  }
}
