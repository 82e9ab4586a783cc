import COpenSSL
public import Foundation

/// What is read of an X.509 certificate (RFC 5280 §4.1). Its chain is not checked.
public struct Certificate: Sendable {
  public let publicKey: RSA.PublicKey
  public let notBefore: Date
  public let notAfter: Date

  /// - Parameter pem: `-----BEGIN CERTIFICATE-----` (RFC 7468 §5).
  /// - Throws: `.malformed` when it is no certificate with an RSA key of 2,048 bits or more.
  public init(pem: String) throws(CryptographyError) {
    guard let certificate = pem.withBytes({ PEM_read_bio_X509($0, nil, nil, nil) }) else { throw .malformed }
    defer { X509_free(certificate) }
    guard let key = X509_get_pubkey(certificate) else { throw .malformed }
    publicKey = try RSA.PublicKey(owning: key)
    guard let first = Self.date(X509_get0_notBefore(certificate)),
      let last = Self.date(X509_get0_notAfter(certificate))
    else { throw .malformed }
    notBefore = first
    notAfter = last
  }

  private static func date(_ time: UnsafePointer<ASN1_TIME>?) -> Date? {
    var parts = tm()
    guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
    return Date(timeIntervalSince1970: TimeInterval(timegm(&parts)))
  }
}
