import Capabilities
import Incidents
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
    return ActionResult(scan, of: try call.repository())
  }
}

extension ActionResult {
  /// The counts of a scan and its answer. Places are not put out: paths may say more than a journal should keep.
  init(_ scan: HistoryScan, of repository: RepositoryName) {
    self.init(
      outputs: [
        "repository": .repository(repository), "places": .integer(scan.places.count),
        "objects": .integer(scan.objects), "commits": .integer(scan.commits),
        "not_searched": .list(scan.notSearched.map { .string("\($0.place): \($0.why)") }),
      ], answer: scan.isClean ? "clean" : "found")
  }
}
