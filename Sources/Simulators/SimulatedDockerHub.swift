public import Foundation
import JSON
import Synchronization

/// A simulation of Docker Hub's personal access tokens, over the paths of its API that staunch uses: a token is exchanged for a
/// bearer token of ten minutes, which manages the account's tokens and outlives the one that drew it.
///
/// Written from the reference, not Docker Hub. Source: https://docs.docker.com/reference/api/hub/latest/
public final class SimulatedDockerHub: Sendable {
  struct Token: Sendable {
    let id: String
    let value: String
    let label: String
    let created: Date
    var isActive = true
    let isIssued: Bool
  }
  private struct State: Sendable {
    var tokens: [Token] = []
    /// Bearer token → when it ends.
    var bearers: [String: Date] = [:]
    var changes = 0
  }

  public let username: String
  private let now: @Sendable () -> Date
  private let state = Mutex(State())

  public init(username: String, now: @escaping @Sendable () -> Date) {
    self.username = username
    self.now = now
  }

  /// A token that is there already. - Returns: its id.
  @discardableResult
  public func makeToken(_ label: String, _ value: String) -> String {
    make(label, value, isIssued: false).id
  }

  private func make(_ label: String, _ value: String, isIssued: Bool) -> Token {
    let token = Token(
      id: UUID().uuidString.lowercased(), value: value, label: label, created: now(), isIssued: isIssued)
    state.withLock { $0.tokens.append(token) }
    return token
  }

  // MARK: what is true

  public func accepts(_ value: String) -> Bool {
    state.withLock { $0.tokens.contains { $0.value == value && $0.isActive } }
  }

  /// Values of the tokens that were made over the API.
  public var issued: [String] { state.withLock { $0.tokens.filter(\.isIssued).map(\.value) } }

  /// Requests so far that could have changed something.
  public var changes: Int { state.withLock { $0.changes } }

  // MARK: the API

  public func answer(_ request: SimulatedRequest) -> SimulatedReply {
    let path = request.path
    if request.method == "POST", path == ["v2", "auth", "token"] { return exchange(request.json ?? [:]) }
    let isKnown = state.withLock { $0.bearers[request.bearer ?? ""].map { $0 > now() } ?? false }
    guard isKnown else { return .json(401, ["detail": "unauthorized"]) }
    guard path.starts(with: ["v2", "access-tokens"]), path.count <= 3 else { return Self.absent }
    if request.method != "GET" { state.withLock { $0.changes += 1 } }
    switch (request.method, path.count) {
    case ("GET", 2): return list()
    case ("POST", 2):
      guard let label = request.json?["token_label"]?.string, !label.isEmpty else {
        return .json(400, ["detail": "token_label is required"])
      }
      return .json(201, Self.json(make(label, Self.newValue(), isIssued: true), isNew: true))
    case ("GET", 3): return change(path[2]) { _, _ in }
    case ("PATCH", 3):
      let isActive = request.json?["is_active"]?.boolean
      return change(path[2]) { tokens, index in
        if let isActive { tokens[index].isActive = isActive }
      }
    case ("DELETE", 3):
      let reply = change(path[2]) { tokens, index in tokens.remove(at: index) }
      if case .answer(200, _, _) = reply { return .answer(204) }
      return reply
    default: return .json(405, ["detail": "method not allowed"])
    }
  }

  private func exchange(_ body: JSONValue) -> SimulatedReply {
    guard body["identifier"]?.string == username, let value = body["secret"]?.string, accepts(value) else {
      return .json(401, ["detail": "incorrect authentication credentials"])
    }
    let bearer = "bearer-" + UUID().uuidString.lowercased()
    state.withLock { $0.bearers[bearer] = now().addingTimeInterval(600) }
    return .json(200, ["access_token": .string(bearer)])
  }

  private func list() -> SimulatedReply {
    let tokens = state.withLock { $0.tokens }
    return .json(
      200,
      [
        "count": .integer(tokens.count), "next": .null, "previous": .null,
        "results": .array(tokens.map { Self.json($0, isNew: false) }),
      ])
  }

  /// - Parameter body: changes the token at an index.
  private func change(_ id: String, _ body: @Sendable (inout [Token], Int) -> Void) -> SimulatedReply {
    state.withLock { state in
      guard let index = state.tokens.firstIndex(where: { $0.id == id }) else { return Self.absent }
      let before = state.tokens[index]
      body(&state.tokens, index)
      let after = state.tokens.first { $0.id == id } ?? before
      return .json(200, Self.json(after, isNew: false))
    }
  }

  /// The value is shown when it is made, and never again.
  private static func json(_ token: Token, isNew: Bool) -> JSONValue {
    [
      "uuid": .string(token.id), "token_label": .string(token.label), "is_active": .boolean(token.isActive),
      "created_at": .string(
        token.created.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))),
      "last_used": .null, "scopes": ["repo:read"], "token": isNew ? .string(token.value) : "",
    ]
  }

  private static func newValue() -> String { "dckr_" + "pat_" + SimulatedAWS.random("", 27) }

  private static let absent = SimulatedReply.json(404, ["detail": "not found"])
}
