import Cryptography
public import Foundation
import JSON
public import Secrets

/// The private key of a Google service account, as its key file holds it or alone.
///
/// Of the file only names and the key are used: its `token_uri` is whatever its writer wants it to be, and is never asked.
/// Source: https://developers.google.com/identity/protocols/oauth2/service-account
public struct GoogleKeyFile: Sendable {
  /// Who signs; nil where only the key is known.
  public let email: String?
  public let keyID: String?
  private let key: RSA.PrivateKey

  /// - Returns: nil when it is neither a key file nor an RSA key of 2,048 bits or more in PEM.
  public init?(reading secret: Secret) {
    var bytes = secret.exposeAsBytes()
    if bytes.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) == UInt8(ascii: "{") {
      // Not JSON: no key file, which the caller says.
      guard let file = try? JSONValue(parsing: bytes), file["type"]?.string == "service_account",
        let key = file["private_key"]?.string
      else { return nil }
      email = file["client_email"]?.string
      keyID = file["private_key_id"]?.string
      bytes = Array(key.utf8)
    } else {
      (email, keyID) = (nil, nil)
      // As it stands inside a JSON file: line breaks as two characters.
      bytes = Array(
        String(decoding: bytes, as: UTF8.self).replacing("\\r", with: "").replacing("\\n", with: "\n").utf8)
    }
    do throws(CryptographyError) { key = try RSA.PrivateKey(pem: bytes) } catch { return nil }
  }

  /// Whether a public key in PEM is its other half.
  public func isHalf(of pem: String) -> Bool {
    do throws(CryptographyError) { return try RSA.PublicKey(pem: pem).isSame(as: key.publicKey) } catch {
      return false  // no key at all
    }
  }

  /// A JWT with which a token is asked for (RFC 7523), good for ten minutes: clocks differ.
  /// - Parameters:
  ///   - email: the account, when the file does not say.
  ///   - keyID: the key's id, when the file does not say.
  ///   - audience: the address that grants the token, as Google spells it.
  /// - Returns: nil when libcrypto does not sign.
  public func assertion(
    as email: String, keyID: String?, scope: String, audience: String, at now: Date
  ) -> Secret? {
    var header: [String: JSONValue] = ["alg": "RS256", "typ": "JWT"]
    if let id = self.keyID ?? keyID { header["kid"] = .string(id) }
    let seconds = Int(now.timeIntervalSince1970)
    let claims: JSONValue = [
      "iss": .string(self.email ?? email), "scope": .string(scope), "aud": .string(audience),
      "iat": .integer(seconds), "exp": .integer(seconds + 600),
    ]
    let signed =
      Self.base64url(JSONValue.object(header).canonicalBytes) + "." + Self.base64url(claims.canonicalBytes)
    do throws(CryptographyError) {
      return Secret(signed + "." + Self.base64url(try key.signature(for: Array(signed.utf8))))
    } catch { return nil }
  }

  /// RFC 7515 §2.
  private static func base64url(_ bytes: some Collection<UInt8>) -> String {
    Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
      .replacing("=", with: "")
  }
}
