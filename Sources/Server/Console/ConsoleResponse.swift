import Cryptography
import Foundation
import HTTPTypes
import HummingbirdCore
import JSON
import NIOCore

/// Responses of the console: every one says what a browser may do with it.
enum ConsoleResponse {
  /// No inline script, no inline style, nothing from elsewhere, in no frame.
  static let policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    + "frame-ancestors 'none'; base-uri 'none'"

  static func page(_ html: String, status: Int = 200, fields: [(String, String)] = []) -> Response {
    make(status, "text/html; charset=utf-8", Array(html.utf8), fields: fields)
  }

  static func json(_ value: JSONValue, status: Int = 200, fields: [(String, String)] = []) -> Response {
    make(status, "application/json", value.canonicalBytes, fields: fields)
  }

  /// RFC 9457.
  static func problem(_ status: Int, _ title: String, detail: String? = nil, fields: [(String, String)] = [])
    -> Response
  {
    var members: [String: JSONValue] = [
      "type": "about:blank", "title": .string(title), "status": .integer(status),
    ]
    if let detail { members["detail"] = .string(detail) }
    return make(status, "application/problem+json", JSONValue.object(members).canonicalBytes, fields: fields)
  }

  /// POST-redirect-GET: loading the page again does not send the form again.
  static func redirect(_ address: String, fields: [(String, String)] = []) -> Response {
    make(303, nil, [], fields: [("Location", address)] + fields)
  }

  static func asset(_ file: ConsoleAssets.File) -> Response {
    make(200, file.type, file.bytes, cache: "public, max-age=31536000, immutable")
  }

  /// The post-mortem, which is a whole document with its own style: nothing in it runs.
  static func document(_ html: String) -> Response {
    let hashes = html.matches(of: /<style>(.*?)<\/style>/.dotMatchesNewlines()).map {
      "'sha256-\(Data(SHA256.hash(data: Data($0.output.1.utf8))).base64EncodedString())'"
    }
    let style = hashes.isEmpty ? "'none'" : hashes.joined(separator: " ")
    return make(
      200, "text/html; charset=utf-8", Array(html.utf8),
      policy: "default-src 'none'; style-src \(style); frame-ancestors 'none'; base-uri 'none'; sandbox")
  }

  static func make(
    _ status: Int, _ type: String?, _ bytes: [UInt8], cache: String = "no-store", policy: String = policy,
    fields: [(String, String)] = []
  ) -> Response {
    var headers = HTTPFields()
    if let type { headers[.contentType] = type }
    headers[.cacheControl] = cache
    let all = [
      ("Content-Security-Policy", policy), ("X-Content-Type-Options", "nosniff"),
      ("Referrer-Policy", "no-referrer"), ("X-Frame-Options", "DENY"),
      ("Cross-Origin-Opener-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin"),
    ]
    for (name, value) in all + fields {
      if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
    }
    let body = bytes.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
    return Response(status: HTTPTypes.HTTPResponse.Status(code: status), headers: headers, body: body)
  }
}
