import Incidents
import Capabilities
import JSON
import Secrets

/// `history.push`: atomic, so a single refused ref means that nothing was pushed. "pushed" is the answer only when every
/// ref that the remote advertises is accounted for.
struct HistoryPushAction: EffectAction {
  let signature = ActionSignature.historyPush
  let targets: Targets
  let history: any HistoryRewriter

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    let name = try call.repository()
    let (repository, remote) = try place(call)
    let there = try await history.published(
      repository: repository.path, remote: remote, within: Self.patience)
    var affected = ["everyone with a clone of \(name): they must clone again or reset"]
    var unsure = ["whether somebody pushes before: then the lease refuses and nothing is pushed"]
    if let refs = there.refs { affected.append("\(refs.count) refs of \(there.address)") }
    if let silence = there.silence {
      unsure.append("what \(there.address) holds: it could not be asked (\(silence))")
    }
    for ref in there.unfetched.prefix(Self.named) {
      unsure.append(
        "\(ref) of \(remote) was never fetched here: the rewrite cannot clean it; "
          + "before the run: git -C '\(repository.path)' fetch \(remote)")
    }
    if there.unfetched.count > Self.named {
      unsure.append("\(there.unfetched.count - Self.named) further refs of \(remote) were never fetched here")
    }
    unsure += await others(repository, remote)
    return PlannedEffect(
      will: "push every rewritten ref of \(name) to \(remote) (\(there.address)), all or none, with lease",
      target: name.rawValue,
      preconditions: ["remote": .string(remote), "address": .string(there.address)],
      constants: ["remote", "address"], reversible: false,
      affected: affected, cannotPredict: unsure)
  }

  /// A clone that is pushed to two places is cleaned at one: the others are named before anybody says yes.
  private func others(_ repository: Targets.Repository, _ remote: String) async -> [String] {
    do throws(CapabilityError) {
      return try await history.others(
        repository: repository.path, besides: remote, within: Self.patience
      ).map { other in
        let what = "what \(other.address) holds, another remote of the clone"
        guard let refs = other.refs else {
          return
            "\(what): it could not be asked (\(other.silence ?? "no answer")), and nothing is pushed there"
        }
        return "\(what) with \(refs.count) refs: nothing is pushed there; it is looked at after the push"
      }
    } catch {
      return ["which other remotes the clone has, and what they hold: \(error.because)"]
    }
  }

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    let (repository, remote) = try place(call)
    let push = try await history.push(
      repository: repository.path, remote: remote, progress: call.progress, under: authority)
    let refused = push.refs.filter { !$0.isUpdated }
    guard refused.isEmpty else {
      throw Self.refusal(
        refused, "push \(repository.path) to \(remote)", fetch: "git -C '\(repository.path)' fetch \(remote)",
        call)
    }
    guard push.unaccounted.isEmpty else {
      throw CapabilityError(
        .conflict, "push \(repository.path) to \(remote)",
        because:
          "\(push.refs.count) refs are there, but \(push.unaccounted.joined(separator: ", ")) of \(push.address) "
          + "\(push.unaccounted.count == 1 ? "holds, or may hold," : "hold, or may hold,") what was removed: this machine never rewrote what it points to",
        fix: "git -C '\(repository.path)' fetch \(remote), then make a new plan: \(Self.plan(call))",
        drift: "\(push.unaccounted.joined(separator: ", ")) of \(remote) was never fetched; "
          + "first: git -C '\(repository.path)' fetch \(remote)")
    }
    return ActionResult(
      outputs: [
        "repository": .repository(try call.repository()), "remote": .string(push.address),
        "updated": .integer(push.refs.count), "untouched": .integer(push.untouched), "refused": .list([]),
        "residual": .list(
          push.residual.map { .string(HistoryRewriteAction.line($0)) }),
      ], answer: "pushed")
  }

  /// Each reason once, with its references. Where a lease did not hold the same push is refused for ever: another plan is
  /// made of what was fetched. Whatever else the remote forbids, it may allow.
  private static func refusal(
    _ refused: [HistoryPush.RefResult], _ operation: String, fetch: String, _ call: ActionCall
  ) -> CapabilityError {
    var reasons: [String] = []
    for reason in refused.map({ $0.reason ?? "no reason given" }) where !reasons.contains(reason) {
      reasons.append(reason)
    }
    let lines = reasons.map { reason in
      let refs = refused.filter { ($0.reason ?? "no reason given") == reason }.map(\.ref)
      return "\(refs.joined(separator: ", ")) (\(reason))"
    }
    let because = "the remote refused " + lines.joined(separator: ", ")
    let overtaken = refused.filter(\.isOvertaken).map(\.ref)
    guard !overtaken.isEmpty else {
      return CapabilityError(
        .refused, operation, because: because,
        fix: "when the remote lets it through: staunch resume \(call.run)")
    }
    return CapabilityError(
      .conflict, operation, because: because,
      fix: "\(fetch), see what is new, then make a new plan: \(plan(call))",
      drift: "somebody pushed to \(overtaken.joined(separator: ", ")); first: \(fetch)")
  }

  private static func plan(_ call: ActionCall) -> String {
    "staunch plan \(call.incident.map { "\($0)" } ?? "INCIDENT")"
  }

  /// A plan does not wait longer for the remote: nothing of it depends on the answer.
  private static let patience = Duration.seconds(20)
  private static let named = 20

  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    .notDone(evidence: "a push with lease is safe to repeat: refs that moved already stay")
  }

  private func place(_ call: ActionCall) throws(CapabilityError) -> (Targets.Repository, String) {
    let name = try call.repository()
    let repository = try targets.repository(name)
    guard let remote = call.optionalText("remote") ?? repository.remote else {
      throw CapabilityError(
        .configuration, "push \(name)", because: "its entry in staunch.yaml names no remote",
        fix: "add under repositories: \(name): — remote: origin")
    }
    return (repository, remote)
  }
}
