/// What the primitives refuse. None of them says why a box did not open: that would help who forged it.
public enum CryptographyError: Error, Sendable, Hashable {
  /// A key, nonce, box or parameter has not the length or the range that its algorithm asks for.
  case parameter
  /// The key, the nonce, the authenticated context or the bytes are not those that were sealed.
  case authentication
  /// The text is no key, certificate or signature of the expected form.
  case malformed
  /// libcrypto gave up: out of memory, no random numbers, or an algorithm that its configuration switches off.
  case library
}

/// Turns libcrypto's "1 is fine" into an error.
func check(_ result: Int32, _ error: CryptographyError = .library) throws(CryptographyError) {
  guard result == 1 else { throw error }
}
