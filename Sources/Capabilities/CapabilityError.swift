/// Why something outside refused or failed. Carries codes and request ids, never bodies, headers or connection strings.
public struct CapabilityError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Decides what the engine does next.
  public enum Class: String, Sendable, Codable, CaseIterable {
    /// No connection, or it broke before anything was written.
    case network
    /// 429 or the provider's own quota; `retryAfter` says when.
    case rateLimit = "rate_limit"
    /// 5xx and the like: nothing was done.
    case serverError = "server_error"
    /// The request may or may not have been done: settle by a probe, never repeat blindly.
    case unknownOutcome = "unknown_outcome"
    /// Authentication or authorisation of the runner failed.
    case refused
    case notFound = "not_found"
    case conflict
    /// The request itself is wrong.
    case invalid
    /// staunch.yaml is wrong or incomplete for this.
    case configuration
    /// A safety rule of ours stopped it.
    case unsafe
    /// The target cannot do this at all.
    case unsupported
    /// Deadline passed while waiting for a state.
    case timeout
    case cancelled
    /// A person must do something first; nothing was done. The run waits and goes on when it is resumed.
    case awaitsPerson = "awaits_person"
  }

  public let `class`: Class
  /// What was attempted, in the provider's own API word (`ALTER ROLE`, `POST /v1/…/service_accounts`).
  public let operation: String
  /// Why, in one sentence, starting lower-case.
  public let because: String
  /// How to fix it: an exact command or setting where there is one.
  public let fix: String?
  /// The provider's request id.
  public let requestID: String?
  /// The earliest moment for another try.
  public let retryAfter: Duration?
  /// What is no longer as it was planned, where nothing was done and only another plan helps; nil: the same may be tried
  /// again.
  public let drift: String?

  public init(
    _ class: Class, _ operation: String, because: String, fix: String? = nil, requestID: String? = nil,
    retryAfter: Duration? = nil, drift: String? = nil
  ) {
    self.class = `class`
    self.operation = operation
    self.because = because
    self.fix = fix
    self.requestID = requestID
    self.retryAfter = retryAfter
    self.drift = drift
  }

  public var description: String {
    var text = "\(operation): \(because)"
    if let requestID { text += " (request \(requestID))" }
    if let fix { text += "; fix: \(fix)" }
    return text
  }
}
