import Capabilities
import Foundation

/// A SCRAM-SHA-256 verifier, checked: `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`.
///
/// PostgreSQL silently takes a malformed verifier as a plaintext password, so nothing unchecked is ever sent.
/// Source: https://www.postgresql.org/docs/15/catalog-pg-authid.html
struct ScramVerifier {
  let text: String

  /// - Throws: `.unsafe`; the text is not shown.
  init(_ text: String) throws(CapabilityError) {
    let parts = text.split(separator: "$", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "SCRAM-SHA-256",
      let (iterations, salt) = Self.pair(parts[1]), let (stored, server) = Self.pair(parts[2]),
      let rounds = Int(iterations), rounds >= 4096,
      let saltBytes = Data(base64Encoded: salt), saltBytes.count >= 16,
      Data(base64Encoded: stored)?.count == 32, Data(base64Encoded: server)?.count == 32
    else {
      throw CapabilityError(
        .unsafe, "ALTER ROLE",
        because: "the password verifier is malformed and would be taken as a plaintext password",
        fix: "check the version of libpq: it must be 10 or newer")
    }
    self.text = text
  }

  private static func pair(_ text: Substring) -> (String, String)? {
    let halves = text.split(separator: ":", omittingEmptySubsequences: false)
    return halves.count == 2 ? (String(halves[0]), String(halves[1])) : nil
  }
}
