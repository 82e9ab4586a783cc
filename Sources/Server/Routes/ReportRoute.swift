import WebhookSignatures

/// A scanner's report, of any format: the worker detects it. The token is checked before the body is read, so the body goes to the
/// disk, sealed piece by piece, while it arrives.
struct ReportRoute: WebhookRoute {
  let path: String
  let kind = RouteKind.report
  let mediaTypes: Set<String> = []
  let isLarge = true
  let verifier: AuthorizationToken

  /// For a message whose body was held after all.
  func receive(_ message: Message) async throws(Refusal) -> Reception {
    .store(delivery(message, try message.verified(by: verifier), event: "report"))
  }
}
