import Capabilities
import Foundation
import JSON
import Secrets

/// `http.request`: one call. The body is built from YAML; a secret travels only as the bearer token.
struct HTTPRequestAction: EffectAction {
  let signature = ActionSignature.httpRequest
  let http: any HTTPTransport
  /// Longer replies are not kept.
  private static let limit = 64 << 10

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    let method = try method(call)
    let url = try url(call)
    return PlannedEffect(
      will: "send \(method.rawValue) \(url)", target: url, reversible: method == .get || method == .head,
      cannotPredict: ["what the server does with it"])
  }

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    let url = try url(call)
    let method = try method(call)
    var request = HTTPRequest(method, url, headers: try await headers(call, method))
    if let body = call.known("body") {
      guard let json = body.plainJSON else {
        throw CapabilityError(
          .unsafe, "\(method.rawValue) \(url)", because: "the body holds a secret or something unknown",
          fix: "pass the secret as bearer:")
      }
      request.body = .bytes(Data(json.canonicalBytes))
    }
    let response = try await http.send(request, under: authority)
    let wanted = try statuses(call)
    guard wanted.map({ $0.contains(response.status) }) ?? (200..<300).contains(response.status) else {
      throw failure(response, "\(method.rawValue) \(url)")
    }
    return ActionResult(outputs: ["status": .integer(response.status), "body": body(of: response)])
  }

  /// Only methods that RFC 9110 §9.2.2 calls idempotent are repeated.
  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    let method = try method(call)
    switch method {
    case .get, .head, .options, .put, .delete:
      return .notDone(evidence: "\(method.rawValue) is idempotent: it is sent again")
    case .post, .patch:
      return .unknown(reason: "whether the \(method.rawValue) arrived cannot be told from here")
    }
  }

  private func method(_ call: ActionCall) throws(CapabilityError) -> HTTPRequest.Method {
    let word = try call.text("method")
    guard let method = HTTPRequest.Method(rawValue: word.uppercased()) else {
      throw CapabilityError(
        .invalid, "step \(call.step)", because: "there is no HTTP method \"\(word)\"",
        fix: "use GET, HEAD, POST, PUT, PATCH or DELETE")
    }
    return method
  }

  private func url(_ call: ActionCall) throws(CapabilityError) -> String {
    let text = try call.text("url")
    guard let parts = URLComponents(string: text), let host = parts.host, !host.isEmpty else {
      throw CapabilityError(.invalid, "step \(call.step)", because: "the url is none")
    }
    guard parts.user == nil, parts.password == nil else {
      throw CapabilityError(
        .unsafe, "step \(call.step)", because: "the url holds credentials", fix: "pass them as bearer:")
    }
    let isLoopback = ["127.0.0.1", "localhost", "[::1]", "::1"].contains(host)
    guard parts.scheme == "https" || (parts.scheme == "http" && isLoopback) else {
      throw CapabilityError(
        .unsafe, "step \(call.step)", because: "the url is not https",
        fix: "write it with https: https://\(host)")
    }
    return text
  }

  private func headers(_ call: ActionCall, _ method: HTTPRequest.Method) async throws(CapabilityError)
    -> [(name: String, value: HTTPField)]
  {
    var headers: [(name: String, value: HTTPField)] = []
    for (name, value) in try call.texts("headers").sorted(by: { $0.key < $1.key }) {
      guard !name.contains(where: \.isNewline), !value.contains(where: \.isNewline) else {
        throw CapabilityError(.unsafe, "step \(call.step)", because: "a header holds a line break")
      }
      headers.append((name, .text(value)))
    }
    let names = Set(headers.map { $0.name.lowercased() })
    if call.known("body") != nil, !names.contains("content-type") {
      headers.append(("Content-Type", .text("application/json")))
    }
    if method == .post || method == .patch, !names.contains("idempotency-key") {
      headers.append(("Idempotency-Key", .text(call.marker)))
    }
    if call.known("bearer") != nil {
      headers.append(("Authorization", .secret(prefix: "Bearer ", try await call.secret("bearer"))))
    }
    return headers
  }

  private func statuses(_ call: ActionCall) throws(CapabilityError) -> [Int]? {
    guard let value = call.known("statuses") else { return nil }
    guard case .list(let elements) = value else { throw call.missing("statuses", .list(.integer)) }
    return elements.compactMap { if case .integer(let status) = $0 { status } else { nil } }
  }

  private func body(of response: HTTPResponse) -> Value {
    guard response.body.count <= Self.limit else { return .null }
    do {
      return .data(try JSONValue(parsing: response.body))
    } catch {
      return .null  // documented: null when the reply is no JSON
    }
  }

  private func failure(_ response: HTTPResponse, _ operation: String) -> CapabilityError {
    let kind: CapabilityError.Class
    switch response.status {
    case 429: kind = .rateLimit
    case 401, 403: kind = .refused
    case 404, 410: kind = .notFound
    case 409, 412: kind = .conflict
    case 500...: kind = .serverError
    default: kind = .invalid
    }
    return CapabilityError(
      kind, operation, because: "the server answered \(response.status)",
      fix: "see the server's own log, then: staunch resume, or leave the step out with staunch skip",
      requestID: response.headers["x-request-id"])
  }
}
