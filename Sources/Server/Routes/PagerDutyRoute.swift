import JSON
import WebhookSignatures

/// PagerDuty v3 webhooks. The event's id is in the signed body.
struct PagerDutyRoute: WebhookRoute {
  let path: String
  let kind = RouteKind.pagerduty
  let verifier: PagerDutySignature

  func receive(_ message: Message) async throws(Refusal) -> Reception {
    let proof = try message.verified(by: verifier)
    guard let event = try message.json()["event"], let id = event["id"]?.string, !id.isEmpty else {
      throw .malformed("the body has no event with an id")
    }
    return .store(
      delivery(message, proof, id: id, isIDSigned: true, event: event["event_type"]?.string))
  }
}
