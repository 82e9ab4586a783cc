import Incidents
import Capabilities
import JSON
import Secrets

/// `history.push`: atomic, so a single refused ref means that nothing was pushed.
struct HistoryPushAction: EffectAction {
  let signature = ActionSignature.historyPush
  let targets: Targets
  let history: any HistoryRewriter

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    let name = try call.repository()
    let (_, remote) = try place(call)
    return PlannedEffect(
      will: "push every rewritten ref of \(name) to \(remote), all or none, with lease",
      target: name.rawValue,
      preconditions: ["remote": .string(remote)], reversible: false,
      affected: ["everyone with a clone of \(name): they must clone again or reset"],
      cannotPredict: ["whether somebody pushes before: then the lease refuses and nothing is pushed"])
  }

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    let (repository, remote) = try place(call)
    let push = try await history.push(
      repository: repository.path, remote: remote, progress: call.progress, under: authority)
    let refused = push.refs.filter { !$0.isUpdated }
    guard refused.isEmpty else {
      let lines = refused.map { "\($0.ref) (\($0.reason ?? "no reason given"))" }.joined(separator: ", ")
      throw CapabilityError(
        .conflict, "push \(repository.path) to \(remote)", because: "the remote refused \(lines)",
        fix:
          "git -C \(repository.path) fetch \(remote), see what is new, then make a new plan: staunch respond")
    }
    return ActionResult(
      outputs: ["updated": .integer(push.refs.count), "refused": .list([])], answer: "pushed")
  }

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
