import Cryptography
public import Foundation

/// A secret encrypted for storage: the only form in which one is ever written to disk.
public struct SealedSecret: Sendable, Hashable, Codable {
  /// Which key opens it.
  public let keyID: String
  /// Nonce, ciphertext and tag of AES-256-GCM, in that order.
  public let box: Data

  public init(keyID: String, box: Data) {
    self.keyID = keyID
    self.box = box
  }
}

/// A run's sealing key (AES-256-GCM). Destroying it makes every value sealed under it unreadable (crypto-shred).
public final class SealingKey: Sendable {
  private let key: SymmetricKey
  /// Names the key in ``SealedSecret/keyID``.
  public let id: String

  /// A new random key.
  public init(id: String) {
    self.id = id
    key = SymmetricKey(size: .bits256)
  }

  /// - Parameter bytes: 32 bytes made by an earlier key's ``wrap(under:)``.
  public init(id: String, bytes: borrowing SecretBytes) {
    self.id = id
    key = unsafe bytes.withUnsafeBytes { unsafe SymmetricKey(data: $0) }
  }

  /// Encrypts `secret`; `context` (for example "run/step") is authenticated, so a box cannot be moved elsewhere.
  public func seal(_ secret: Secret, context: String) throws -> SealedSecret {
    let box = try unsafe secret.withUnsafeBytes { bytes in
      try unsafe AES.GCM.seal(bytes, using: key, authenticating: Array(context.utf8))
    }
    return SealedSecret(keyID: id, box: box.combined)
  }

  /// Decrypts what ``seal(_:context:)`` made.
  /// - Throws: `CryptographyError` when the key, the context or the bytes are not the ones that were sealed.
  public func open(_ sealed: SealedSecret, context: String) throws -> Secret {
    let box = try AES.GCM.SealedBox(combined: sealed.box)
    let plain = try AES.GCM.open(box, using: key, authenticating: Array(context.utf8))
    return Secret(SecretBytes(copying: plain))
  }

  /// This key sealed under `outer`, for storage.
  public func wrap(under outer: SealingKey) throws -> SealedSecret {
    try unsafe outer.seal(
      Secret(SecretBytes(copying: key.withUnsafeBytes { unsafe Array($0) })), context: "run-key/\(id)")
  }

  /// Reads a key written by ``wrap(under:)``.
  public static func unwrap(_ sealed: SealedSecret, id: String, under outer: SealingKey) throws -> SealingKey
  {
    let secret = try outer.open(sealed, context: "run-key/\(id)")
    return SealingKey(id: id, bytes: SecretBytes(copying: secret.exposeAsBytes()))
  }
}
