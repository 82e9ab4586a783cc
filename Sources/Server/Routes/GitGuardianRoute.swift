import JSON
import WebhookSignatures

/// GitGuardian's custom webhook: one POST, never again.
struct GitGuardianRoute: WebhookRoute {
  let path: String
  let kind = RouteKind.gitguardian
  let verifier: GitGuardianSignature

  func receive(_ message: Message) async throws(Refusal) -> Reception {
    let proof = try message.verified(by: verifier)
    let value = try message.json()
    guard value.object != nil else { throw .malformed("the body is no JSON object") }
    return .store(delivery(message, proof, event: value["action"]?.string))
  }
}
