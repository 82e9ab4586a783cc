import JSON
import WebhookSignatures

/// CloudEvents 1.0 over HTTP, structured or binary, with a bearer token; and the `OPTIONS` handshake of its webhook spec.
struct CloudEventsRoute: WebhookRoute {
  let path: String
  let kind = RouteKind.cloudEvents
  let methods = ["POST", "OPTIONS"]
  let mediaTypes: Set<String> = ["application/json", "application/cloudevents+json"]
  let verifier: AuthorizationToken
  let origins: Set<String>
  let rate: Double

  func receive(_ message: Message) async throws(Refusal) -> Reception {
    if message.method == "OPTIONS" { return .unproven(try handshake(message)) }
    let proof = try message.verified(by: verifier)
    let value = try message.json()
    let id: String?
    let source: String?
    let type: String?
    if message.mediaType == "application/cloudevents+json" {
      (id, source, type) = (value["id"]?.string, value["source"]?.string, value["type"]?.string)
    } else {
      (id, source, type) = (
        try message.header("ce-id"), try message.header("ce-source"), try message.header("ce-type")
      )
    }
    guard let id, let source, let type, !id.isEmpty, !source.isEmpty else {
      throw .malformed("the event lacks id, source or type")
    }
    // Both together name an event (CloudEvents §3.1.1). The token vouches for headers and body alike, so two events may well
    // have the same body.
    return .store(delivery(message, proof, id: "\(source) \(id)", isIDSigned: true, event: type))
  }

  /// Says yes only to origins of the settings. Source: CloudEvents, HTTP 1.1 Web Hooks §4.
  private func handshake(_ message: Message) throws(Refusal) -> Answer {
    guard let origin = try message.header("WebHook-Request-Origin"), origins.contains(origin) else {
      throw .method(allowed: "POST")
    }
    return Answer(
      200,
      fields: [
        ("WebHook-Allowed-Origin", origin), ("WebHook-Allowed-Rate", "\(Int(rate * 60))"), ("Allow", "POST"),
      ])
  }
}
