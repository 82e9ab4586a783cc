public import Foundation
public import JSON

/// What arrived at a simulated API, whatever carried it: a drill's loopback server, or a test's.
public struct SimulatedRequest: Sendable {
  public let method: String
  /// Path and query as sent.
  public let target: String
  /// Names in lower case.
  public let headers: [String: String]
  public let body: Data

  public init(method: String, target: String, headers: [String: String], body: Data) {
    self.method = method
    self.target = target
    self.headers = headers
    self.body = body
  }

  /// The path as sent, without the query.
  public var location: String { String(target.prefix { $0 != "?" }) }

  /// The path's parts, decoded, without the query.
  public var path: [String] {
    location.split(separator: "/").map { $0.removingPercentEncoding ?? String($0) }
  }

  /// The decoded query; the last of several of one name.
  public var query: [String: String] {
    let items = URLComponents(string: target)?.queryItems ?? []
    return Dictionary(items.map { ($0.name, $0.value ?? "") }) { _, last in last }
  }

  /// The decoded form of the body (application/x-www-form-urlencoded); the last of several of one name.
  public var form: [String: String] {
    let pairs = String(decoding: body, as: UTF8.self).split(separator: "&").map { pair in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
        $0.replacing("+", with: " ").removingPercentEncoding ?? String($0)
      }
      return (parts[0], parts.count > 1 ? parts[1] : "")
    }
    return Dictionary(pairs) { _, last in last }
  }

  /// The bearer token, or nil.
  public var bearer: String? {
    guard let field = headers["authorization"], field.hasPrefix("Bearer ") else { return nil }
    return String(field.dropFirst("Bearer ".count))
  }

  /// The body as JSON, or nil when it is none.
  public var json: JSONValue? {
    try? JSONValue(parsing: body)  // "none" is an answer here
  }
}

/// What a simulated API does with a request.
public enum SimulatedReply: Sendable {
  case answer(Int, headers: [String: String] = [:], body: Data = Data())
  /// Closes the connection: the reply is lost.
  case hangUp

  public static func json(_ status: Int, _ value: JSONValue, headers: [String: String] = [:])
    -> SimulatedReply
  {
    .answer(
      status, headers: headers.merging(["content-type": "application/json"]) { own, _ in own },
      body: Data(value.canonicalBytes))
  }
}
