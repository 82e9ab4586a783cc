import Capabilities
import Incidents
import Secrets

/// `history.verify`: scans a fresh clone of the remote, made by git itself. Only that shows what the forge holds. The clone's
/// other remotes are looked at, too: what they hold, or may hold, stands beside the answer.
struct HistoryVerify: ReadAction {
  let signature = ActionSignature.historyVerify
  let targets: Targets
  let history: any HistoryRewriter

  func read(_ call: ActionCall) async throws(CapabilityError) -> ActionResult {
    let repository = try targets.repository(call.repository())
    let remote = call.optionalText("remote") ?? repository.remote
    let scan = try await history.verifyFreshClone(
      repository: repository.path, remote: remote,
      for: HistoryRemoval(secrets: try await call.secrets("secrets")), progress: call.progress)
    var result = ActionResult(scan, of: try call.repository())
    result.outputs["remote"] = .optional(scan.remote)
    let again = remote.flatMap { remote in
      call.incident.map { HistoryElsewhere.again(repository: repository.path, remote: remote, incident: $0) }
    }
    result.outputs["elsewhere"] = .list(
      scan.elsewhere.compactMap { $0.line(repository: repository.path) }.map { .string($0) })
    result.outputs["again"] = .optional(scan.elsewhere.allSatisfy { $0.finding == nil } ? nil : again)
    if !scan.isClean { result.objection = objection(scan.places, repository, remote, call) }
    return result
  }

  /// The same clone would show the same again: what somebody pushed meanwhile is fetched, rewritten and pushed by another
  /// plan.
  private func objection(
    _ places: [HistoryPlace], _ repository: Targets.Repository, _ remote: String?, _ call: ActionCall
  ) -> CapabilityError {
    // A name that itself holds the value is not repeated.
    let refs = Set(places.filter { $0.place != "ref name" }.flatMap(\.refs)).sorted()
    let names = refs.prefix(3).joined(separator: ", ") + (refs.count > 3 ? " and \(refs.count - 3) more" : "")
    let what =
      "a fresh clone of \(remote ?? repository.path) holds it in \(Count.text(places.count, "place"))"
      + (refs.isEmpty ? "" : " (\(names))")
    guard let remote else { return CapabilityError(.conflict, signature.id, because: what) }
    let fetch = "git -C '\(repository.path)' fetch \(remote)"
    return CapabilityError(
      .conflict, signature.id, because: what,
      fix: "\(fetch), see what is new, then make a new plan: "
        + "staunch plan \(call.incident.map { "\($0)" } ?? "INCIDENT")",
      drift: "\(what); first: \(fetch)")
  }
}
