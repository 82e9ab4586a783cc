import Capabilities
import Cryptography
import Foundation
import Secrets

/// A request to Cloud Storage's XML API, signed with an HMAC key.
///
/// Source: https://cloud.google.com/storage/docs/authentication/signatures (`GOOG4-HMAC-SHA256`)
enum GCPHMACSignature {
  /// `GET /`, which lists buckets: a key without that right is told AccessDenied, and so that it is known.
  static func request(_ base: String, id: String, secret: Secret, project: String, at now: Date)
    -> SafeRequest
  {
    let address = URLComponents(string: base)
    let host = (address?.host ?? "") + (address?.port.map { ":\($0)" } ?? "")
    let time = stamp(now)
    let day = String(time.prefix(8))
    let empty = hex(SHA256.hash(data: [UInt8]()))
    let headers = [
      ("host", host), ("x-goog-content-sha256", empty), ("x-goog-date", time), ("x-goog-project-id", project),
    ]
    let names = headers.map(\.0).joined(separator: ";")
    let canonical =
      "GET\n/\n\n" + headers.map { "\($0.0):\($0.1)\n" }.joined() + "\n\(names)\n\(empty)"
    let scope = "\(day)/auto/storage/goog4_request"
    let text = "GOOG4-HMAC-SHA256\n\(time)\n\(scope)\n\(hex(SHA256.hash(data: Array(canonical.utf8))))"
    var key = SymmetricKey(data: Array("GOOG4".utf8) + secret.exposeAsBytes())
    for part in [day, "auto", "storage", "goog4_request"] {
      key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
    }
    let signature = hex(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key))
    return .get(
      base + "/",
      headers: headers.dropFirst().map { (name: $0.0, value: HTTPField.text($0.1)) } + [
        (
          name: "Authorization",
          value: .secret(
            prefix: "GOOG4-HMAC-SHA256 Credential=\(id)/\(scope),SignedHeaders=\(names),Signature=",
            Secret(signature))
        )
      ])
  }

  /// The error code of an answer in XML; nil: it has none, so it is not the API's own.
  static func code(of answer: HTTPResponse) -> String? {
    let text = String(decoding: answer.body.prefix(4096), as: UTF8.self)
    guard let start = text.firstRange(of: "<Code>"),
      let end = text[start.upperBound...].firstRange(of: "</Code>")
    else { return nil }
    let code = text[start.upperBound..<end.lowerBound]
    return code.count <= 60 && code.allSatisfy { $0.isASCII && $0.isLetter } ? String(code) : nil
  }

  /// `20261130T150000Z`.
  private static func stamp(_ now: Date) -> String {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: now)
    func two(_ number: Int?) -> String { String("0\(number ?? 0)".suffix(2)) }
    return "\(parts.year ?? 0)\(two(parts.month))\(two(parts.day))T\(two(parts.hour))\(two(parts.minute))"
      + "\(two(parts.second))Z"
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { String("0" + String($0, radix: 16)).suffix(2) }.joined()
  }
}
