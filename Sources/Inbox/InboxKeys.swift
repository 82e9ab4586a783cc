import Cryptography
import Foundation
public import Secrets

/// What the receiver seals deliveries to. It opens nothing, so it may lie beside the exchange file (`inbox.pub`).
public struct InboxPublicKey: Sendable {
  let key: Curve25519.KeyAgreement.PublicKey

  /// - Parameter text: 64 hexadecimal digits, as ``text`` gives them.
  /// - Throws: `.key`.
  public init(text: String) throws(InboxError) {
    let bytes = Hex.bytes(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? []
    do {
      key = try Curve25519.KeyAgreement.PublicKey(rawRepresentation: bytes)
    } catch {
      throw InboxError(
        .key, "read the inbox's public key", because: "it is not 64 hexadecimal digits of an X25519 key",
        fix: "start the worker once (staunch work): it writes exchange/inbox.pub")
    }
  }

  init(_ key: Curve25519.KeyAgreement.PublicKey) { self.key = key }

  /// 64 hexadecimal digits.
  public var text: String { Hex.text(key.rawRepresentation) }
}

/// What opens deliveries: the worker's alone (`inbox.key`, mode 0600).
public struct InboxPrivateKey: Sendable {
  let key: Curve25519.KeyAgreement.PrivateKey

  /// A new random key.
  public init() { key = Curve25519.KeyAgreement.PrivateKey() }

  /// - Parameter secret: the 32 bytes that ``secret`` gives.
  /// - Throws: `.key`.
  public init(secret: Secret) throws(InboxError) {
    do {
      key = try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: secret.exposeAsBytes())
    } catch {
      throw InboxError(
        .key, "read the inbox's key", because: "it is not 32 bytes of an X25519 key",
        fix: "restore inbox.key from a backup; without it what waits in the exchange file cannot be read")
    }
  }

  /// The private key's bytes, for its file.
  public var secret: Secret { Secret(SecretBytes(copying: key.rawRepresentation)) }
  public var publicKey: InboxPublicKey { InboxPublicKey(key.publicKey) }
}
