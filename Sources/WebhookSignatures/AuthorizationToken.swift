import Cryptography
public import Foundation
public import Secrets

/// `Authorization: Bearer <token>` (RFC 6750) or `Basic <base64 of user:password>` (RFC 7617): who sends is known, the body
/// is not signed.
public struct AuthorizationToken: WebhookVerifier {
  private let bearers: [Secret]
  private let credentials: [Secret]
  // Comparing keyed hashes takes the same time wherever two tokens differ.
  private let comparisonKey = SymmetricKey(size: .bits256)

  /// - Parameters:
  ///   - bearers: tokens.
  ///   - credentials: each `user:password`.
  /// - Throws: `.noKey` when both are empty, or one of them is.
  public init(bearers: [Secret], credentials: [Secret] = []) throws(SignatureError) {
    _ = try SignatureCheck.keys(bearers + credentials)
    self.bearers = bearers
    self.credentials = credentials
  }

  public func verify(_ headers: WebhookHeaders, body: [UInt8], now: Date) throws(SignatureError)
    -> VerifiedDelivery
  {
    let parts = try headers.one("Authorization").split(separator: " ", maxSplits: 1)
    guard parts.count == 2 else {
      throw SignatureError(.malformed, "Authorization is not a scheme and a value")
    }
    let isKnown: Bool
    switch parts[0].lowercased() {
    case "bearer": isKnown = isOne(of: bearers, Array(parts[1].utf8))
    case "basic":
      guard let bytes = Data(base64Encoded: String(parts[1])) else {
        throw SignatureError(.malformed, "Authorization: Basic is no base64")
      }
      isKnown = isOne(of: credentials, Array(bytes))
    default: throw SignatureError(.malformed, "Authorization is neither Bearer nor Basic")
    }
    guard isKnown else { throw SignatureError(.mismatch, "the token is none of this route's") }
    return VerifiedDelivery(id: try headers.optional("Idempotency-Key"), isIDSigned: false, body: body)
  }

  private func isOne(of secrets: [Secret], _ presented: [UInt8]) -> Bool {
    var isKnown = false
    for secret in secrets {
      let expected = HMAC<SHA256>.authenticationCode(for: secret.exposeAsBytes(), using: comparisonKey)
      let isEqual = HMAC<SHA256>.isValidAuthenticationCode(
        expected, authenticating: presented, using: comparisonKey)
      isKnown = isEqual || isKnown
    }
    return isKnown
  }
}
