import Capabilities
import Foundation
import JSON
import Secrets

/// Calls of one platform's JSON API below a base address of staunch.yaml. An address that a payload or an answer names is
/// never followed: pages are asked for by number or cursor.
struct PlatformAPI: Sendable {
  /// Without a slash at its end.
  let base: String
  /// A reference (`env:…`).
  let token: String
  /// `Bearer ` or `Token `.
  let scheme: String
  let headers: [(name: String, value: HTTPField)]
  let environment: AdapterEnvironment
  /// What the token must be allowed.
  let fix: String

  /// No list of ours is longer; beyond, something is wrong.
  private static let mostPages = 100

  init(
    base: String, token: String, scheme: String, headers: [(name: String, value: HTTPField)] = [],
    environment: AdapterEnvironment, fix: String
  ) {
    self.base = base.hasSuffix("/") ? String(base.dropLast()) : base
    self.token = token
    self.scheme = scheme
    self.headers = headers
    self.environment = environment
    self.fix = fix
  }

  func get(_ path: String) async throws(CapabilityError) -> JSONValue {
    let operation = "GET \(shown(path))"
    return try json(try await fetch(path, operation), operation)
  }

  /// All pages by number. - Parameter path: with or without a query.
  func pages(_ path: String) async throws(CapabilityError) -> [JSONValue] {
    var elements: [JSONValue] = []
    let operation = "GET \(shown(path))"
    for page in 1...Self.mostPages {
      let answer = try await fetch(query(path, "per_page=100&page=\(page)"), operation)
      guard let found = try json(answer, operation).array else { throw noList(operation) }
      elements += found
      if found.count < 100 { break }
    }
    return elements
  }

  /// All pages by the cursor of the `Link` header; only the cursor is taken from it.
  func cursorPages(_ path: String) async throws(CapabilityError) -> [JSONValue] {
    var elements: [JSONValue] = []
    var cursor: String?
    let operation = "GET \(shown(path))"
    for _ in 1...Self.mostPages {
      var asked = query(path, "per_page=100")
      if let cursor {
        asked += "&cursor=" + (cursor.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")
      }
      let answer = try await fetch(asked, operation)
      guard let found = try json(answer, operation).array else { throw noList(operation) }
      elements += found
      guard let next = Self.nextCursor(answer.headers["link"]), next != cursor else { break }
      cursor = next
    }
    return elements
  }

  func send(
    _ method: HTTPRequest.Method, _ path: String, _ body: JSONValue,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let operation = "\(method.rawValue) \(shown(path))"
    var fields = try await allHeaders()
    fields.append(("Content-Type", .text("application/json")))
    let answer = try await environment.http.send(
      HTTPRequest(method, base + path, headers: fields, body: .bytes(Data(body.canonicalBytes))),
      under: authority)
    if let failure = failure(answer, operation, changes: true) { throw failure }
  }

  private func fetch(_ path: String, _ operation: String) async throws(CapabilityError) -> HTTPResponse {
    let answer = try await environment.http.fetch(.get(base + path, headers: try await allHeaders()))
    if let failure = failure(answer, operation, changes: false) { throw failure }
    return answer
  }

  private func allHeaders() async throws(CapabilityError) -> [(name: String, value: HTTPField)] {
    let token = try await environment.sources.resolve(token)
    return [("Authorization", .secret(prefix: scheme, token))] + headers
  }

  private func query(_ path: String, _ more: String) -> String {
    path + (path.contains("?") ? "&" : "?") + more
  }

  private func shown(_ path: String) -> String {
    (URLComponents(string: base)?.path ?? "") + path.prefix { $0 != "?" }
  }

  private func json(_ answer: HTTPResponse, _ operation: String) throws(CapabilityError) -> JSONValue {
    do throws(JSONError) { return try JSONValue(parsing: answer.body) } catch {
      throw CapabilityError(.invalid, operation, because: "the answer is not JSON", fix: "check base_url")
    }
  }

  private func noList(_ operation: String) -> CapabilityError {
    CapabilityError(.invalid, operation, because: "the answer is no list", fix: "check base_url")
  }

  /// `<https://…?cursor=abc>; rel="next"` → `abc`.
  static func nextCursor(_ link: String?) -> String? {
    for part in (link ?? "").components(separatedBy: ", <") where part.contains("rel=\"next\"") {
      guard let end = part.firstIndex(of: ">") else { continue }
      let address = part[..<end].drop { $0 == "<" || $0 == " " }
      let items = URLComponents(string: String(address))?.queryItems ?? []
      if let cursor = items.first(where: { $0.name == "cursor" })?.value, !cursor.isEmpty { return cursor }
    }
    return nil
  }

  /// Rate limits come as 403 or 429: `retry-after`, else `x-ratelimit-reset`, else a minute.
  private func failure(_ answer: HTTPResponse, _ operation: String, changes: Bool) -> CapabilityError? {
    let now = environment.now()
    let isSpent = answer.headers["x-ratelimit-remaining"] == "0"
    let after = answer.retryAfter(now: now)
    guard answer.status == 429 || (answer.status == 403 && (isSpent || after != nil)) else {
      return answer.failure(operation, changes: changes, now: now, fix: fix)
    }
    let reset = answer.headers["x-ratelimit-reset"].flatMap { Double($0) }.map {
      Duration.seconds(max(1, Int(($0 - now.timeIntervalSince1970).rounded(.up))))
    }
    return CapabilityError(
      .rateLimit, operation, because: "too many requests (HTTP \(answer.status))",
      requestID: answer.headers["x-github-request-id"],
      retryAfter: after ?? (isSpent ? reset : nil) ?? .seconds(60))
  }
}
