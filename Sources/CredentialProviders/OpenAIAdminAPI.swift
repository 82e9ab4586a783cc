import Capabilities
import Foundation
import JSON
import Secrets

/// Calls with the admin key. Paths are the provider's own words; answers never go into errors.
struct OpenAIAdminAPI {
  let base: String
  let adminKey: String
  let environment: AdapterEnvironment

  private static let keyFix = "check admin_key in staunch.yaml: it must be an admin key of this organisation"

  func isAdminKey(_ secret: Secret) async throws(CapabilityError) -> Bool {
    try await environment.sources.resolve(adminKey).isSame(as: secret)
  }

  private func headers() async throws(CapabilityError) -> [(name: String, value: HTTPField)] {
    let key = try await environment.sources.resolve(adminKey)
    return [("Authorization", .secret(prefix: "Bearer ", key)), ("Content-Type", .text("application/json"))]
  }

  /// Every element of a paged list. - Throws: `.invalid` when the server pages in circles.
  func list(_ path: String, limit: Int = 100) async throws(CapabilityError) -> [JSONValue] {
    var elements: [JSONValue] = []
    var cursor = ""
    for _ in 0..<1000 {
      let operation = "GET \(path.prefix { $0 != "?" })"
      let url = base + path + (path.contains("?") ? "&" : "?") + "limit=\(limit)" + cursor
      let answer = try await environment.http.fetch(.get(url, headers: try await headers()))
      if let failure = answer.failure(operation, changes: false, now: environment.now(), fix: Self.keyFix) {
        throw failure
      }
      let page = try Self.json(answer, operation)
      guard let data = page["data"]?.array else {
        throw CapabilityError(.invalid, operation, because: "the answer is no list", fix: "check base_url")
      }
      elements += data
      guard page["has_more"]?.boolean == true else { return elements }
      // Lists of objects go on after an id, usage after a page token.
      if let next = page["next_page"]?.string {
        cursor = "&page=" + Self.escaped(next)
      } else if let last = page["last_id"]?.string ?? data.last?["id"]?.string {
        cursor = "&after=" + Self.escaped(last)
      } else {
        return elements
      }
    }
    throw CapabilityError(.invalid, "GET \(path)", because: "the list has no end")
  }

  func send(
    _ method: HTTPRequest.Method, _ path: String, body: JSONValue,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> JSONValue {
    let operation = "\(method.rawValue) \(path)"
    let answer = try await environment.http.send(
      HTTPRequest(
        method, base + path, headers: try await headers(), body: .bytes(Data(body.canonicalBytes)),
        timeout: .seconds(30)), under: authority)
    if let failure = answer.failure(operation, changes: true, now: environment.now(), fix: Self.keyFix) {
      throw failure
    }
    do throws(CapabilityError) {
      return try Self.json(answer, operation)
    } catch {
      throw CapabilityError(.unknownOutcome, operation, because: "it was done, but the answer is not JSON")
    }
  }

  /// Deletes; what is gone already is fine.
  func delete(_ path: String, under authority: borrowing ExecutionAuthority) async throws(CapabilityError) {
    let answer = try await environment.http.send(
      HTTPRequest(.delete, base + path, headers: try await headers()), under: authority)
    let failure = answer.failure("DELETE \(path)", changes: true, now: environment.now(), fix: Self.keyFix)
    if let failure, failure.class != .notFound { throw failure }
  }

  private static func json(_ answer: HTTPResponse, _ operation: String) throws(CapabilityError) -> JSONValue {
    do throws(JSONError) {
      return try JSONValue(parsing: answer.body)
    } catch {
      throw CapabilityError(.invalid, operation, because: "the answer is not JSON", fix: "check base_url")
    }
  }

  private static func escaped(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? text
  }
}
