import Capabilities
import JSON
import Secrets

/// `credential.inspect`
struct CredentialInspect: ReadAction {
  let signature = ActionSignature.credentialInspect
  let targets: Targets

  func read(_ call: ActionCall) async throws(CapabilityError) -> ActionResult {
    let provider = try targets.credential(call.credential()).provider
    let subject = try await call.subject(by: provider)
    let facts = try await provider.inspect(subject.identity)
    return ActionResult(outputs: [
      "ref": .string(subject.identity.rawValue), "facts": .data(.object(facts.facts)),
      "reach": .list(await Self.reach(of: subject, provider).map { .string($0) }),
    ])
  }

  /// One line for each right. That it cannot be asked takes nothing from the facts.
  private static func reach(of subject: Subject, _ provider: any CredentialProvider) async -> [String] {
    do throws(CapabilityError) {
      return try await provider.reach(subject.identity).grants.map { "\($0.access.rawValue) \($0.resource)" }
    } catch { return ["unknown: \(error.because)"] }
  }
}
