import Capabilities
import Secrets

/// `history.verify`: scans a fresh clone, made by git itself.
struct HistoryVerify: ReadAction {
  let signature = ActionSignature.historyVerify
  let targets: Targets
  let history: any HistoryRewriter

  func read(_ call: ActionCall) async throws(CapabilityError) -> ActionResult {
    let repository = try targets.repository(call.repository())
    let scan = try await history.verifyFreshClone(
      repository: repository.path, remote: call.optionalText("remote"),
      for: HistoryRemoval(secrets: try await call.secrets("secrets")), progress: call.progress)
    return ActionResult(scan)
  }
}
