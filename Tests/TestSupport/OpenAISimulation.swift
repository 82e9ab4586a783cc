import Foundation
import JSON
import Synchronization

/// A simulation of the parts of OpenAI's API that staunch uses, on loopback. It really accepts and rejects keys.
///
/// Written from the API reference (administration: project API keys, service accounts, usage; models; error codes); what
/// it proves is our side only.
public final class OpenAISimulation: Sendable {
  private struct Key: Sendable {
    let id: String
    let value: String
    let account: String?
    var lastUsed: Int?
    /// Nil: it may do everything.
    var scopes: [String]?
    var lifetime: Int?
  }
  private struct State: Sendable {
    var keys: [Key] = []
    var accounts: [(id: String, name: String)] = []
    /// Accounts without a role, whose keys may do nothing.
    var roleless: Set<String> = []
    var next = 1
    var lostReplies: Set<String> = []
    var statuses: [String: Int] = [:]
    var usage = Usage()
    var refusesKeys = false
    var keepsDeleted = false
    var refusesSingleKeys = false
  }

  /// What the usage API has: days since 1970, and the requests of some of them.
  public struct Usage: Sendable {
    public var days: Range<Int> = 0..<0
    /// Endpoint (`completions`, …) → day → requests.
    public var requests: [String: [Int: Int]] = [:]
    /// Days whose results name no count, as after a change of the API.
    public var uncounted: Set<Int> = []
    /// Endpoints that the API knows.
    public var kinds: Set<String> = [
      "completions", "embeddings", "moderations", "images", "audio_speeches", "audio_transcriptions",
    ]
    public init() {}
  }

  public let project = "proj_simulated"
  public let adminKey: String
  private let box: Box
  private let server: LoopbackServer

  /// Holds the state apart from the server, whose closure must not keep the server alive.
  private final class Box: Sendable { let state = Mutex(State()) }

  public init() throws {
    let adminKey = "sk-" + "admin-" + UUID().uuidString
    self.adminKey = adminKey
    let (box, project) = (Box(), project)
    self.box = box
    server = try LoopbackServer { request in
      box.state.withLock { Self.answer(request, &$0, admin: adminKey, project: project) }
    }
  }

  public var url: String { server.url }
  public var requests: [LoopbackServer.Request] { server.requests }

  /// Adds a key of a person, or of a new service account. - Returns: its id and value.
  public func addKey(account: String? = nil, value: String? = nil) -> (id: String, value: String) {
    box.state.withLock { state in
      var owner: String?
      if let account {
        owner = state.accounts.first { $0.name == account }?.id ?? "svc_acct_\(state.next)"
        if let owner, !state.accounts.contains(where: { $0.id == owner }) {
          state.accounts.append((owner, account))
        }
      }
      return Self.make(&state, account: owner, value: value)
    }
  }

  /// The next request with this method and path is done, but its answer is lost.
  public func loseReply(to method: String, _ path: String) {
    box.state.withLock { _ = $0.lostReplies.insert("\(method) \(path)") }
  }

  /// From now on `method path` gets `status` and nothing is done; nil ends it.
  public func answer(_ method: String, _ path: String, with status: Int?) {
    box.state.withLock { $0.statuses["\(method) \(path)"] = status }
  }

  /// Sets what the usage API answers from.
  public func use(_ usage: Usage) { box.state.withLock { $0.usage = usage } }
  /// A gateway that answers 401 to every key of the project, whatever it is.
  public func refuseEveryKey(_ refuses: Bool = true) { box.state.withLock { $0.refusesKeys = refuses } }
  /// `DELETE` is answered as done and does nothing.
  public func keepWhatIsDeleted() { box.state.withLock { $0.keepsDeleted = true } }

  /// As older ones: a service account's key is not deleted alone.
  public func refuseSingleKeys() { box.state.withLock { $0.refusesSingleKeys = true } }

  /// What a key may do, and how long it lives, as it was asked for.
  public func grant(of id: String) -> (scopes: [String]?, lifetime: Int?)? {
    box.state.withLock { state in state.keys.first { $0.id == id }.map { ($0.scopes, $0.lifetime) } }
  }

  /// Names of the service accounts that exist.
  public var accountNames: [String] { box.state.withLock { $0.accounts.map(\.name) } }
  /// Ids of the keys that exist.
  public var keyIDs: [String] { box.state.withLock { $0.keys.map(\.id) } }

