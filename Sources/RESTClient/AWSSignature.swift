public import Capabilities
import Cryptography
public import Foundation
public import Secrets

/// A key pair of AWS, and the token that goes with a temporary one.
public struct AWSKeys: Sendable {
  /// `AKIA…` lasts, `ASIA…` is temporary. Not secret.
  public let accessKeyID: String
  public let secretAccessKey: Secret
  public let sessionToken: Secret?

  public init(accessKeyID: String, secretAccessKey: Secret, sessionToken: Secret? = nil) {
    self.accessKeyID = accessKeyID
    self.secretAccessKey = secretAccessKey
    self.sessionToken = sessionToken
  }
}

/// A request's signature, version 4: who sends it, when, and that nobody changed it.
///
/// Ours and not libcurl's, whose `--aws-sigv4` is right for a POST to `/` and wrong for queries that are not sorted.
/// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
public struct AWSSignature: Sendable {
  /// The service's signing name: `iam`, `sts`, `secretsmanager`.
  public let service: String
  public let region: String

  public init(service: String, region: String) {
    self.service = service
    self.region = region
  }

  /// `X-Amz-Date`, `X-Amz-Security-Token` for temporary keys, and `Authorization`, in this order.
  /// - Parameters:
  ///   - url: absolute; every part of its query percent-encoded already.
  ///   - headers: what else is signed; all of them are sent as they stand here.
  ///   - date: when the request is sent, to the second: AWS takes it for five minutes.
  public func headers(
    _ method: String, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8],
    keys: AWSKeys, date: Date
  ) -> [(name: String, value: Secret)] {
    let time = Self.time(date)
    let day = time.prefix(8)
    let (host, path, query) = Self.parts(url)
    var signed = headers.map { ($0.name.lowercased(), Self.trimmed($0.value)) }
    signed += [("host", host), ("x-amz-date", time)]
    if let token = keys.sessionToken { signed.append(("x-amz-security-token", token.exposeAsText())) }
    signed.sort { $0.0 < $1.0 }
    let names = signed.map { $0.0 }.joined(separator: ";")
    let canonical =
      [method, path.isEmpty ? "/" : path, query].joined(separator: "\n") + "\n"
      + signed.map { "\($0.0):\($0.1)\n" }.joined() + "\n\(names)\n" + Hex.text(SHA256.hash(data: body))
    let scope = "\(day)/\(region)/\(service)/aws4_request"
    let text = "AWS4-HMAC-SHA256\n\(time)\n\(scope)\n" + Hex.text(SHA256.hash(data: Array(canonical.utf8)))
    var key = SymmetricKey(data: Array("AWS4".utf8) + keys.secretAccessKey.exposeAsBytes())
    for part in [String(day), region, service, "aws4_request"] {
      key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
    }
    let signature = Hex.text(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key))
    var result = [(name: "X-Amz-Date", value: Secret(time))]
    if let token = keys.sessionToken { result.append(("X-Amz-Security-Token", token)) }
    let credential = "Credential=\(keys.accessKeyID)/\(scope)"
    result.append(
      (
        "Authorization",
        Secret("AWS4-HMAC-SHA256 \(credential), SignedHeaders=\(names), Signature=\(signature)")
      ))
    return result
  }

  /// A GET as S3 wants it: with the hash of its empty body.
  /// - Parameters:
  ///   - url: with every part ``escaped(_:besides:)``.
  ///   - headers: what else is sent, unsigned: ranges and conditions.
  public func get(
    _ url: String, headers: [(name: String, value: String)] = [], keys: AWSKeys, date: Date,
    timeout: Duration = .seconds(20)
  ) -> SafeRequest {
    let named = [(name: "X-Amz-Content-Sha256", value: Self.hashOfNothing)]
    let signature = self.headers("GET", url, headers: named, body: [], keys: keys, date: date)
    return .get(
      url,
      headers: (named + headers).map { ($0.name, .text($0.value)) }
        + signature.map { ($0.name, .secret(prefix: "", $0.value)) },
      timeout: timeout)
  }

  /// `text` as a part of a path or query, as AWS writes it before it signs: an escape that it would not make is another signature.
  /// - Parameter others: further characters that stay, `/` of a key.
  /// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (UriEncode)
  public static func escaped(_ text: String, besides others: String = "") -> String {
    let kept = Set(others.utf8)
    var result = ""
    for byte in text.utf8 {
      let isLetter =
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      if isLetter || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte) || kept.contains(byte) {
        result.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        result += byte < 16 ? "%0\(digits)" : "%\(digits)"
      }
    }
    return result
  }

  /// SHA-256 of an empty body, which S3 wants in a header.
  static let hashOfNothing = Hex.text(SHA256.hash(data: [UInt8]()))

  /// `20150830T123600Z`
  static func time(_ date: Date) -> String {
    let text = date.formatted(.iso8601)
    return text.filter { $0 != "-" && $0 != ":" }
  }

  /// Host with its port, path, and the query sorted as AWS sorts it.
  private static func parts(_ url: String) -> (host: String, path: String, query: String) {
    let rest = url.range(of: "://").map { url[$0.upperBound...] } ?? url[...]
    let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
    let (path, query) =
      rest[end...].firstIndex(of: "?").map { (rest[end..<$0], rest[rest.index(after: $0)...]) }
      ?? (rest[end...], "")
    let items = query.split(separator: "&").map { $0.contains("=") ? String($0) : "\($0)=" }.sorted {
      Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8))
    }
    return (String(rest[..<end]).lowercased(), String(path), items.joined(separator: "&"))
  }

  /// Without spaces at its ends, and one where several stood.
  private static func trimmed(_ value: String) -> String {
    value.split(separator: " ").joined(separator: " ")
  }
}
