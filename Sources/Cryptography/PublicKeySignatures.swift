import COpenSSL
public import Foundation

/// ECDSA over P-256 with SHA-256 (FIPS 186-5), as GitHub signs for its partners.
public enum P256 {
  public struct PublicKey: Sendable {
    private let handle: KeyHandle

    /// - Parameter pem: `-----BEGIN PUBLIC KEY-----` (RFC 7468 §13).
    /// - Throws: `.malformed` when it is no key on P-256.
    public init(pem: String) throws(CryptographyError) {
      let key = pem.withBytes { PEM_read_bio_PUBKEY($0, nil, nil, nil) }
      guard let key else { throw .malformed }
      handle = KeyHandle(owning: key)
      var name = [CChar](repeating: 0, count: 32)
      guard EVP_PKEY_get_group_name(key, &name, name.count, nil) == 1,
        String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self) == "prime256v1"
      else { throw .malformed }
    }

    /// - Parameter signature: DER, `ECDSA-Sig-Value` (RFC 3279 §2.2.3).
    /// - Throws: `.malformed` when the signature is not in that form.
    public func isValidSignature(der signature: some DataProtocol, for message: some DataProtocol)
      throws(CryptographyError) -> Bool
    {
      let isDER = signature.withContiguousBytes { bytes in
        var start = bytes.octets
        let parsed = d2i_ECDSA_SIG(nil, &start, bytes.count)
        defer { ECDSA_SIG_free(parsed) }
        return parsed != nil && start == bytes.octets?.advanced(by: bytes.count)
      }
      guard isDER else { throw .malformed }
      return handle.isValid(signature, for: message, hash: SHA256Algorithm.method)
    }
  }
}

/// RSA with PKCS #1 v1.5 signatures (RFC 8017 §8.2): what senders still use is verified, and JWTs (`RS256`) are signed.
public enum RSA {
  public enum Digest: Sendable {
    case sha1, sha256
    fileprivate var method: HashMethod { self == .sha1 ? SHA1Algorithm.method : SHA256Algorithm.method }
  }

  public struct PublicKey: Sendable {
    private let handle: KeyHandle

    /// - Throws: `.malformed` when it is no RSA key of 2,048 bits or more.
    init(owning key: OpaquePointer) throws(CryptographyError) {
      handle = KeyHandle(owning: key)
      guard EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA, EVP_PKEY_get_bits(key) >= 2048 else {
        throw .malformed
      }
    }

    /// - Parameter pem: `-----BEGIN PUBLIC KEY-----` (RFC 7468 §13).
    /// - Throws: `.malformed` when it is no RSA key of 2,048 bits or more.
    public init(pem: String) throws(CryptographyError) {
      guard let key = pem.withBytes({ PEM_read_bio_PUBKEY($0, nil, nil, nil) }) else { throw .malformed }
      try self.init(owning: key)
    }

    fileprivate init(of handle: KeyHandle) { self.handle = handle }

    public func isValidSignature(
      _ signature: some DataProtocol, for message: some DataProtocol, digest: Digest
    ) -> Bool {
      handle.isValid(signature, for: message, hash: digest.method)
    }

    /// Whether both are the same number.
    public func isSame(as other: PublicKey) -> Bool { EVP_PKEY_eq(handle.key, other.handle.key) == 1 }
  }

  public struct PrivateKey: Sendable {
    private let handle: KeyHandle

    /// - Parameter pem: `-----BEGIN PRIVATE KEY-----` (PKCS #8) or `-----BEGIN RSA PRIVATE KEY-----`, without a passphrase.
    /// - Throws: `.malformed` when it is no RSA key of 2,048 bits or more, or one behind a passphrase.
    public init(pem: some DataProtocol) throws(CryptographyError) {
      let key = pem.withContiguousBytes { bytes -> OpaquePointer? in
        guard let count = Int32(exactly: bytes.count),
          let input = BIO_new_mem_buf(bytes.baseAddress, count)
        else { return nil }
        defer { BIO_free(input) }
        // An empty passphrase: without one libcrypto would ask at the terminal.
        var nothing: CChar = 0
        return PEM_read_bio_PrivateKey(input, nil, nil, &nothing)
      }
      guard let key else { throw .malformed }
      handle = KeyHandle(owning: key)
      guard EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA, EVP_PKEY_get_bits(key) >= 2048 else {
        throw .malformed
      }
    }

    public var publicKey: PublicKey { PublicKey(of: handle) }

    /// RSASSA-PKCS1-v1_5 with SHA-256, which JWTs call `RS256` (RFC 7518 §3.3).
    /// - Throws: `.library`.
    public func signature(for message: some DataProtocol) throws(CryptographyError) -> Data {
      try handle.signature(for: message, hash: SHA256Algorithm.method)
    }
  }
}

extension String {
  /// The text as libcrypto's input; nil when there is no memory for it.
  func withBytes<Result>(_ body: (OpaquePointer) -> Result?) -> Result? {
    var text = self
    return text.withUTF8 { bytes in
      guard let count = Int32(exactly: bytes.count), let input = BIO_new_mem_buf(bytes.baseAddress, count)
      else {
        return nil
      }
      defer { BIO_free(input) }
      return body(input)
    }
  }
}
