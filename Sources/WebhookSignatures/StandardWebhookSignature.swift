import Cryptography
public import Foundation
public import Secrets

/// Standard Webhooks, also GitLab's signed webhooks: `webhook-signature: v1,<base64> …` over `id.timestamp.body`.
///
/// `v1` is HMAC-SHA256 (keys `whsec_<base64>`), `v1a` Ed25519 (keys `whpk_<base64>`); other versions are passed over.
/// Senders differ in how they write base64 and keys (`v1,whsec_…`, URL-safe, without padding): all of it is read.
///
/// An id may hold dots, although the signed text joins id, time and body with them: an id has no character that a JSON text can
/// begin with, and a body that begins with a digit is refused, so the signed text can be taken apart in one way only.
/// Source: standard-webhooks spec, "Verifying webhook authenticity"; RFC 4648 §4, §5.
public struct StandardWebhookSignature: WebhookVerifier {
  private let keys: [SymmetricKey]
  private let publicKeys: [Curve25519.Signing.PublicKey]

  /// - Parameters:
  ///   - keys: as handed out, with or without `whsec_`, or `v1,whsec_`.
  ///   - publicKeys: as handed out, with or without `whpk_`, or `v1a,whpk_`.
  /// - Throws: `.noKey` when there is no key at all or one is no key.
  public init(keys: [Secret], publicKeys: [String] = []) throws(SignatureError) {
    guard !keys.isEmpty || !publicKeys.isEmpty else { throw SignatureError(.noKey, "this route has no key") }
    var symmetric: [SymmetricKey] = []
    for key in keys {
      var bytes = key.exposeAsBytes()
      for prefix in ["v1,", "whsec_"] where bytes.starts(with: prefix.utf8) {
        bytes.removeFirst(prefix.utf8.count)
      }
      guard let decoded = SignatureCheck.base64(bytes), decoded.count >= 16 else {
        throw SignatureError(.noKey, "a signing secret is no base64 of at least 16 bytes")
      }
      symmetric.append(SymmetricKey(data: decoded))
    }
    var parsed: [Curve25519.Signing.PublicKey] = []
    for key in publicKeys {
      var text = key[...]
      for prefix in ["v1a,", "whpk_"] where text.hasPrefix(prefix) { text.removeFirst(prefix.count) }
      do {
        parsed.append(
          try Curve25519.Signing.PublicKey(
            rawRepresentation: SignatureCheck.base64(Array(text.utf8)) ?? Data()))
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
    guard (1...256).contains(id.utf8.count), id.utf8.allSatisfy(Self.isOfID) else {
      throw SignatureError(.malformed, "webhook-id is empty, too long, or holds a strange character")
    }
    guard let first = body.first, !(0x30...0x39).contains(first) else {
      throw SignatureError(.malformed, "the body is empty, or begins with a digit")
    }
    try SignatureCheck.instant(timestamp, now: now)
    var codes: [[UInt8]] = []
    var asymmetric: [Data] = []
    for part in signatures.split(separator: " ").prefix(8) {
      let pair = part.split(separator: ",", maxSplits: 1)
      guard pair.count == 2 else {
        throw SignatureError(.malformed, "webhook-signature is not version,base64")
      }
      guard let bytes = SignatureCheck.base64(Array(pair[1].utf8)) else { continue }
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

  /// Letters, digits and `.-_~:=+/@`.
  private static func isOfID(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: ".-_~:=+/@".utf8.contains(byte)
    }
  }
}
