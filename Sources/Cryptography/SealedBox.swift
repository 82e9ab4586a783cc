import CSodium
public import Foundation

/// libsodium's sealed box (X25519, XSalsa20-Poly1305, nonce by BLAKE2b): anybody can seal to a public key, and only the
/// holder of its private key opens it; nobody, not even the sender, can say who sealed it.
///
/// Source: https://doc.libsodium.org/public-key_cryptography/sealed_boxes
public enum SealedBox {
  /// - Parameters:
  ///   - message: of any length.
  ///   - publicKey: 32 bytes.
  /// - Returns: 48 bytes more than the message.
  /// - Throws: `.parameter` when it is no key, `.library` when libsodium cannot start.
  public static func seal(_ message: some DataProtocol, to publicKey: some DataProtocol)
    throws(CryptographyError) -> Data
  {
    // Safe to repeat, and from any thread (its manual, Usage).
    guard sodium_init() >= 0 else { throw .library }
    guard publicKey.count == crypto_box_publickeybytes() else { throw .parameter }
    var sealed = [UInt8](repeating: 0, count: message.count + crypto_box_sealbytes())
    let key = Array(publicKey)
    let result = message.withContiguousBytes { message in
      // Only a pointer is asked for when there is nothing to read.
      withUnsafePointer(to: 0) { nothing in
        crypto_box_seal(&sealed, message.octets ?? nothing, UInt64(message.count), key)
      }
    }
    // A point of small order is no key.
    guard result == 0 else { throw .parameter }
    return Data(sealed)
  }
}
