import COpenSSL

/// The libcrypto of this machine, as its openssl.cnf sets it up.
public enum Libcrypto {
  /// What this room needs and libcrypto does not give; empty on a machine that is set up as usual.
  ///
  /// Each program asks once, before anything else. An algorithm that is missed later is a trap in the middle of a run, or a
  /// signature that counts as forged. Takes two milliseconds, which the first hash would take otherwise.
  public static func missing() -> [String] {
    let fetches: [(name: String, isThere: Bool)] = [
      ("SHA-256", isThere(EVP_MD_fetch(nil, "SHA2-256", nil), EVP_MD_free)),
      ("SHA-1", isThere(EVP_MD_fetch(nil, "SHA1", nil), EVP_MD_free)),
      ("AES-128-GCM", isThere(EVP_CIPHER_fetch(nil, "AES-128-GCM", nil), EVP_CIPHER_free)),
      ("AES-256-GCM", isThere(EVP_CIPHER_fetch(nil, "AES-256-GCM", nil), EVP_CIPHER_free)),
      ("Ed25519", isThere(EVP_KEYMGMT_fetch(nil, "ED25519", nil), EVP_KEYMGMT_free)),
      ("RSA", isThere(EVP_KEYMGMT_fetch(nil, "RSA", nil), EVP_KEYMGMT_free)),
      ("X25519", isThere(EVP_KEYMGMT_fetch(nil, "X25519", nil), EVP_KEYMGMT_free)),
      ("scrypt", isThere(EVP_KDF_fetch(nil, "SCRYPT", nil), EVP_KDF_free)),
      ("random numbers", hasRandomNumbers),
    ]
    return fetches.filter { !$0.isThere }.map(\.name)
  }

  /// What ``missing()`` came to, in words for people; nil when nothing is missing.
  public static func complaint() -> (because: String, fix: String)? {
    let missing = missing()
    guard !missing.isEmpty else { return nil }
    return (
      "OpenSSL's libcrypto does not give \(missing.joined(separator: ", ")): openssl.cnf switches it off, or a "
        + "provider is missing",
      "activate the provider \"default\" in openssl.cnf (openssl version -d names its directory, OPENSSL_CONF another "
        + "file); until then: export OPENSSL_CONF=/dev/null"
    )
  }

  private static func isThere(_ fetched: OpaquePointer?, _ free: (OpaquePointer?) -> Void) -> Bool {
    free(fetched)
    return fetched != nil
  }

  private static var hasRandomNumbers: Bool {
    var byte: UInt8 = 0
    return RAND_priv_bytes(&byte, 1) == 1
  }
}
