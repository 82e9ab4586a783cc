import Cryptography
public import Foundation
public import Secrets

/// GitHub webhooks: `X-Hub-Signature-256: sha256=<hex>`, HMAC-SHA256 over the raw body. SHA-1 alone is refused.
/// No time is signed and the delivery id is not either. Source: docs.github.com, validating webhook deliveries.
public struct GitHubSignature: WebhookVerifier {
  private let keys: [SymmetricKey]

  /// - Throws: `.noKey`.
  public init(keys: [Secret]) throws(SignatureError) {
    self.keys = try SignatureCheck.keys(keys).map { SymmetricKey($0) }
  }

  public func verify(_ headers: WebhookHeaders, body: [UInt8], now: Date) throws(SignatureError)
    -> VerifiedDelivery
  {
    let code = try SignatureCheck.digest(headers.one("X-Hub-Signature-256"), prefix: "sha256=")
    guard SignatureCheck.isAuthentic([code], message: body, keys: keys) else { throw SignatureCheck.mismatch }
    return VerifiedDelivery(id: try headers.optional("X-GitHub-Delivery"), isIDSigned: false, body: body)
  }
}
