import CryptoExtras
import Foundation
import SwiftASN1

/// The RSA key of an X.509 certificate (RFC 5280 §4.1). The chain is not checked: HTTPS to AWS's own host vouches for it, as
/// in AWS's SDKs.
struct SigningCertificate {
  let publicKey: _RSA.Signing.PublicKey

  /// - Throws: `.malformed` when it is no certificate with an RSA key; `.expired` outside its validity.
  init(pem: String, now: Date) throws(SignatureError) {
    let notValid = SignatureError(
      .malformed, "the signing certificate is no X.509 certificate with an RSA key")
    let parts: Parts
    do {
      let document = try PEMDocument(pemString: pem)
      guard document.discriminator == "CERTIFICATE" else { throw notValid }
      parts = try Parts(certificate: DER.parse(document.derBytes))
      publicKey = try _RSA.Signing.PublicKey(derRepresentation: parts.keyInfo)
    } catch {
      throw notValid
    }
    guard parts.notBefore <= now, now <= parts.notAfter else {
      throw SignatureError(.expired, "the signing certificate is not valid now")
    }
  }

  private struct Parts {
    let keyInfo: Data
    let notBefore: Date
    let notAfter: Date

    /// Certificate ::= SEQUENCE { tbsCertificate, … }; tbsCertificate ::= SEQUENCE { [0] version?, serialNumber, signature,
    /// issuer, validity, subject, subjectPublicKeyInfo, … }
    init(certificate: ASN1Node) throws {
      (keyInfo, notBefore, notAfter) = try DER.sequence(certificate, identifier: .sequence) { outer in
        guard let body = outer.next() else { throw ASN1Error.invalidASN1Object(reason: "no body") }
        while outer.next() != nil {}  // signature algorithm and value
        return try DER.sequence(body, identifier: .sequence) { nodes in
          var fields: [ASN1Node] = []
          while let node = nodes.next() { fields.append(node) }
          if fields.first?.identifier.tagClass == .contextSpecific { fields.removeFirst() }
          guard fields.count >= 6 else { throw ASN1Error.invalidASN1Object(reason: "too short") }
          let (first, last) = try Parts.validity(fields[3])
          return (Data(fields[5].encodedBytes), first, last)
        }
      }
    }

    private static func validity(_ node: ASN1Node) throws -> (Date, Date) {
      try DER.sequence(node, identifier: .sequence) { nodes in
        (try date(nodes.next()), try date(nodes.next()))
      }
    }

    private static func date(_ node: ASN1Node?) throws -> Date {
      guard let node else { throw ASN1Error.invalidASN1Object(reason: "no time") }
      let parts: [Int]
      if node.identifier == .utcTime {
        let time = try UTCTime(derEncoded: node)
        parts = [time.year, time.month, time.day, time.hours, time.minutes, time.seconds]
      } else {
        let time = try GeneralizedTime(derEncoded: node)
        parts = [time.year, time.month, time.day, time.hours, time.minutes, time.seconds]
      }
      var calendar = Calendar(identifier: .gregorian)
      calendar.timeZone = .gmt
      let components = DateComponents(
        year: parts[0], month: parts[1], day: parts[2], hour: parts[3], minute: parts[4], second: parts[5])
      guard let date = calendar.date(from: components) else {
        throw ASN1Error.invalidASN1Object(reason: "no such time")
      }
      return date
    }
  }
}
