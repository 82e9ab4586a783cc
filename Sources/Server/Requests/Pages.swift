public import HummingbirdCore

/// Pages beside the webhooks: the console.
public protocol Pages: Sendable {
  /// The response; nil when the path is none of its own.
  func respond(to request: Request, client: ClientAddress, context: ReceiverContext) async throws -> Response?
  /// Tries to sign in, by outcome: for the metrics.
  var signIns: [(outcome: String, count: Int)] { get }
}
