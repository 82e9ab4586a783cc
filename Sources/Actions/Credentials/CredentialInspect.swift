import Capabilities
import JSON
import Secrets

/// `credential.inspect`
struct CredentialInspect: ReadAction {
  let signature = ActionSignature.credentialInspect
  let targets: Targets

  func read(_ call: ActionCall) async throws(CapabilityError) -> ActionResult {
    let provider = try targets.credential(call.credential()).provider
    let ref = try await call.identified(by: provider)
    let facts = try await provider.inspect(ref)
    return ActionResult(outputs: [
      "ref": .string(ref.rawValue), "facts": .data(.object(facts.facts)),
    ])
  }
}
