public import Capabilities
public import Foundation
import JSON

/// What AWS answered: XML or JSON, or an error by its code.
public struct AWSAnswer: Sendable {
  public let response: HTTPResponse
  /// The error's own code without what stands around it (`NoSuchEntity`); nil for success, and where a proxy answered.
  public let code: String?
  /// AWS's clock and ours are too far apart for a signature to hold.
  public let isSkewed: Bool
  /// Refused because a policy of the identity says no, not for want of one that says yes: AWS tells in its words.
  /// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
  public let isExplicitlyDenied: Bool

  public init(_ response: HTTPResponse) {
    self.response = response
    guard !(200...299).contains(response.status) else {
      (code, isSkewed, isExplicitlyDenied) = (nil, false, false)
      return
    }
    var code: String?
    var message = ""
    if let error = AWSElement(parsing: response.body) {
      // IAM and STS: <ErrorResponse><Error>…; EC2: <Response><Errors><Error>…; S3: <Error>…
      let inner = error.name == "Error" ? error : error["Error"] ?? error["Errors"]?["Error"]
      code = inner?["Code"]?.text
      message = inner?["Message"]?.text ?? ""
    } else if let json = try? JSONValue(parsing: response.body) {  // neither: a proxy's own page
      code = json["__type"]?.string ?? json["code"]?.string
      message = json["message"]?.string ?? json["Message"]?.string ?? ""
    }
    // com.amazonaws.secretsmanager#ResourceNotFoundException, and JSON's second part after a colon
    let last = code?.split(separator: "#").last?.split(separator: ":").first
    let isWord = last?.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || byte == 0x2E
    }
    self.code = isWord == true ? last.map { String($0.prefix(80)) } : nil
    // The text is compared and never shown.
    isExplicitlyDenied =
      Self.denied.contains(self.code ?? "")
      && message.contains(" with an explicit deny in an identity-based policy")
    isSkewed =
      self.code == "RequestTimeTooSkewed"
      || (Self.signatures.contains(self.code ?? "")
        && ["Signature expired", "Signature not yet current"].contains { message.hasPrefix($0) })
  }

  static let signatures: Set<String> = ["SignatureDoesNotMatch", "InvalidSignatureException"]
  private static let strangers: Set<String> = [
    "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId",
  ]
  private static let expired: Set<String> = ["ExpiredToken", "ExpiredTokenException", "RequestExpired"]
  private static let denied: Set<String> = [
    "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized",
  ]
  private static let throttled: Set<String> = [
    "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled",
    "RequestThrottledException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown",
    "TooManyUpdates",
  ]
  private static let absent: Set<String> = [
    "NoSuchEntity", "ResourceNotFoundException", "ParameterNotFound", "ParameterVersionNotFound",
    "ServiceNotFoundException", "ClusterNotFoundException",
  ]
  private static let conflicts: Set<String> = [
    "LimitExceeded", "LimitExceededException", "EntityAlreadyExists", "ConcurrentModification",
    "DeleteConflict", "EntityTemporarilyUnmodifiable", "ResourceExistsException",
  ]

  /// The status and AWS's word: `403 InvalidClientTokenId`.
  public var word: String { code.map { "\(response.status) \($0)" } ?? "\(response.status)" }

  /// AWS does not know the key, or it is switched off. It says so before it looks at the signature.
  public var isStranger: Bool { Self.strangers.contains(code ?? "") }
  /// A temporary key whose time is over.
  public var isExpired: Bool { Self.expired.contains(code ?? "") }
  /// AWS knows the key, and the secret is not the one that goes with it.
  public var isWrongSecret: Bool { Self.signatures.contains(code ?? "") && !isSkewed }
  /// AWS knows who asks, and says no.
  public var isDenied: Bool { Self.denied.contains(code ?? "") }

  /// What a refusal means for a call of the runner's own; nil: there is none. Never the message, which quotes the request.
  /// - Parameters:
  ///   - right: what the call takes: `iam:UpdateAccessKey`.
  ///   - changes: the request had an effect.
  public func failure(_ right: String, changes: Bool, now: Date) -> CapabilityError? {
    guard !(200...299).contains(response.status) else { return nil }
    func error(_ class: CapabilityError.Class, _ because: String, _ fix: String? = nil) -> CapabilityError {
      CapabilityError(
        `class`, right, because: "\(because) (\(word))", fix: fix,
        requestID: response.headers["x-amzn-requestid"], retryAfter: response.retryAfter(now: now))
    }
    if isSkewed {
      return error(
        .configuration, "this machine's clock is too far from AWS's\(Self.distance(response, now))",
        "set the clock (timedatectl status), then: staunch resume")
    }
    guard let code else { return response.failure(right, changes: changes, now: now) }
    switch code {
    case _ where isStranger:
      return error(
        .refused, "AWS does not know the runner's access key, or it is not active",
        "correct access_key_id in staunch.yaml, or make another key for the runner")
    case _ where isWrongSecret:
      return error(
        .refused, "the runner's secret_access_key is not the one of its access_key_id",
        "correct secret_access_key in staunch.yaml")
    case _ where isExpired:
      return error(
        .refused, "the runner's session has expired", "log in again and give the new session_token")
    case _ where isDenied:
      return error(.refused, "the runner may not do this", "grant \(right) to the runner")
    case _ where Self.throttled.contains(code):
      let after = response.retryAfter(now: now) ?? .seconds(5)
      return CapabilityError(
        .rateLimit, right, because: "too many requests (\(word))",
        requestID: response.headers["x-amzn-requestid"], retryAfter: after)
    case _ where Self.absent.contains(code): return error(.notFound, "there is no such thing")
    case _ where Self.conflicts.contains(code): return error(.conflict, "it conflicts with what is there")
    default:
      guard (400...499).contains(response.status) else {
        return response.failure(right, changes: changes, now: now)
      }
      return error(.invalid, "AWS did not accept the request")
    }
  }

  /// By the answer's own date.
  private static func distance(_ response: HTTPResponse, _ now: Date) -> String {
    let dated = HTTPResponse(
      status: 0, headers: ["retry-after": response.headers["date"] ?? ""], body: Data())
    guard let theirs = dated.retryAfter(now: Date(timeIntervalSince1970: 0))?.components.seconds, theirs > 0
    else { return "" }
    return ": \(abs(theirs - Int64(now.timeIntervalSince1970))) seconds"
  }
}
