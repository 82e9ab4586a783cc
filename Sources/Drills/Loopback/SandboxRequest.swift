import Foundation
import JSON

/// What arrived at a sandbox server.
struct SandboxRequest: Sendable {
  let method: String
  /// Path and query as sent.
  let target: String
  /// Names in lower case.
  let headers: [String: String]
  let body: Data

  /// The path's parts, decoded, without the query.
  var path: [String] {
    target.prefix { $0 != "?" }.split(separator: "/").map { $0.removingPercentEncoding ?? String($0) }
  }

  /// The bearer token, or nil.
  var bearer: String? {
    guard let field = headers["authorization"], field.hasPrefix("Bearer ") else { return nil }
    return String(field.dropFirst("Bearer ".count))
  }

  /// The body as JSON, or nil when it is none.
  var json: JSONValue? {
    try? JSONDecoder().decode(JSONValue.self, from: body)  // "none" is an answer here
  }
}

/// What a sandbox server does with a request.
enum SandboxReply: Sendable {
  case answer(Int, headers: [String: String] = [:], body: Data = Data())
  /// Closes the connection: the reply is lost.
  case hangUp

  static func json(_ status: Int, _ value: JSONValue, headers: [String: String] = [:]) -> SandboxReply {
    .answer(
      status, headers: headers.merging(["content-type": "application/json"]) { own, _ in own },
      body: Data(value.canonicalBytes))
  }
}
