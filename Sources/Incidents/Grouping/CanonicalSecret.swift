public import Secrets

/// The bytes that are fingerprinted, so that one secret written in several ways has one fingerprint.
///
/// A private key counts by its decoded bytes (line breaks do not matter); everything else is byte-exact, without Unicode
/// normalisation. Quotes, percent-encoding and base64 were already undone by ``CredentialReading``.
public enum CanonicalSecret {
  /// The canonical bytes of `secret`.
  public static func of(_ secret: Secret) -> Secret {
    let bytes = CredentialReading.trimmed(secret.exposeAsBytes())
    return Secret(SecretBytes(copying: PrivateKeyText.decoded(bytes) ?? bytes))
  }

  /// True for the values that vendors print in their documentation (`…EXAMPLE`, `…EXAMPLEKEY`).
  public static func isExample(_ secret: Secret?, handle: String?) -> Bool {
    let texts = [secret?.exposeAsText(), handle].compactMap(\.self)
    return texts.contains { $0.hasSuffix("EXAMPLE") || $0.hasSuffix("EXAMPLEKEY") }
  }

  /// True for keys of a provider's test mode, which move no money and open no data.
  public static func isTestKey(_ secret: Secret?) -> Bool {
    guard let bytes = secret?.exposeAsBytes() else { return false }
    return ["sk_test_", "rk_test_", "pk_test_"].contains { bytes.starts(with: $0.utf8) }
  }
}
