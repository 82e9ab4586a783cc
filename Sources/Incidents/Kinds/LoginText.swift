import Foundation
import Secrets

// `user:password`, as programs take a login on their command line. Scanners that look for it report all of it as the value;
// what somebody logs in with, and what has to be searched for, is one half.
extension CredentialReading {
  /// Reads a value of which its rule says that it is a login: of curl's `-u`, or of a header `Authorization: Basic`, where it
  /// is base64. Rules of gitleaks, Betterleaks, Kingfisher and GitHub (measured).
  ///
  /// - Returns: nil when the rule says nothing of the kind, or the value is no login (a bearer token).
  static func login(_ bytes: [UInt8], rule: String, table: KindTable) -> CredentialReading? {
    var bytes = bytes
    switch rule.split(separator: ".").last ?? "" {
    case "curl-auth-user": break
    case "curl-auth-header", "http_basic_authentication_header":
      guard let decoded = basic(bytes) else { return nil }
      bytes = decoded
    default: return nil
    }
    guard let colon = bytes.firstIndex(of: 0x3A) else { return nil }
    let user = Array(bytes[..<colon])
    let password = Array(bytes[(colon + 1)...])
    // Either half may be a token that tells what it opens; `token:` and `token:x-oauth-basic` are usual.
    for half in [password, user] where !half.isEmpty {
      let reading = CredentialReading(of: Secret(SecretBytes(copying: half)), kinds: [], table: table)
      if reading.kind != KindTable.unknownKind, reading.secret != nil { return reading }
    }
    let secret = password.isEmpty ? user : password
    guard !secret.isEmpty else { return nil }
    let name = password.isEmpty || user.isEmpty ? nil : String(decoding: user, as: UTF8.self)
    return CredentialReading("basic_auth_url", secret: Placeholder.isOne(secret) ? nil : secret, handle: name)
  }

  /// The text behind `Basic`; nil when it holds no login.
  private static func basic(_ bytes: [UInt8]) -> [UInt8]? {
    var text = String(decoding: bytes, as: UTF8.self)
    if text.lowercased().hasPrefix("basic ") { text = String(text.dropFirst("basic ".count)) }
    text = text.trimmingCharacters(in: .whitespaces)
    guard let data = Data(base64Encoded: text), let login = String(validating: data, as: UTF8.self),
      login.contains(":"), !login.unicodeScalars.contains(where: { $0.value < 0x20 })
    else { return nil }
    return Array(login.utf8)
  }
}
