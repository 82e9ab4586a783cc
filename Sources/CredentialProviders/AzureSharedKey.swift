import Capabilities
import Cryptography
import Foundation
import Incidents
import Secrets

/// A request to the Blob service, signed with an account key, and what its answer says of the key.
///
/// Source: https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
enum AzureSharedKey {
  /// The key of a connection string (`AccountKey=…;`), or the text itself.
  static func key(in secret: Secret) -> Secret {
    let text = secret.exposeAsText()
    guard let start = text.range(of: "AccountKey=") else { return secret }
    return Secret(String(text[start.upperBound...].prefix { $0 != ";" && !$0.isWhitespace && $0 != "\"" }))
  }

  /// Lists one container's name at most. - Returns: nil when the key is not base64.
  static func request(_ base: String, account: String, key: Secret, at now: Date) -> SafeRequest? {
    guard let bytes = Data(base64Encoded: key.exposeAsText()), !bytes.isEmpty else { return nil }
    let (date, version) = (stamp(now), "2021-08-06")
    let text =
      "GET\n" + String(repeating: "\n", count: 11) + "x-ms-date:\(date)\nx-ms-version:\(version)\n"
      + "/\(account)/\ncomp:list\nmaxresults:1"
    let signature = Data(
      HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: Array(bytes))))
    return .get(
      base + "/?comp=list&maxresults=1",
      headers: [
        ("x-ms-date", .text(date)), ("x-ms-version", .text(version)),
        ("Authorization", .secret(prefix: "SharedKey \(account):", Secret(signature.base64EncodedString()))),
      ])
  }

  /// Source of the codes: https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
  static func probe(_ answer: HTTPResponse) -> CredentialProbe {
    let code = answer.headers["x-ms-error-code"]
    switch (answer.status, code) {
    case (200, _): return CredentialProbe(.alive, code: "200")
    case (403, "AuthenticationFailed"?):
      let text = String(decoding: answer.body.prefix(8192), as: UTF8.self)
      if text.contains("date header") {
        return CredentialProbe(
          .unknown, code: "403 AuthenticationFailed, the clock of this machine and Azure's differ")
      }
      return text.contains("MAC signature")
        ? CredentialProbe(.dead, code: "403 AuthenticationFailed")
        : CredentialProbe(.unknown, code: "403 AuthenticationFailed, for another reason than the signature")
    case (403, "KeyBasedAuthenticationNotPermitted"?):
      return CredentialProbe(
        .unknown,
        code: "403 KeyBasedAuthenticationNotPermitted: keys are switched off, and work again when switched on"
      )
    case (let status, let code):
      // Azure's own words are letters.
      let word = code.flatMap { $0.count <= 60 && $0.allSatisfy { $0.isASCII && $0.isLetter } ? $0 : nil }
      return CredentialProbe(.unknown, code: "\(status)" + (word.map { " \($0)" } ?? ""))
    }
  }

  /// `Mon, 30 Nov 2026 15:00:00 GMT` (RFC 9110 §5.6.7).
  private static func stamp(_ now: Date) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(secondsFromGMT: 0)
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    return formatter.string(from: now)
  }
}
