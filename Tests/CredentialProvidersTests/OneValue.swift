import Capabilities
import Secrets

// One value at one place: what most tests have in hand.
extension CredentialProvider {
  func issue(marker: String, generated: Secret?, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  { try await issue(IssueOrder(marker: marker, generated: generated), under: authority) }

  func disable(
    _ ref: CredentialRef, leaked: Secret, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    try await disable(ref, leak: Leak(leaked), replacedBy: replacedBy, under: authority)
  }
}
