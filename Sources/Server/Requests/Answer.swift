import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// A response of the endpoint itself: short, never cached, saying nothing about what is behind it.
struct Answer: Sendable {
  var status: Int
  var body: String
  var contentType: String
  var fields: [(String, String)]
  /// True when the connection ends with it, because the rest of the request is not read.
  var closes = false

  init(
    _ status: Int, _ body: String = "", contentType: String = "text/plain; charset=utf-8",
    fields: [(String, String)] = []
  ) {
    self.status = status
    self.body = body
    self.contentType = contentType
    self.fields = fields
  }

  /// Stored, or known already: the sender cannot tell which.
  static let accepted = Answer(202)

  var response: Response {
    var headers = HTTPFields()
    headers[.cacheControl] = "no-store"
    if !body.isEmpty {
      headers[.contentType] = contentType
      if let name = HTTPField.Name("X-Content-Type-Options") { headers[name] = "nosniff" }
    }
    for (name, value) in fields { if let name = HTTPField.Name(name) { headers[name] = value } }
    if closes { headers[.connection] = "close" }
    return Response(
      status: HTTPTypes.HTTPResponse.Status(code: status), headers: headers,
      body: body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(string: body)))
  }
}
