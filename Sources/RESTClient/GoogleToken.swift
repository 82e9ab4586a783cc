public import Capabilities
import Foundation
import JSON
public import Secrets

/// What Google's token endpoint says to a signed assertion. The text after `invalid_grant` tells causes apart, and is
/// compared, never shown.
///
/// Source: https://developers.google.com/identity/protocols/oauth2/service-account#jwt-error-codes
public enum GoogleTokenWord: Sendable, Hashable {
  case granted
  /// "Invalid JWT Signature.": the key was deleted, disabled or has expired, or is not this account's. Which one only IAM
  /// can say.
  case signature
  /// The account is gone.
  case noAccount
  /// The account is switched off: its keys work again when it is switched on.
  case disabled
  /// The assertion's time is not Google's: this machine's clock is wrong, whatever the key.
  case clock
  /// It speaks of something else.
  case other(String)

  public init(_ answer: HTTPResponse) {
    let json = try? JSONValue(parsing: answer.body)  // no JSON: a proxy answered, not Google
    let words = json?["error_description"]?.string ?? ""
    switch (answer.status, json?["error"]?.string) {
    case (200, _):
      self = json?["access_token"]?.string?.isEmpty == false ? .granted : .other("200 without a token")
    case (400, "invalid_grant"?), (401, "invalid_grant"?):
      if words.contains("Invalid JWT Signature") {
        self = .signature
      } else if words.contains("reasonable timeframe") || words.contains("iat and exp") {
        self = .clock
      } else if words.contains("account not found") || words.contains("Not a valid email") {
        self = .noAccount
      } else if words.contains("disabled") {
        self = .disabled
      } else {
        self = .other("\(answer.status) invalid_grant, for another reason than the key")
      }
    case (400, "disabled_client"?), (401, "disabled_client"?): self = .disabled
    case (let status, _): self = .other("\(status)")
    }
  }

  /// For people and verdicts.
  public var code: String {
    switch self {
    case .granted: "200"
    case .signature: "400 invalid_grant (Invalid JWT Signature)"
    case .noAccount: "400 invalid_grant (account not found)"
    case .disabled: "400 invalid_grant (account disabled)"
    case .clock: "400 invalid_grant (the clock of this machine and Google's differ)"
    case .other(let code): code
    }
  }
}

/// Google's token endpoint: a signed assertion for an access token.
public struct GoogleTokenEndpoint: Sendable {
  /// What assertions name as their audience, wherever the endpoint is reached.
  public static let audience = "https://oauth2.googleapis.com/token"

  public let url: String

  public init(url: String) { self.url = url }

  /// A question, since a token changes nothing.
  public func request(_ assertion: Secret) -> SafeRequest {
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="
    return .post(
      url, headers: [("Content-Type", .text("application/x-www-form-urlencoded"))],
      body: .secret(Secret(grant + assertion.exposeAsText())),
      readOnlyBecause: "a token is drawn, which changes nothing")
  }
}
