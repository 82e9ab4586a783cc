import Inbox
import JSON
import WebhookSignatures

/// CloudEvents 1.0 over HTTP, structured, binary or batched, with a bearer token; and the `OPTIONS` handshake of its webhook
/// spec. Each event of a batch is a delivery of its own.
struct CloudEventsRoute: WebhookRoute {
  let path: String
  let kind = RouteKind.cloudEvents
  let methods = ["POST", "OPTIONS"]
  let mediaTypes: Set<String> = [
    "application/json", "application/cloudevents+json", Self.batch,
  ]
  let verifier: AuthorizationToken
  let origins: Set<String>
  let rate: Double

  private static let batch = "application/cloudevents-batch+json"
  /// Events of one batch; a sender of more is told 413 and sends fewer.
  private static let mostEvents = 1000

  func receive(_ message: Message) async throws(Refusal) -> Reception {
    if message.method == "OPTIONS" { return .unproven(try handshake(message)) }
    let proof = try message.verified(by: verifier)
    let value = try message.json()
    if message.mediaType == Self.batch { return .storeAll(try events(of: value, message, proof)) }
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

  /// Source: CloudEvents, HTTP protocol binding §3.3; JSON event format §4.
  private func events(of value: JSONValue, _ message: Message, _ proof: VerifiedDelivery) throws(Refusal)
    -> [NewDelivery]
  {
    guard let events = value.array else { throw .malformed("the batch is no array") }
    guard events.count <= Self.mostEvents else { throw .tooLarge }
    var deliveries: [NewDelivery] = []
    for event in events {
      guard let id = event["id"]?.string, let source = event["source"]?.string,
        let type = event["type"]?.string, !id.isEmpty, !source.isEmpty
      else { throw .malformed("an event of the batch lacks id, source or type") }
      deliveries.append(
        delivery(
          message, proof, id: "\(source) \(id)", isIDSigned: true, event: type, body: event.canonicalBytes,
          contentType: "application/cloudevents+json"))
    }
    return deliveries
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
