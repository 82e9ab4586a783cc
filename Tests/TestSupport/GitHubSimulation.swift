import Foundation
import JSON
import Synchronization

/// A simulation of the issues of one GitHub repository on loopback, written from the REST reference: what it proves is our
/// side only.
public final class GitHubSimulation: Sendable {
  public struct Issue: Sendable {
    public let number: Int
    public let title: String
    public let body: String
    public let labels: [String]
    public var state = "open"
    public var comments: [String] = []
  }
  private struct State: Sendable {
    var issues: [Issue] = []
    var visibility: String
    var lostReplies: Set<String> = []
    var lostRequests: Set<String> = []
    var refusals: [String: (Int, [String: String])] = [:]
    var answers: (@Sendable () -> Bool)?
  }

  public let repository = "acme/incidents"
  public let token: String
  private let box: Box
  private let server: LoopbackServer

  private final class Box: Sendable {
    let state: Mutex<State>
    init(_ state: State) { self.state = Mutex(state) }
  }

  /// - Parameter visibility: `private`, `internal` or `public`.
  public init(visibility: String = "private") throws {
    let token = "gh" + "p_" + UUID().uuidString
    self.token = token
    let (box, root) = (Box(State(visibility: visibility)), "/repos/\(repository)")
    self.box = box
    server = try LoopbackServer { request in
      box.state.withLock { Self.answer(request, &$0, token: token, root: root) }
    }
  }

  public var url: String { server.url }
  public var requests: [LoopbackServer.Request] { server.requests }
  public var issues: [Issue] { box.state.withLock { $0.issues } }

  /// The next request with this method and path (below the repository) is done, but its answer is lost.
  public func loseReply(to method: String, _ path: String) {
    box.state.withLock { _ = $0.lostReplies.insert("\(method) \(path)") }
  }

  /// The next request with this method and path breaks before anything is done.
  public func dropRequest(_ method: String, _ path: String) {
    box.state.withLock { _ = $0.lostRequests.insert("\(method) \(path)") }
  }

  /// Somebody who may write there says something.
  public func write(_ comment: String, onIssue number: Int) {
    box.state.withLock { $0.issues[number - 1].comments.append(comment) }
  }

  /// No request gets an answer that arrives before `answers` holds. Not so many requests: how many a client makes before it
  /// gives up depends on the machine's speed.
  public func fallSilent(until answers: @escaping @Sendable () -> Bool) {
    box.state.withLock { $0.answers = answers }
  }

  /// The next request with this method and path is refused.
  public func refuse(_ method: String, _ path: String, _ status: Int, _ headers: [String: String]) {
    box.state.withLock { $0.refusals["\(method) \(path)"] = (status, headers) }
  }

  private static func answer(
    _ request: LoopbackServer.Request, _ state: inout State, token: String, root: String
  )
    -> LoopbackServer.Reply
  {
    if let answers = state.answers {
      guard answers() else { return .silence }
      state.answers = nil
    }
    guard request.headers["authorization"] == "Bearer \(token)" else {
      return .json(401, #"{"message":"Bad"}"#)
    }
    guard request.path.hasPrefix(root) else { return .json(404, #"{"message":"Not Found"}"#) }
    let path = String(request.path.dropFirst(root.count))
    let name = "\(request.method) \(path)"
    if let (status, headers) = state.refusals.removeValue(forKey: name) {
      return .json(status, #"{"message":"simulated"}"#, headers: headers)
    }
    if state.lostRequests.remove(name) != nil { return .hangUp }
    let reply = route(request, path.split(separator: "/").map(String.init), &state)
    return state.lostReplies.remove(name) == nil ? reply : .hangUp
  }

  private static func route(_ request: LoopbackServer.Request, _ path: [String], _ state: inout State)
    -> LoopbackServer.Reply
  {
    let body = try? JSONValue(parsing: request.body)  // a GET has none
    let index = path.count > 1 ? Int(path[1]).map { $0 - 1 } : nil
    if path == ["issues", "comments"], request.method == "GET" {
      // Newest first, over all issues.
      let comments = state.issues.flatMap { issue in
        issue.comments.map { comment -> JSONValue in
          [
            "body": .string(comment),
            "issue_url": .string("https://api.github.example/repos/acme/incidents/issues/\(issue.number)"),
          ]
        }
      }
      return json(200, .array(page(comments.reversed(), request.query)))
    }
    if path.count > 1 {
      guard let index, state.issues.indices.contains(index) else {
        return .json(404, #"{"message":"Not Found"}"#)
      }
    }
    switch (request.method, path.count, path.last) {
    case ("GET", 0, _):
      return json(
        200, ["visibility": .string(state.visibility), "private": .boolean(state.visibility != "public")])
    case ("GET", 1, "issues"):
      let label = request.query["labels"] ?? ""
      let found = state.issues.filter { $0.labels.contains(label) }
      let ordered = request.query["direction"] == "desc" ? found.reversed() : found
      return json(200, .array(page(ordered.map(json(issue:)), request.query)))
    case ("POST", 1, "issues"):
      guard let title = body?["title"]?.string, let text = body?["body"]?.string else {
        return .json(422, #"{"message":"Validation Failed"}"#)
      }
      let issue = Issue(
        number: state.issues.count + 1, title: title, body: text,
        labels: body?["labels"]?.array?.compactMap(\.string) ?? [])
      state.issues.append(issue)
      return json(201, json(issue: issue))
    case ("PATCH", 2, _):
      guard let index, let word = body?["state"]?.string else { return .json(422, "{}") }
      state.issues[index].state = word
      return json(200, json(issue: state.issues[index]))
    case ("GET", 3, "comments"):
      guard let index else { return .json(404, "{}") }
      return json(
        200, .array(page(state.issues[index].comments.map { ["body": .string($0)] }, request.query)))
    case ("POST", 3, "comments"):
      guard let index, let text = body?["body"]?.string else { return .json(422, "{}") }
      state.issues[index].comments.append(text)
      return json(201, ["id": 1, "body": .string(text)])
    default: return .json(404, #"{"message":"Not Found"}"#)
    }
  }

  private static func page(_ elements: [JSONValue], _ query: [String: String]) -> [JSONValue] {
    let size = query["per_page"].flatMap { Int($0) } ?? 30
    let start = ((query["page"].flatMap { Int($0) } ?? 1) - 1) * size
    return Array(elements.dropFirst(start).prefix(size))
  }

  private static func json(issue: Issue) -> JSONValue {
    [
      "number": .integer(issue.number), "title": .string(issue.title), "body": .string(issue.body),
      "state": .string(issue.state),
      "html_url": .string("https://github.example/acme/incidents/issues/\(issue.number)"),
    ]
  }

  private static func json(_ status: Int, _ value: JSONValue) -> LoopbackServer.Reply {
    .json(status, value.canonicalText)
  }
}
