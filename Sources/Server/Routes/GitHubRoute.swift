import JSON
import WebhookSignatures

/// GitHub's webhooks about leaked secrets, as JSON or as a form. Source: docs.github.com, webhook events and payloads.
struct GitHubRoute: WebhookRoute {
  let path: String
  let kind = RouteKind.github
  let mediaTypes: Set<String> = ["application/json", "application/x-www-form-urlencoded"]
  let isLarge = true
  let verifier: GitHubSignature

  static let events: Set<String> = [
    "secret_scanning_alert", "secret_scanning_alert_location", "secret_scanning_scan",
    "bypass_request_secret_scanning",
  ]

  func receive(_ message: Message) async throws(Refusal) -> Reception {
    let proof = try message.verified(by: verifier)
    let event = try message.header("X-GitHub-Event") ?? ""
    var body = message.body
    if message.mediaType == "application/x-www-form-urlencoded" {
      guard let payload = try FormFields(body)["payload"] else {
        throw .malformed("the form has no field payload")
      }
      body = Array(payload.utf8)
    }
    guard try Message.json(body).object != nil else { throw .malformed("the body is no JSON object") }
    if event == "ping" { return .answer(Answer(200)) }
    guard GitHubRoute.events.contains(event) else { return .answer(.accepted) }
    return .store(delivery(message, proof, event: event, body: body, contentType: "application/json"))
  }
}
