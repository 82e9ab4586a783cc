import Cryptography
import Foundation
import JSON
import Secrets

/// Private keys as text: PEM (RFC 7468), OpenSSH, and Google's JSON key files.
enum PrivateKeyText {
  /// What `bytes` are, or nil when they hold no private key.
  static func reading(of bytes: [UInt8], kinds: [CredentialKind]) -> CredentialReading? {
    if bytes.first == 0x7B, let reading = serviceAccount(bytes) { return reading }
    guard bytes.starts(with: "-----BEGIN ".utf8) else { return nil }
    let head = String(decoding: bytes.prefix { $0 != 0x0A && $0 != 0x5C }, as: UTF8.self)
    guard head.contains("PRIVATE KEY") else { return nil }
    if head.contains("OPENSSH") {
      return CredentialReading("ssh_private_key", secret: bytes, handle: publicFingerprint(ofOpenSSH: bytes))
    }
    // A PKCS#8 key inside a service account's file looks like any other.
    let mayBeGoogle = kinds.contains("gcp_service_account_key") && head.hasPrefix("-----BEGIN PRIVATE KEY")
    return CredentialReading(
      "private_key", secret: bytes, alternatives: mayBeGoogle ? ["gcp_service_account_key"] : [])
  }

  private static func serviceAccount(_ bytes: [UInt8]) -> CredentialReading? {
    let file: JSONValue
    do { file = try JSONValue(parsing: bytes) } catch { return nil }  // not JSON: other rules look at it
    guard file["type"]?.string == "service_account", let key = file["private_key"]?.string else { return nil }
    let names = [file["client_email"]?.string, file["private_key_id"]?.string].compactMap(\.self)
    return CredentialReading(
      "gcp_service_account_key", secret: Array(key.utf8),
      handle: names.isEmpty ? nil : names.joined(separator: "/"))
  }

  /// The bytes between the armour lines, decoded; nil when they are not base64 (an encrypted PEM has headers there).
  ///
  /// Line breaks may stand as the two characters `\n`, as in JSON files.
  static func decoded(_ bytes: [UInt8]) -> [UInt8]? {
    let text = String(decoding: bytes, as: UTF8.self).replacing("\\r", with: "").replacing("\\n", with: "\n")
    guard text.hasPrefix("-----BEGIN ") else { return nil }
    var body = ""
    for line in text.split(whereSeparator: \.isNewline).dropFirst() {
      if line.hasPrefix("-----END") { break }
      body += line.trimmingCharacters(in: .whitespaces)
    }
    guard let data = Data(base64Encoded: body), !data.isEmpty else { return nil }
    return Array(data)
  }

  /// `SHA256:…` as `ssh-keygen -l` prints it, from the public key that the file holds in the clear.
  /// Source: OpenSSH PROTOCOL.key.
  private static func publicFingerprint(ofOpenSSH bytes: [UInt8]) -> String? {
    guard let blob = decoded(bytes) else { return nil }
    let magic = Array("openssh-key-v1\0".utf8)
    guard blob.starts(with: magic) else { return nil }
    var rest = blob.dropFirst(magic.count)
    for _ in 0..<3 { guard field(&rest) != nil else { return nil } }  // cipher, kdf, kdf options
    guard let count = number(&rest), count >= 1, let key = field(&rest) else { return nil }
    let digest = Data(SHA256.hash(data: Array(key))).base64EncodedString()
    return "SHA256:" + digest.prefix { $0 != "=" }
  }

  private static func number(_ rest: inout ArraySlice<UInt8>) -> Int? {
    guard rest.count >= 4 else { return nil }
    defer { rest = rest.dropFirst(4) }
    return rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
  }

  private static func field(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let count = number(&rest), count <= rest.count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }
}
