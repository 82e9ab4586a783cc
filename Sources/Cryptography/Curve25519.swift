import COpenSSL
public import Foundation

/// Ed25519 (RFC 8032) and X25519 (RFC 7748). Every key is 32 bytes.
public enum Curve25519 {
  public enum Signing {
    public struct PrivateKey: Sendable {
      private let handle: KeyHandle

      /// A new random key.
      public init() { handle = .random(EVP_PKEY_ED25519) }

      /// - Throws: `.parameter` when it is not 32 bytes.
      public init(rawRepresentation: some DataProtocol) throws(CryptographyError) {
        handle = try KeyHandle(EVP_PKEY_ED25519, privateKey: rawRepresentation)
      }

      /// The seed (RFC 8032 §5.1.5).
      public var rawRepresentation: Data { handle.privateBytes }
      public var publicKey: PublicKey { PublicKey(handle) }

      /// 64 bytes.
      public func signature(for message: some DataProtocol) throws(CryptographyError) -> Data {
        guard let context = EVP_MD_CTX_new() else { throw .library }
        defer { EVP_MD_CTX_free(context) }
        try check(EVP_DigestSignInit(context, nil, nil, nil, handle.key))
        var signature = Data(count: 64)
        var count = 64
        let result = signature.withUnsafeMutableBytes { signature in
          message.withContiguousBytes { message in
            EVP_DigestSign(
              context, signature.baseAddress?.assumingMemoryBound(to: UInt8.self), &count, message.octets,
              message.count)
          }
        }
        try check(result)
        return signature
      }
    }

    public struct PublicKey: Sendable {
      private let handle: KeyHandle

      init(_ handle: KeyHandle) { self.handle = handle }

      /// - Throws: `.parameter` when it is not 32 bytes.
      public init(rawRepresentation: some DataProtocol) throws(CryptographyError) {
        handle = try KeyHandle(EVP_PKEY_ED25519, publicKey: rawRepresentation)
      }

      public var rawRepresentation: Data { handle.publicBytes }

      public func isValidSignature(_ signature: some DataProtocol, for message: some DataProtocol) -> Bool {
        handle.isValid(signature, for: message, hash: nil)
      }
    }
  }

  public enum KeyAgreement {
    public struct PrivateKey: Sendable {
      private let handle: KeyHandle

      /// A new random key.
      public init() { handle = .random(EVP_PKEY_X25519) }

      /// - Throws: `.parameter` when it is not 32 bytes.
      public init(rawRepresentation: some DataProtocol) throws(CryptographyError) {
        handle = try KeyHandle(EVP_PKEY_X25519, privateKey: rawRepresentation)
      }

      public var rawRepresentation: Data { handle.privateBytes }
      public var publicKey: PublicKey { PublicKey(handle) }

      /// 32 bytes; refuses a peer's point of small order, whose result would be all zero (RFC 7748 §6.1).
      /// - Throws: `.parameter`.
      func sharedSecret(with peer: PublicKey) throws(CryptographyError) -> SymmetricKey {
        guard let context = EVP_PKEY_CTX_new(handle.key, nil) else { throw .library }
        defer { EVP_PKEY_CTX_free(context) }
        try check(EVP_PKEY_derive_init(context))
        try check(EVP_PKEY_derive_set_peer(context, peer.handle.key), .parameter)
        var secret = [UInt8](repeating: 0, count: 32)
        defer { secret.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) } }
        var count = 32
        try check(EVP_PKEY_derive(context, &secret, &count), .parameter)
        return SymmetricKey(data: secret)
      }
    }

    public struct PublicKey: Sendable {
      fileprivate let handle: KeyHandle

      init(_ handle: KeyHandle) { self.handle = handle }

      /// - Throws: `.parameter` when it is not 32 bytes.
      public init(rawRepresentation: some DataProtocol) throws(CryptographyError) {
        handle = try KeyHandle(EVP_PKEY_X25519, publicKey: rawRepresentation)
      }

      public var rawRepresentation: Data { handle.publicBytes }
    }
  }
}
