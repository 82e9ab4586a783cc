import Cryptography
public import Foundation
import Secrets

/// GitHub's partner program: ECDSA P-256 with SHA-256 over the raw body, base64 of the DER form.
/// Source: docs.github.com, secret scanning partner program.
public struct GitHubPartnerSignature: WebhookVerifier {
  private let keys: [String: P256.PublicKey]

  /// - Parameter keys: PEM by key identifier, from `api.github.com/meta/public_keys/secret_scanning`.
  /// - Throws: `.noKey` when there is none or one is no P-256 key.
  public init(keys: [String: String]) throws(SignatureError) {
    var parsed: [String: P256.PublicKey] = [:]
    for (identifier, pem) in keys {
      do {
        parsed[identifier] = try P256.PublicKey(pem: pem)
      } catch {
        throw SignatureError(.noKey, "a public key of the partner program is no P-256 key")
      }
    }
    guard !parsed.isEmpty else {
      throw SignatureError(.noKey, "no public key of the partner program is known")
    }
    self.keys = parsed
  }

  /// - Throws: `.unknownKey` when the key list must be fetched anew (rarely: whoever sends may name any key).
  public func verify(_ headers: WebhookHeaders, body: [UInt8], now: Date) throws(SignatureError)
    -> VerifiedDelivery
  {
    let identifier = try headers.one("Github-Public-Key-Identifier")
    let text = try headers.one("Github-Public-Key-Signature")
    guard let key = keys[identifier] else {
      throw SignatureError(.unknownKey, "the message names a public key that is not in the list")
    }
    guard let der = Data(base64Encoded: text) else {
      throw SignatureError(.malformed, "the signature is no base64")
    }
    let isValid: Bool
    do { isValid = try key.isValidSignature(der: der, for: body) } catch {
      throw SignatureError(.malformed, "the signature is not in DER form")
    }
    guard isValid else { throw SignatureCheck.mismatch }
    return VerifiedDelivery(id: nil, isIDSigned: false, body: body)
  }
}
