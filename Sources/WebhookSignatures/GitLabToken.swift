import Cryptography
public import Foundation
public import Secrets

/// GitLab webhooks with the plain shared token `X-Gitlab-Token`, and the token revocation API's `Authorization`.
/// Nothing of the body is signed. GitLab 19 can sign as Standard Webhooks do: then use ``StandardWebhookSignature``.
public struct GitLabToken: WebhookVerifier {
  private let tokens: [Secret]
  private let header: String
  // Comparing keyed hashes takes the same time wherever two tokens differ.
  private let comparisonKey = SymmetricKey(size: .bits256)

  /// - Parameter header: `X-Gitlab-Token` or `Authorization`.
  /// - Throws: `.noKey`.
  public init(tokens: [Secret], header: String = "X-Gitlab-Token") throws(SignatureError) {
    self.tokens = try SignatureCheck.keys(tokens)
    self.header = header
  }

  public func verify(_ headers: WebhookHeaders, body: [UInt8], now: Date) throws(SignatureError)
    -> VerifiedDelivery
  {
    let presented = Array(try headers.one(header).utf8)
    var isKnown = false
    for token in tokens {
      let expected = HMAC<SHA256>.authenticationCode(for: token.exposeAsBytes(), using: comparisonKey)
      let isEqual = HMAC<SHA256>.isValidAuthenticationCode(
        expected, authenticating: presented, using: comparisonKey)
      isKnown = isEqual || isKnown
    }
    guard isKnown else { throw SignatureError(.mismatch, "the token is none of this route's") }
    return VerifiedDelivery(id: try headers.optional("Idempotency-Key"), isIDSigned: false, body: body)
  }
}
