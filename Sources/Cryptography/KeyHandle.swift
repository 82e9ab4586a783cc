import COpenSSL
import Foundation

/// Owns an `EVP_PKEY`.
///
/// `@unchecked`: a key is not changed after it was made, and libcrypto may use one from several threads.
final class KeyHandle: @unchecked Sendable {
  let key: OpaquePointer

  init(owning key: OpaquePointer) { self.key = key }
  deinit { EVP_PKEY_free(key) }

  /// - Parameter kind: `EVP_PKEY_ED25519` or `EVP_PKEY_X25519`: 32 bytes both ways.
  init(_ kind: Int32, privateKey bytes: some DataProtocol) throws(CryptographyError) {
    let key = bytes.withContiguousBytes { EVP_PKEY_new_raw_private_key(kind, nil, $0.octets, $0.count) }
    guard let key, bytes.count == 32 else { throw .parameter }
    self.key = key
  }

  /// A new key. Only a libcrypto without the curve or without random numbers refuses it, which ``Libcrypto/missing()`` says at
  /// the program's start.
  static func random(_ kind: Int32) -> KeyHandle {
    let context = EVP_PKEY_CTX_new_id(kind, nil)
    defer { EVP_PKEY_CTX_free(context) }
    var key: OpaquePointer?
    guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_keygen(context, &key) == 1, let key else {
      fatalError("libcrypto makes no Curve25519 key: look at openssl.cnf (openssl version -d)")
    }
    return KeyHandle(owning: key)
  }

  init(_ kind: Int32, publicKey bytes: some DataProtocol) throws(CryptographyError) {
    let key = bytes.withContiguousBytes { EVP_PKEY_new_raw_public_key(kind, nil, $0.octets, $0.count) }
    guard let key, bytes.count == 32 else { throw .parameter }
    self.key = key
  }

  var privateBytes: Data { raw(EVP_PKEY_get_raw_private_key) }
  var publicBytes: Data { raw(EVP_PKEY_get_raw_public_key) }

  private func raw(
    _ get: (OpaquePointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<Int>?) -> Int32
  ) -> Data {
    var bytes = Data(count: 32)
    var count = 32
    let result = bytes.withUnsafeMutableBytes {
      get(key, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), &count)
    }
    // Cannot fail for a key that one of the initialisers above accepted.
    precondition(result == 1 && count == 32)
    return bytes
  }

  /// Verifies a signature over `message`, which is hashed with `hash` first (nil: the algorithm does it itself).
  func isValid(_ signature: some DataProtocol, for message: some DataProtocol, hash: HashMethod?) -> Bool {
    guard let context = EVP_MD_CTX_new() else { return false }
    defer { EVP_MD_CTX_free(context) }
    guard EVP_DigestVerifyInit(context, nil, hash?.pointer, nil, key) == 1 else { return false }
    return signature.withContiguousBytes { signature in
      message.withContiguousBytes { message in
        EVP_DigestVerify(context, signature.octets, signature.count, message.octets, message.count) == 1
      }
    }
  }

  /// Signs `message`, which is hashed with `hash` first.
  func signature(for message: some DataProtocol, hash: HashMethod) throws(CryptographyError) -> Data {
    guard let context = EVP_MD_CTX_new() else { throw .library }
    defer { EVP_MD_CTX_free(context) }
    try check(EVP_DigestSignInit(context, nil, hash.pointer, nil, key))
    var signature = Data(count: Int(EVP_PKEY_get_size(key)))
    var count = signature.count
    let result = message.withContiguousBytes { message in
      signature.withUnsafeMutableBytes { place in
        EVP_DigestSign(
          context, place.baseAddress?.assumingMemoryBound(to: UInt8.self), &count, message.octets,
          message.count)
      }
    }
    try check(result)
    return signature.prefix(count)
  }
}
