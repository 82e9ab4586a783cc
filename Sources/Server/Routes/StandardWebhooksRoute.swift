import JSON
import WebhookSignatures

/// Any sender of Standard Webhooks.
struct StandardWebhooksRoute: WebhookRoute {
  let path: String
  let kind = RouteKind.standardWebhooks
  let verifier: StandardWebhookSignature

  func receive(_ message: Message) async throws(Refusal) -> Reception {
    let proof = try message.verified(by: verifier)
    return .store(delivery(message, proof, event: try message.json()["type"]?.string))
  }
}
