public import Capabilities
import Foundation
public import JSON

// Lists that come in pages. Whatever says where the next page begins is only ever a number, an id or a token of the query.
extension RESTClient {
  /// How an API is asked for the next page of a list.
  public enum Paging: Sendable {
    /// `per_page=100&page=2` until a page is not full; the answer is the list itself (GitHub).
    case number
    /// `per_page=100&cursor=…`, the cursor taken out of the `Link` header; the answer is the list itself.
    case linkCursor
    /// `limit=100&after=ID` while `has_more`; the list is `data`, the id `last_id` or the last element's own.
    case afterID(String)
    /// `limit=N&page=TOKEN` while `has_more`; the list is `data`, the token `next_page`.
    case token(limit: Int)
  }

  /// No list of ours is longer; beyond, something is wrong.
  private static let mostPages = 1000

  /// Every element, in the order of the pages. - Throws: `.invalid` when an answer is no list or the pages go in circles.
  /// - Parameter count: as many pages and no more; all when nil.
  public func pages(_ path: String, by paging: Paging, first count: Int? = nil) async throws(CapabilityError)
    -> [JSONValue]
  {
    var elements: [JSONValue] = []
    let operation = "GET \(shown(path))"
    var next = Self.first(paging)
    var seen: Set<String> = []
    while let query = next {
      guard seen.insert(query).inserted, seen.count <= Self.mostPages else {
        throw CapabilityError(.invalid, operation, because: "the list has no end")
      }
      let answer = try await fetch(path + (path.contains("?") ? "&" : "?") + query)
      let page = try json(answer, operation)
      guard let found = Self.elements(page, paging) else {
        throw CapabilityError(.invalid, operation, because: "the answer is no list", fix: "check base_url")
      }
      elements += found
      if seen.count == count { break }
      next = Self.next(after: page, found, answer, paging, seen.count)
    }
    return elements
  }

  private static func first(_ paging: Paging) -> String? {
    switch paging {
    case .number: "per_page=100&page=1"
    case .linkCursor: "per_page=100"
    case .afterID: "limit=100"
    case .token(let limit): "limit=\(limit)"
    }
  }

  private static func elements(_ page: JSONValue, _ paging: Paging) -> [JSONValue]? {
    switch paging {
    case .number, .linkCursor: page.array
    case .afterID, .token: page["data"]?.array
    }
  }

  private static func next(
    after page: JSONValue, _ found: [JSONValue], _ answer: HTTPResponse, _ paging: Paging, _ count: Int
  ) -> String? {
    switch paging {
    case .number: return found.count < 100 ? nil : "per_page=100&page=\(count + 1)"
    case .linkCursor:
      return nextCursor(answer.headers["link"]).map { "per_page=100&cursor=\(escaped($0))" }
    case .afterID(let name):
      guard page["has_more"]?.boolean == true, let last = page["last_id"]?.string ?? found.last?["id"]?.string
      else { return nil }
      return "limit=100&\(name)=\(escaped(last))"
    case .token(let limit):
      guard page["has_more"]?.boolean == true, let token = page["next_page"]?.string else { return nil }
      return "limit=\(limit)&page=\(escaped(token))"
    }
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
}
