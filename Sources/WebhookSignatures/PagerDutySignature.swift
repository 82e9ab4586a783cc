import Cryptography
public import Foundation
public import Secrets

/// PagerDuty v3: `X-PagerDuty-Signature: v1=<hex>,v1=<hex>`, HMAC-SHA256 over the raw body; unknown versions are passed over.
/// Source: developer.pagerduty.com, verifying signatures.
public struct PagerDutySignature: WebhookVerifier {
  private let keys: [SymmetricKey]

  /// - Throws: `.noKey`.
  public init(keys: [Secret]) throws(SignatureError) {
    self.keys = try SignatureCheck.keys(keys).map { SymmetricKey($0) }
  }

  public func verify(_ headers: WebhookHeaders, body: [UInt8], now: Date) throws(SignatureError)
    -> VerifiedDelivery
  {
    var codes: [[UInt8]] = []
    for part in try headers.one("X-PagerDuty-Signature").split(separator: ",").prefix(8) {
      let part = part.trimmingPrefix(" ")
      if part.hasPrefix("v1=") { codes.append(try SignatureCheck.digest(part, prefix: "v1=")) }
    }
    guard !codes.isEmpty else {
      throw SignatureError(.malformed, "the signature has no version that is known")
    }
    guard SignatureCheck.isAuthentic(codes, message: body, keys: keys) else { throw SignatureCheck.mismatch }
    return VerifiedDelivery(id: nil, isIDSigned: false, body: body)
  }
}
