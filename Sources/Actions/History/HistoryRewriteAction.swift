import Incidents
import Capabilities
import JSON
import Secrets

/// `history.rewrite`
struct HistoryRewriteAction: EffectAction {
  let signature = ActionSignature.historyRewrite
  let targets: Targets
  let history: any HistoryRewriter

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    let name = try call.repository()
    let repository = try targets.repository(name)
    let rewrite = try await history.plan(
      repository: repository.path, removing: try await removal(call), progress: call.progress)
    let unfetched = await unfetched(repository)
    guard !rewrite.refs.isEmpty || rewrite.blobs > 0 || rewrite.tags > 0 else {
      return PlannedEffect(
        will: "nothing: the history of \(name) holds none of the secrets", target: name.rawValue,
        preconditions: unfetched.merging(["refs": []]) { own, _ in own }, reversible: true,
        cannotPredict: rewrite.residual.map(Self.line))
    }
    var unsure = rewrite.residual.map(Self.line)
    if let matches = rewrite.matches {
      // Whoever approves this must see that it is no rare value: it is replaced in the middle of other words, too.
      unsure.insert("\(matches.text): every one of them is replaced", at: 0)
    }
    // The names of the refs, not their ids: another incident's rewrite of the same repository moves them too and is
    // no reason to stop. A ref that newly holds the secret is.
    let refs = rewrite.refs.map(\.ref).sorted()
    return PlannedEffect(
      will: "rewrite \(rewrite.commits) commits, \(rewrite.blobs) files and \(rewrite.tags) tags of \(name)",
      target: name.rawValue,
      preconditions: unfetched.merging(["refs": .array(refs.map { .string($0) })]) { own, _ in own },
      reversible: true,
      affected: refs
        + (rewrite.signaturesDropped > 0 ? ["\(rewrite.signaturesDropped) signatures drop"] : []),
      cannotPredict: unsure)
  }

  func glance(_ call: ActionCall) async throws(CapabilityError) -> JSONValue? {
    try await history.tips(repository: try targets.repository(call.repository()).path).map { .string($0) }
  }

  var foreseen: Set<String> { [Self.foreseenName] }

  func outlook(_ call: ActionCall) async throws(CapabilityError) -> [String: JSONValue] {
    await unfetched(try targets.repository(call.repository()))
  }

  /// What the remote advertises and nobody has fetched: a rewrite here does not clean it, so a branch that appears after the
  /// plan stops the rewrite and not only the push.
  private func unfetched(_ repository: Targets.Repository) async -> [String: JSONValue] {
    guard let remote = repository.remote else { return [:] }
    let name = Self.foreseenName
    do throws(CapabilityError) {
      let there = try await history.published(
        repository: repository.path, remote: remote, within: Self.patience)
      if there.refs == nil {
        return [name: PlannedEffect.unknown(because: there.silence ?? "\(there.address) does not answer")]
      }
      return [name: .array(there.unfetched.map { .string($0) })]
    } catch { return [name: PlannedEffect.unknown(because: error.because)] }
  }

  private static let foreseenName = "remote refs never fetched"
  /// Containment waits for this look.
  private static let patience = Duration.milliseconds(1500)

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    if let kind = call.optionalText("backup"), kind != "bundle" {
      throw CapabilityError(
        .invalid, "step \(call.step)", because: "there is no kind of backup \"\(kind)\"",
        fix: "write backup: bundle")
    }
    let repository = try targets.repository(call.repository())
    return result(
      try await history.rewrite(
        repository: repository.path, removing: try await removal(call), marker: call.marker,
        progress: call.progress, under: authority), of: try call.repository())
  }

  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    let repository = try targets.repository(call.repository())
    if let rewrite = try await history.finished(repository: repository.path, marker: call.marker) {
      return .done(
        result(rewrite, of: try call.repository()), evidence: "the rewrite \(call.marker) is complete")
    }
    return .notDone(evidence: "the rewrite \(call.marker) is not complete; the same marker finishes it")
  }

  private func removal(_ call: ActionCall) async throws(CapabilityError) -> HistoryRemoval {
    let secrets = try await call.secrets("remove")
    guard let replacement = call.optionalText("replacement") else { return HistoryRemoval(secrets: secrets) }
    return HistoryRemoval(secrets: secrets, replacement: replacement)
  }

  private func result(_ rewrite: HistoryRewrite, of repository: RepositoryName) -> ActionResult {
    ActionResult(outputs: [
      "repository": .repository(repository),
      "backup": .optional(rewrite.backup), "commits": .integer(rewrite.commits),
      "refs": .integer(rewrite.refs.count), "signatures_dropped": .integer(rewrite.signaturesDropped),
      "residual": .list(rewrite.left.map { .string(Self.line($0)) }), "maps": .optional(rewrite.maps),
    ])
  }

  static func line(_ residual: HistoryRewrite.Residual) -> String {
    "\(residual.place): \(residual.why); fix: \(residual.fix)"
  }
}
