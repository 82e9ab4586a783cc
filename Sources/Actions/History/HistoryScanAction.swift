import Capabilities
import Secrets

/// `history.scan`
struct HistoryScanAction: ReadAction {
  let signature = ActionSignature.historyScan
  let targets: Targets
  let history: any HistoryRewriter

  func read(_ call: ActionCall) async throws(CapabilityError) -> ActionResult {
    let repository = try targets.repository(call.repository())
    let scan = try await history.scan(
      repository: repository.path, for: HistoryRemoval(secrets: try await call.secrets("secrets")),
      progress: call.progress)
    return ActionResult(scan)
  }
}

extension ActionResult {
  /// The counts of a scan and its answer. Places are not put out: paths may say more than a journal should keep.
  init(_ scan: HistoryScan) {
    self.init(
      outputs: [
        "places": .integer(scan.places.count), "objects": .integer(scan.objects),
        "commits": .integer(scan.commits),
      ], answer: scan.isClean ? "clean" : "found")
  }
}
