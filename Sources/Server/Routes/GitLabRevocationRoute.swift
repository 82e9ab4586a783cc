import JSON
import WebhookSignatures

/// GitLab's Token Revocation API: GitLab sends tokens that leaked, in plain text, and asks which types we take.
/// Source: docs.gitlab.com, automatic response to leaked secrets.
struct GitLabRevocationRoute: WebhookRoute {
  let path: String
  let kind = RouteKind.gitlabRevocation
  let verifier: GitLabToken

  func receive(_ message: Message) async throws(Refusal) -> Reception {
    let proof = try message.verified(by: verifier)
    let tokens = try message.json().array ?? []
    guard !tokens.isEmpty, tokens.allSatisfy({ $0["type"]?.string != nil && $0["token"]?.string != nil })
    else {
      throw .malformed("the body is no list of type and token")
    }
    return .store(delivery(message, proof, event: "revoke_tokens"), then: Answer(204))
  }
}

/// The types of tokens that ``GitLabRevocationRoute`` takes.
struct GitLabRevocableTypesRoute: WebhookRoute {
  let path: String
  let kind = RouteKind.gitlabRevocation
  let methods = ["GET"]
  let mediaTypes: Set<String> = []
  let verifier: GitLabToken
  let types: [String]

  func receive(_ message: Message) async throws(Refusal) -> Reception {
    _ = try message.verified(by: verifier)
    let document: JSONValue = ["types": .array(types.map { .string($0) })]
    return .answer(Answer(200, document.canonicalText, contentType: "application/json"))
  }
}
