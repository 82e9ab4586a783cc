import Foundation
public import JSON
import Synchronization

/// A mock of GitHub's REST API for secret scanning and webhook deliveries, and of GitGuardian's list of incidents, written
/// from their references: what it proves is our side only.
public final class SecretScanningSimulation: Sendable {
  public struct Alert: Sendable {
    public var type: String
    public var secret: String
    public var validity: String?
    public var state = "open"
    public var comment: String?
    /// Paths, one place each.
    public var paths: [String]
    public init(type: String, secret: String, paths: [String], validity: String? = nil) {
      self.type = type
      self.secret = secret
      self.paths = paths
      self.validity = validity
    }
  }

  private struct State: Sendable {
    var alerts: [String: [Int: Alert]] = [:]
    /// guid → (event, payload, status codes of its attempts)
    var deliveries: [(guid: String, event: String, payload: JSONValue, status: Int)] = []
    var incidents: [JSONValue] = []
    var refusal: (Int, [String: String])?
    var lostReply: String?
  }

  private final class Box: Sendable {
    let state = Mutex(State())
  }

  public let token: String
  private let box = Box()
  private let server: LoopbackServer

  /// - Parameter repositories: `owner/name` → GitHub's number.
  public init(_ repositories: [String: Int]) throws {
    let token = "platform" + "-" + UUID().uuidString
    self.token = token
    let box = box
    server = try LoopbackServer { request in
      guard ["Bearer \(token)", "Token \(token)"].contains(request.headers["authorization"]) else {
        return .json(401, #"{"message":"Bad credentials"}"#)
      }
      return box.state.withLock { state in
        if let (status, headers) = state.refusal {
          return .json(status, #"{"message":"simulated"}"#, headers: headers)
        }
        let reply = Self.answer(request, &state, repositories)
        guard state.lostReply == "\(request.method) \(request.path)" else { return reply }
        state.lostReply = nil
        return .hangUp
      }
    }
  }

  public var url: String { server.url }
  public var requests: [LoopbackServer.Request] { server.requests }

  public func put(_ alert: Alert, _ number: Int, in repository: String) {
    box.state.withLock { $0.alerts[repository, default: [:]][number] = alert }
  }

  public func alert(_ number: Int, in repository: String) -> Alert? {
    box.state.withLock { $0.alerts[repository]?[number] }
  }

  /// A webhook delivery with the status that it met.
  public func deliver(
    _ payload: JSONValue, guid: String, event: String = "secret_scanning_alert", status: Int
  ) {
    box.state.withLock { $0.deliveries.append((guid, event, payload, status)) }
  }

  /// An incident of the GitGuardian workspace.
  public func open(_ incident: JSONValue) { box.state.withLock { $0.incidents.append(incident) } }

  /// From now on everything is refused; nil: answered again.
  public func refuse(_ status: Int?, headers: [String: String] = [:]) {
    box.state.withLock { $0.refusal = status.map { ($0, headers) } }
  }

  /// The next such request is done, but its answer is lost.
  public func loseReply(to method: String, _ path: String) {
    box.state.withLock { $0.lostReply = "\(method) \(path)" }
  }

  private static func answer(
    _ request: LoopbackServer.Request, _ state: inout State, _ repositories: [String: Int]
  ) -> LoopbackServer.Reply {
    let path = request.path.split(separator: "/").map(String.init)
    if path == ["v1", "incidents", "secrets"] { return json(.array(state.incidents)) }
    guard path.count >= 3, path[0] == "repos" else { return .json(404, "{}") }
    let name = "\(path[1])/\(path[2])"
    guard let id = repositories[name] else { return .json(404, #"{"message":"Not Found"}"#) }
    let rest = Array(path[3...])
    switch (request.method, rest.count, rest.first) {
    case ("GET", 0, _): return json(["id": .integer(id), "full_name": .string(name)])
    case ("GET", 2, "secret-scanning"):
      let open = (state.alerts[name] ?? [:]).filter { $0.value.state == "open" }.sorted { $0.key < $1.key }
      return json(.array(open.map { alert($0.key, $0.value, isHidden: true, base: name) }))
    case ("GET", 3, "secret-scanning"):
      guard let number = Int(rest[2]), let found = state.alerts[name]?[number] else {
        return .json(404, "{}")
      }
      return json(alert(number, found, isHidden: request.query["hide_secret"] == "true", base: name))
    case ("PATCH", 3, "secret-scanning"):
      let body = try? JSONValue(parsing: request.body)  // none: 422
      guard let number = Int(rest[2]), state.alerts[name]?[number] != nil,
        let word = body?["state"]?.string, body?["resolution"]?.string != nil
      else { return .json(422, "{}") }
      state.alerts[name]?[number]?.state = word
      state.alerts[name]?[number]?.comment = body?["resolution_comment"]?.string
      return .json(200, "{}")
    case ("GET", 4, "secret-scanning"):
      guard let number = Int(rest[2]), let found = state.alerts[name]?[number] else {
        return .json(404, "{}")
      }
      return json(.array(found.paths.map(place)))
    case ("GET", 1, "hooks"): return json([["id": 5]])
    case ("GET", 3, "hooks"):
      return json(
        .array(
          state.deliveries.enumerated().map { index, delivery in
            [
              "id": .integer(index + 100), "guid": .string(delivery.guid), "event": .string(delivery.event),
              "status_code": .integer(delivery.status),
            ]
          }))
    case ("GET", 4, "hooks"):
      guard let index = Int(rest[3]).map({ $0 - 100 }), state.deliveries.indices.contains(index) else {
        return .json(404, "{}")
      }
      return json(["request": ["payload": state.deliveries[index].payload]])
    default: return .json(404, #"{"message":"Not Found"}"#)
    }
  }

  private static func alert(_ number: Int, _ alert: Alert, isHidden: Bool, base: String) -> JSONValue {
    var members: [String: JSONValue] = [
      "number": .integer(number), "state": .string(alert.state), "secret_type": .string(alert.type),
      "created_at": "2026-01-02T03:04:05Z",
      "html_url": .string("https://github.example/\(base)/security/secret-scanning/\(number)"),
    ]
    if !isHidden { members["secret"] = .string(alert.secret) }
    members["validity"] = alert.validity.map { .string($0) }
    return .object(members)
  }

  private static func place(_ path: String) -> JSONValue {
    [
      "type": "commit",
      "details": [
        "path": .string(path), "start_line": 3, "end_line": 3, "start_column": 1, "end_column": 60,
        "blob_sha": .string(String(repeating: "b", count: 40)),
        "commit_sha": .string(String(repeating: "c", count: 40)),
      ],
    ]
  }

  private static func json(_ value: JSONValue) -> LoopbackServer.Reply { .json(200, value.canonicalText) }
}
