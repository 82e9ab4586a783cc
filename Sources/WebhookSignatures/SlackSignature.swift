import Cryptography
public import Foundation
public import Secrets

/// Slack: `X-Slack-Signature: v0=<hex>`, HMAC-SHA256 over `v0:<timestamp>:<body>`.
/// Source: api.slack.com, verifying requests from Slack.
public struct SlackSignature: WebhookVerifier {
  private let keys: [SymmetricKey]

  /// - Throws: `.noKey`.
  public init(keys: [Secret]) throws(SignatureError) {
    self.keys = try SignatureCheck.keys(keys).map { SymmetricKey($0) }
  }

  public func verify(_ headers: WebhookHeaders, body: [UInt8], now: Date) throws(SignatureError)
    -> VerifiedDelivery
  {
    let timestamp = try headers.one("X-Slack-Request-Timestamp")
    let code = try SignatureCheck.digest(headers.one("X-Slack-Signature"), prefix: "v0=")
    try SignatureCheck.instant(timestamp, now: now)
    let message = Array("v0:\(timestamp):".utf8) + body
    guard SignatureCheck.isAuthentic([code], message: message, keys: keys) else {
      throw SignatureCheck.mismatch
    }
    return VerifiedDelivery(id: nil, isIDSigned: false, body: body)
  }
}
