import JSON
import WebhookSignatures

/// GitLab's webhooks: the shared token, or (19.0 and later) a Standard Webhooks signature.
struct GitLabRoute: WebhookRoute {
  let path: String
  let kind = RouteKind.gitlab
  let token: GitLabToken?
  let signature: StandardWebhookSignature?

  static let events: Set<String> = ["Vulnerability Hook", "Resource Access Token Hook", "Push Hook"]

  func receive(_ message: Message) async throws(Refusal) -> Reception {
    let proof = try verified(message)
    guard try message.json().object != nil else { throw .malformed("the body is no JSON object") }
    let event = try message.header("X-Gitlab-Event") ?? ""
    guard GitLabRoute.events.contains(event) else { return .answer(.accepted) }
    return .store(delivery(message, proof, event: event))
  }

  /// A signature is checked whenever we have a key for it: a token beside a bad signature does not help.
  private func verified(_ message: Message) throws(Refusal) -> VerifiedDelivery {
    if let signature {
      let isSigned = try message.header("webhook-signature") != nil
      if isSigned || token == nil { return try message.verified(by: signature) }
    }
    guard let token else {
      throw .unauthorized(SignatureError(.missing, "the header webhook-signature is missing"))
    }
    return try message.verified(by: token)
  }
}
