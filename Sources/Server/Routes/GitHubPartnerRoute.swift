import JSON

/// GitHub's partner program: we issued the token that leaked. The body holds tokens in plain text.
struct GitHubPartnerRoute: WebhookRoute {
  let path: String
  let kind = RouteKind.githubPartner
  let isLarge = true
  let keys: PartnerKeys

  func receive(_ message: Message) async throws(Refusal) -> Reception {
    let proof = try await keys.verify(message)
    guard try message.json().array != nil else { throw .malformed("the body is no JSON array") }
    return .store(delivery(message, proof, event: "partner_alert"))
  }
}
