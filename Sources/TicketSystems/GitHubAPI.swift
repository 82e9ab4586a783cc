import Capabilities
import Foundation
import JSON
import Secrets

/// Calls of GitHub's REST API below one repository.
struct GitHubAPI {
  /// `https://api.github.com/repos/owner/name`
  let base: String
  let token: String
  let environment: AdapterEnvironment

  private static let tokenFix =
    "check the tracker's token: issues: write and metadata: read on this repository"

  private func headers() async throws(CapabilityError) -> [(name: String, value: HTTPField)] {
    let token = try await environment.sources.resolve(token)
    return [
      ("Authorization", .secret(prefix: "Bearer ", token)), ("Accept", .text("application/vnd.github+json")),
      ("X-GitHub-Api-Version", .text("2022-11-28")), ("Content-Type", .text("application/json")),
    ]
  }

  /// Whether everyone can read the repository, by what GitHub says now.
  func isPublic() async throws(CapabilityError) -> Bool {
    let operation = "GET \(path(""))"
    let answer = try await environment.http.fetch(.get(base, headers: try await headers()))
    if let failure = failure(answer, operation, changes: false) { throw failure }
    let repository = try json(answer, operation)
    // `internal` is readable by a whole enterprise; only a plain "private" counts as closed.
    return repository["visibility"]?.string.map { $0 != "private" }
      ?? (repository["private"]?.boolean != true)
  }

  /// The repository as GitHub describes it now, and the classic scopes of the token where GitHub names them.
  func repository() async throws(CapabilityError) -> (facts: JSONValue, scopes: [String]?) {
    let operation = "GET \(path(""))"
    let answer = try await environment.http.fetch(.get(base, headers: try await headers()))
    if let failure = failure(answer, operation, changes: false) { throw failure }
    let scopes = answer.headers["x-oauth-scopes"]?.split(separator: ",").map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    return (try json(answer, operation), scopes)
  }

  /// All pages, or the first ones. - Parameter path: with or without a query.
  func list(_ path: String, pages: Int = 1000) async throws(CapabilityError) -> [JSONValue] {
    var elements: [JSONValue] = []
    let operation = "GET \(self.path(String(path.prefix { $0 != "?" })))"
    for page in 1...pages {
      let url = base + path + (path.contains("?") ? "&" : "?") + "per_page=100&page=\(page)"
      let answer = try await environment.http.fetch(.get(url, headers: try await headers()))
      if let failure = failure(answer, operation, changes: false) { throw failure }
      guard let found = try json(answer, operation).array else {
        throw CapabilityError(.invalid, operation, because: "the answer is no list", fix: "check base_url")
      }
      elements += found
      if found.count < 100 { break }
    }
    return elements
  }

  func send(
    _ method: HTTPRequest.Method, _ path: String, _ body: JSONValue,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> JSONValue {
    let operation = "\(method.rawValue) \(self.path(path))"
    let answer = try await environment.http.send(
      HTTPRequest(method, base + path, headers: try await headers(), body: .bytes(Data(body.canonicalBytes))),
      under: authority)
    if let failure = failure(answer, operation, changes: true) { throw failure }
    do throws(CapabilityError) {
      return try json(answer, operation)
    } catch {
      throw CapabilityError(.unknownOutcome, operation, because: "it was done, but the answer is not JSON")
    }
  }

  private func path(_ path: String) -> String { (URLComponents(string: base)?.path ?? "") + path }

  private func json(_ answer: HTTPResponse, _ operation: String) throws(CapabilityError) -> JSONValue {
    do throws(JSONError) {
      return try JSONValue(parsing: answer.body)
    } catch {
      throw CapabilityError(.invalid, operation, because: "the answer is not JSON", fix: "check base_url")
    }
  }

  /// GitHub answers rate limits with 403 or 429: `retry-after`, else `x-ratelimit-reset`, else at least a minute.
  private func failure(_ answer: HTTPResponse, _ operation: String, changes: Bool) -> CapabilityError? {
    let now = environment.now()
    let isSpent = answer.headers["x-ratelimit-remaining"] == "0"
    let after = answer.retryAfter(now: now)
    if answer.status == 429 || (answer.status == 403 && (isSpent || after != nil)) {
      let reset = answer.headers["x-ratelimit-reset"].flatMap { Double($0) }.map {
        Duration.seconds(max(1, Int(($0 - now.timeIntervalSince1970).rounded(.up))))
      }
      return CapabilityError(
        .rateLimit, operation, because: "too many requests (HTTP \(answer.status))",
        requestID: answer.headers["x-github-request-id"],
        retryAfter: after ?? (isSpent ? reset : nil) ?? .seconds(60))
    }
    if answer.status == 410 {
      return CapabilityError(
        .configuration, operation, because: "issues are disabled in this repository",
        fix: "enable them in its settings, or name another repository in staunch.yaml")
    }
    return answer.failure(operation, changes: changes, now: now, fix: Self.tokenFix)
  }
}
