import Cryptography
import Foundation

/// A name for a secret that reveals nothing about it: `s1:<key id>:<64 hex digits>`.
///
/// It is a keyed hash (HMAC-SHA256 under the installation's key): a plain hash of a weak password could be cracked.
/// The kind is not part of it, because two scanners name the same leak differently.
public struct Fingerprint: Hashable, Sendable, Codable, CustomStringConvertible {
  /// The text form.
  public let rawValue: String

  public init(rawValue: String) { self.rawValue = rawValue }
  public init(from decoder: any Decoder) throws {
    rawValue = try decoder.singleValueContainer().decode(String.self)
  }
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
  public var description: String { rawValue }
}

/// The installation's key for fingerprints. It lives in the state directory, mode 0600.
public final class FingerprintKey: Sendable {
  private let key: SymmetricKey
  /// The first eight hex digits of the key's own hash: tells which key made a fingerprint.
  public let id: String

  /// - Parameter bytes: 32 random bytes.
  public init(_ bytes: borrowing SecretBytes) {
    key = unsafe bytes.withUnsafeBytes { unsafe SymmetricKey(data: $0) }
    let digest = unsafe bytes.withUnsafeBytes {
      unsafe SHA256.hash(data: Array("staunch/key-id\0".utf8) + Array($0))
    }
    id = digest.prefix(4).map { Hex.byte($0) }.joined()
  }

  /// The fingerprint of canonical secret bytes.
  public func fingerprint(of secret: Secret) -> Fingerprint {
    let code = unsafe secret.withUnsafeBytes { bytes in
      var hmac = HMAC<SHA256>(key: key)
      hmac.update(data: Array("leak/v1\0".utf8))
      unsafe hmac.update(data: bytes)
      return hmac.finalize()
    }
    return Fingerprint(rawValue: "s1:\(id):" + code.map { Hex.byte($0) }.joined())
  }
}