  private static func make(_ state: inout State, account: String?, value: String?) -> (
    id: String, value: String
  ) {
    let key = Key(
      id: "key_\(state.next)", value: value ?? "sk-" + "proj-" + UUID().uuidString, account: account,
      lastUsed: nil)
    state.next += 1
    state.keys.append(key)
    return (key.id, key.value)
  }

  private static func answer(
    _ request: LoopbackServer.Request, _ state: inout State, admin: String, project: String
  ) -> LoopbackServer.Reply {
    let name = "\(request.method) \(request.path)"
    if let status = state.statuses[name] { return error(status, "simulated") }
    let reply = route(request, &state, admin: admin, root: "/v1/organization/projects/\(project)")
    return state.lostReplies.remove(name) == nil ? reply : .hangUp
  }

  private static func route(
    _ request: LoopbackServer.Request, _ state: inout State, admin: String, root: String
  ) -> LoopbackServer.Reply {
    let bearer = request.headers["authorization"].map { String($0.dropFirst("Bearer ".count)) } ?? ""
    if request.path == "/v1/models" {
      guard !state.refusesKeys, let index = state.keys.firstIndex(where: { $0.value == bearer }) else {
        return error(401, "invalid_api_key")
      }
      state.keys[index].lastUsed = 1_790_000_000
      if let account = state.keys[index].account, state.roleless.contains(account) {
        return error(403, "insufficient_permissions")
      }
      // A key that may not list models is known all the same.
      if let scopes = state.keys[index].scopes, !scopes.contains("api.model.read") {
        return error(403, "missing_scope")
      }
      return json(200, ["object": "list", "data": [["id": "gpt-simulated", "object": "model"]]])
    }
    guard bearer == admin else { return error(401, "invalid_api_key") }
    guard request.path.hasPrefix(root) else {
      return usage(request, state.usage)
    }
    let rest = request.path.dropFirst(root.count).split(separator: "/").map(String.init)
    switch (request.method, rest.first, rest.count) {
    case ("GET", "api_keys", 1): return page(state.keys.map { json(key: $0, state) }, request.query)
    case ("GET", "service_accounts", 1):
      return page(
        state.accounts.map {
          ["object": "organization.project.service_account", "id": .string($0.id), "name": .string($0.name)]
        }, request.query)
    case ("POST", "service_accounts", 1):
      // Malformed JSON is answered like a missing name.
      guard let name = (try? JSONValue(parsing: request.body))?["name"]?.string else {
        return error(400, "invalid_request_error")
      }
      let body = try? JSONValue(parsing: request.body)
      let lifetime = body?["expires_in_seconds"]?.integer
      let isAlone = body?["create_service_account_only"]?.boolean == true
      guard !isAlone || lifetime == nil else { return error(400, "invalid_request_error") }
      let account = "svc_acct_\(state.next)"
      state.accounts.append((account, name))
      guard !isAlone else {
        state.next += 1
        state.roleless.insert(account)
        return json(
          200,
          [
            "object": "organization.project.service_account", "id": .string(account), "name": .string(name),
            "role": "none", "api_key": .null,
          ])
      }
      let key = make(&state, account: account, value: nil)
      state.keys[state.keys.count - 1].lifetime = lifetime
      return json(
        200,
        [
          "object": "organization.project.service_account", "id": .string(account), "name": .string(name),
          "role": "member",
          "api_key": [
            "object": "organization.project.service_account.api_key", "value": .string(key.value),
            "name": "Secret Key", "id": .string(key.id),
          ],
        ])
    case ("POST", "service_accounts", 2...): return change(rest, request, &state)
    case ("DELETE", "service_accounts", 2):
      guard state.accounts.contains(where: { $0.id == rest[1] }) else { return error(404, "not_found") }
      state.accounts.removeAll { $0.id == rest[1] }
      state.keys.removeAll { $0.account == rest[1] }
      return json(200, ["id": .string(rest[1]), "deleted": true])
    case ("DELETE", "api_keys", 2):
      guard let key = state.keys.first(where: { $0.id == rest[1] }) else { return error(404, "not_found") }
      guard key.account == nil || !state.refusesSingleKeys else { return error(400, "service_account_key") }
      if !state.keepsDeleted { state.keys.removeAll { $0.id == rest[1] } }
      return json(200, ["id": .string(rest[1]), "deleted": true])
    default: return error(404, "not_found")
    }
  }

