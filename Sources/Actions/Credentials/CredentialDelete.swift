import Incidents
import Capabilities
import JSON
import Secrets

/// `credential.delete`
struct CredentialDelete: EffectAction {
  let signature = ActionSignature.credentialDelete
  let targets: Targets

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    let name = try call.credential()
    let target = try targets.credential(name)
    let ref = call.optionalRef()
    return PlannedEffect(
      will: "delete \(ref?.rawValue ?? "the credential") at \(name) for good", target: name.rawValue,
      preconditions: ["lock": .string(target.provider.lock)], reversible: false,
      affected: ["whoever still uses it"],
      cannotPredict: ref == nil ? ["which one: an earlier step finds its id"] : [])
  }

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    let provider = try targets.credential(call.credential()).provider
    do {
      try await provider.delete(CredentialRef(try call.text("ref")), under: authority)
    } catch {
      guard error.class == .notFound else { throw error }  // gone already: what was wanted
    }
    return ActionResult()
  }

  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    let ref = CredentialRef(try call.text("ref"))
    let provider = try targets.credential(call.credential()).provider
    // Such a provider lists accounts, not the values that they take: that a value is not in the list says nothing.
    guard provider.capabilities.issuing != .generated else {
      return .notDone(evidence: "deleting \(ref) again is harmless")
    }
    let exists = try await provider.existing().contains(ref)
    return exists
      ? .notDone(evidence: "\(ref) is still there") : .done(ActionResult(), evidence: "\(ref) is gone")
  }
}
