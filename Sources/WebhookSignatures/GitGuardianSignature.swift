import Cryptography
public import Foundation
public import Secrets

/// GitGuardian: `Gitguardian-Signature: sha256=<hex>`, HMAC-SHA256 over the raw body under `Timestamp` followed by the token.
///
/// Nothing separates the two in the key, so a timestamp that is not a plain number is refused before any hash.
/// Source: docs.gitguardian.com, custom webhooks.
public struct GitGuardianSignature: WebhookVerifier {
  private let tokens: [Secret]

  /// - Throws: `.noKey`.
  public init(tokens: [Secret]) throws(SignatureError) { self.tokens = try SignatureCheck.keys(tokens) }

  public func verify(_ headers: WebhookHeaders, body: [UInt8], now: Date) throws(SignatureError)
    -> VerifiedDelivery
  {
    let timestamp = try headers.one("Timestamp")
    let code = try SignatureCheck.digest(headers.one("Gitguardian-Signature"), prefix: "sha256=")
    try SignatureCheck.instant(timestamp, now: now)
    let keys = tokens.map { SymmetricKey(data: Array(timestamp.utf8) + $0.exposeAsBytes()) }
    guard SignatureCheck.isAuthentic([code], message: body, keys: keys) else { throw SignatureCheck.mismatch }
    return VerifiedDelivery(id: nil, isIDSigned: false, body: body)
  }
}
