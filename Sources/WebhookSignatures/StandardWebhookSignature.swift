import Cryptography
public import Foundation
public import Secrets

/// Standard Webhooks, also GitLab's signed webhooks: `webhook-signature: v1,<base64> …` over `id.timestamp.body`.
///
/// `v1` is HMAC-SHA256 (keys `whsec_<base64>`), `v1a` Ed25519 (keys `whpk_<base64>`); other versions are passed over.
/// Source: standard-webhooks spec, "Verifying webhook authenticity".
public struct StandardWebhookSignature: WebhookVerifier {
  private let keys: [SymmetricKey]
  private let publicKeys: [Curve25519.Signing.PublicKey]

  /// - Parameters:
  ///   - keys: as handed out, with or without `whsec_`.
  ///   - publicKeys: as handed out, with or without `whpk_`.
  /// - Throws: `.noKey` when there is no key at all or one is no key.
  public init(keys: [Secret], publicKeys: [String] = []) throws(SignatureError) {
    guard !keys.isEmpty || !publicKeys.isEmpty else { throw SignatureError(.noKey, "this route has no key") }
    var symmetric: [SymmetricKey] = []
    for key in keys {
      var bytes = key.exposeAsBytes()
      if bytes.starts(with: "whsec_".utf8) { bytes.removeFirst(6) }
      guard let decoded = Data(base64Encoded: Data(bytes)), decoded.count >= 16 else {
        throw SignatureError(.noKey, "a signing secret is no base64 of at least 16 bytes")
      }
      symmetric.append(SymmetricKey(data: decoded))
    }
    var parsed: [Curve25519.Signing.PublicKey] = []
    for key in publicKeys {
      let text = key.hasPrefix("whpk_") ? String(key.dropFirst(5)) : key
      do {
        parsed.append(
          try Curve25519.Signing.PublicKey(rawRepresentation: Data(base64Encoded: text) ?? Data()))
      } catch {
        throw SignatureError(.noKey, "a public key is no base64 of 32 bytes")
      }
    }
    self.keys = symmetric
    self.publicKeys = parsed
  }

  public func verify(_ headers: WebhookHeaders, body: [UInt8], now: Date) throws(SignatureError)
    -> VerifiedDelivery
  {
    let id = try headers.one("webhook-id")
    let timestamp = try headers.one("webhook-timestamp")
    let signatures = try headers.one("webhook-signature")
    guard !id.isEmpty, !id.contains(".") else {
      throw SignatureError(.malformed, "webhook-id is empty or holds a dot")
    }
    try SignatureCheck.instant(timestamp, now: now)
    var codes: [[UInt8]] = []
    var asymmetric: [Data] = []
    for part in signatures.split(separator: " ").prefix(8) {
      let pair = part.split(separator: ",", maxSplits: 1)
      guard pair.count == 2 else {
        throw SignatureError(.malformed, "webhook-signature is not version,base64")
      }
      guard let bytes = Data(base64Encoded: String(pair[1])) else { continue }
      if pair[0] == "v1", bytes.count == 32 { codes.append(Array(bytes)) }
      if pair[0] == "v1a", bytes.count == 64 { asymmetric.append(bytes) }
    }
    let message = Array("\(id).\(timestamp).".utf8) + body
    let isAuthentic =
      SignatureCheck.isAuthentic(codes, message: message, keys: keys)
      || publicKeys.contains { key in asymmetric.contains { key.isValidSignature($0, for: message) } }
    guard isAuthentic else { throw SignatureCheck.mismatch }
    return VerifiedDelivery(id: id, isIDSigned: true, body: body)
  }
}
