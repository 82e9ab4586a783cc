import Capabilities
import Secrets

/// `history.verify`: scans a fresh clone of the remote, made by git itself. Only that shows what the forge holds.
struct HistoryVerify: ReadAction {
  let signature = ActionSignature.historyVerify
  let targets: Targets
  let history: any HistoryRewriter

  func read(_ call: ActionCall) async throws(CapabilityError) -> ActionResult {
    let repository = try targets.repository(call.repository())
    let scan = try await history.verifyFreshClone(
      repository: repository.path, remote: call.optionalText("remote") ?? repository.remote,
      for: HistoryRemoval(secrets: try await call.secrets("secrets")), progress: call.progress)
    var result = ActionResult(scan, of: try call.repository())
    result.outputs["remote"] = .optional(scan.remote)
    return result
  }
}
