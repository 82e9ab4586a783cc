import Capabilities
import Foundation
import Incidents
import JSON
import Secrets

/// `credential.end-sessions`: done when a recount says 0, not when a call returned.
struct CredentialEndSessions: EffectAction {
  let signature = ActionSignature.credentialEndSessions
  let targets: Targets
  let now: @Sendable () -> Date
  /// A session that is just ending may be counted once more.
  private static let rounds = 3

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    let name = try call.credential()
    let target = try targets.credential(name)
    let will: String
    switch target.provider.capabilities.sessions {
    case .end: will = "end every session that was opened with the leaked secret of \(name), and count again"
    case .expire: will = "cut the life of sessions that were opened with the leaked secret of \(name)"
    case .none: will = "nothing: \(name) has no sessions"
    }
    return PlannedEffect(
      will: will, target: name.rawValue, preconditions: ["lock": .string(target.provider.lock)],
      reversible: true,
      affected: target.provider.capabilities.sessions == .none
        ? [] : target.consumers.map { "\($0) reconnects" })
  }

  func prepare(_ call: ActionCall, phase: String) async throws(CapabilityError) -> Preparation {
    Preparation(snapshot: ["before": .string(Timestamp.text(now()))])
  }

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    let name = try call.credential()
    let provider = try targets.credential(name).provider
    guard provider.capabilities.sessions != .none else { return result(found: 0, ended: 0) }
    let subject = try await call.subject(by: provider)
    let before = prepared.snapshot["before"]?.string.flatMap(Timestamp.date) ?? now()
    var found = 0
    var ended = 0
    var left = 0
    for round in 0..<Self.rounds {
      let count: SessionCount
      do throws(CapabilityError) {
        count = try await provider.endSessions(subject, before: before, under: authority)
      } catch {
        guard error.class == .notFound else { throw error }
        // Only a person knows that the account was taken away on purpose.
        let word =
          "staunch skip \(call.step) --run \(call.run) --reason \"the account was dropped\"; then: staunch resume "
          + "\(call.run)"
        throw CapabilityError(
          .notFound, error.operation, because: error.because,
          fix: (error.fix.map { "\($0); " } ?? "") + "where it was dropped on purpose: \(word)")
      }
      if round == 0 { found = count.found }
      ended += count.ended
      left = count.left
      if left == 0 { return result(found: max(found, ended), ended: ended) }
    }
    throw CapabilityError(
      .conflict, "end sessions of \(subject.identity)",
      because: "\(left) of \(found) sessions are still there after \(Self.rounds) rounds",
      fix: "see who they are at the provider and whether the runner may end them, then: staunch resume")
  }

  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    .notDone(evidence: "ending sessions is safe to repeat; the recount decides")
  }

  private func result(found: Int, ended: Int) -> ActionResult {
    ActionResult(
      outputs: ["found": .integer(found), "ended": .integer(ended), "left": .integer(0)], answer: "none_left")
  }
}
