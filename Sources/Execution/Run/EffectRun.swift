import Capabilities
import Incidents
import Playbooks

/// One effect of a step (or of its compensation) with everything the protocol needs.
struct EffectRun: Sendable {
  let key: StepKey
  let action: any EffectAction
  let inputs: [String: Value]
  let retry: RetryPolicy
  let timeout: Duration
  let compensation: Compensation?
  /// False for notifications: they are tried once and then later, when nothing urgent is left.
  let isUrgent: Bool
  var isUndo = false

  /// Targets of staunch.yaml among the inputs.
  var touches: [String] { inputs.values.flatMap(\.targetNames) }
}

extension Value {
  var targetNames: [String] {
    if case .list(let elements) = self { return elements.flatMap(\.targetNames) }
    return targetName.map { [$0] } ?? []
  }
}

extension CapabilityError {
  /// A read before the INTENT that timed out: nothing was done.
  var asReadFailure: CapabilityError {
    CapabilityError(
      .network, operation, because: because, fix: fix, requestID: requestID, retryAfter: retryAfter)
  }
}
