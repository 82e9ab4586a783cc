import JSON
import WebhookSignatures

/// Prometheus Alertmanager's webhook, version 4.
struct AlertmanagerRoute: WebhookRoute {
  let path: String
  let kind = RouteKind.alertmanager
  let verifier: AuthorizationToken

  func receive(_ message: Message) async throws(Refusal) -> Reception {
    let proof = try message.verified(by: verifier)
    let value = try message.json()
    guard value["version"]?.string == "4", value["alerts"]?.array != nil else {
      throw .malformed("the body is no Alertmanager message of version 4")
    }
    return .store(delivery(message, proof, event: value["status"]?.string))
  }
}