  /// An account's role, or another key for it.
  private static func change(_ rest: [String], _ request: LoopbackServer.Request, _ state: inout State)
    -> LoopbackServer.Reply
  {
    let account = rest[1]
    let body = try? JSONValue(parsing: request.body)  // malformed JSON is answered like an empty body
    guard state.accounts.contains(where: { $0.id == account }) else { return error(404, "not_found") }
    if rest.count == 2 {
      guard body?["role"]?.string == "member" else { return error(400, "invalid_request_error") }
      state.roleless.remove(account)
      return json(200, ["id": .string(account), "role": "member"])
    }
    guard rest.count == 3, rest[2] == "api_keys" else { return error(404, "not_found") }
    let key = make(&state, account: account, value: nil)
    state.keys[state.keys.count - 1].scopes = body?["scopes"]?.array?.compactMap(\.string)
    state.keys[state.keys.count - 1].lifetime = body?["expires_in_seconds"]?.integer
    return json(
      200,
      [
        "object": "organization.project.service_account.api_key", "value": .string(key.value),
        "id": .string(key.id), "name": body?["name"] ?? .null, "created_at": 1_780_000_000,
      ])
  }

  /// One bucket for each day that is kept, from the one of `start_time` on, 31 a page.
  private static func usage(_ request: LoopbackServer.Request, _ usage: Usage) -> LoopbackServer.Reply {
    let kind = String(request.path.split(separator: "/").last ?? "")
    guard request.path == "/v1/organization/usage/\(kind)", usage.kinds.contains(kind) else {
      return error(404, "not_found")
    }
    let first = (request.query["start_time"].flatMap { Int($0) } ?? 0) / 86_400
    let skipped = request.query["page"].flatMap { Int($0) } ?? 0
    let days = Array(usage.days.filter { $0 >= first }.dropFirst(skipped))
    let buckets = days.prefix(31).map { day -> JSONValue in
      let count = usage.requests[kind]?[day] ?? 0
      return [
        "object": "bucket", "start_time": .integer(day * 86_400), "end_time": .integer((day + 1) * 86_400),
        "results": usage.uncounted.contains(day)
          ? [["object": "organization.usage.result"]]
          : count == 0 ? [] : [["num_model_requests": .integer(count)]],
      ]
    }
    let isMore = days.count > 31
    return json(
      200,
      [
        "object": "page", "data": .array(buckets), "has_more": .boolean(isMore),
        "next_page": isMore ? .string(String(skipped + 31)) : nil,
      ])
  }

  private static func json(key: Key, _ state: State) -> JSONValue {
    let owner: JSONValue =
      if let account = key.account {
        ["type": "service_account", "service_account": ["id": .string(account)]]
      } else {
        ["type": "user", "user": ["id": "user_1", "name": "A Person", "email": "person@example.org"]]
      }
    return [
      "object": "organization.project.api_key", "id": .string(key.id), "created_at": 1_780_000_000,
      "redacted_value": .string("\(key.value.prefix(8))...\(key.value.suffix(4))"),
      "last_used_at": key.lastUsed.map { .integer($0) } ?? .null, "owner": owner,
    ]
  }

  /// At most two elements a page, so that paging is exercised.
  private static func page(_ elements: [JSONValue], _ query: [String: String]) -> LoopbackServer.Reply {
    let start =
      query["after"].flatMap { id in elements.firstIndex { $0["id"]?.string == id } }.map { $0 + 1 } ?? 0
    let page = Array(elements[start...].prefix(2))
    return json(
      200,
      [
        "object": "list", "data": .array(page), "last_id": page.last?["id"] ?? .null,
        "has_more": .boolean(start + page.count < elements.count),
      ])
  }

  private static func json(_ status: Int, _ value: JSONValue) -> LoopbackServer.Reply {
    .json(status, value.canonicalText, headers: ["x-request-id": "req_simulated"])
  }

  private static func error(_ status: Int, _ code: String) -> LoopbackServer.Reply {
    json(status, ["error": ["message": "simulated", "type": "invalid_request_error", "code": .string(code)]])
  }
}
