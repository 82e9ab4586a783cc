import Capabilities

/// `consumer.health`
struct ConsumerHealthCheck: ReadAction {
  let signature = ActionSignature.consumerHealth
  let targets: Targets

  func read(_ call: ActionCall) async throws(CapabilityError) -> ActionResult {
    let consumer = try targets.consumer(call.consumer())
    let health = try await consumer.health()
    let replaced = call.known("replaced") == nil ? [] : try await call.secrets("replaced")
    let holdings = replaced.isEmpty ? ConsumerHoldings() : try await consumer.holdings(of: replaced)
    // A program that works with the old value has not moved: it fails when that is dead.
    let state = holdings.holding.isEmpty ? health.state : .unhealthy
    let evidence =
      [health.evidence] + holdings.holding.map { "\($0) still holds the old value" }
      + holdings.unread.map { "unknown: \($0)" }
    return ActionResult(
      outputs: [
        "state": .string(state.rawValue), "evidence": .string(evidence.joined(separator: "; ")),
        "stale": .list(holdings.holding.map { .string($0) }),
        "unread": .list(holdings.unread.map { .string($0) }),
      ], answer: state.rawValue)
  }
}
