import Foundation
import JSON
import Simulators
import Synchronization

/// A sandbox provider that really accepts and rejects keys, over the paths of OpenAI's API that `staunch` uses.
///
/// It is a simulation written from the reference, not OpenAI. Source: https://platform.openai.com/docs/api-reference
final class SandboxOpenAI: Sendable {
  fileprivate struct Key: Sendable {
    let id: String
    let value: String
    let name: String
    /// Nil: a person's.
    let serviceAccount: String?
  }
  fileprivate struct State: Sendable {
    var keys: [Key] = []
    var accounts: [String: String] = [:]
    /// Deleted keys that an edge still accepts.
    var lingering: Set<String> = []
    /// Somebody else has used a leaked key.
    var isAbused = false
    /// Requests that RFC 9110 §9.2.1 does not call safe.
    var unsafeRequests = 0
  }

  let project = "proj_drill"
  let adminKey = DecoySecret.openAIAdminKey()
  let endpoint: SandboxEndpoint
  private let server: LoopbackServer
  fileprivate let world: World

  /// The state behind the server, apart from it so that the server's closure does not keep the server alive.
  fileprivate final class World: Sendable {
    let state = Mutex(State())
    let faults: FaultBoard
    let project: String
    let adminKey: String
    init(faults: FaultBoard, project: String, adminKey: String) {
      self.faults = faults
      self.project = project
      self.adminKey = adminKey
    }
  }

  /// - Parameter keys: name → value of the keys of people that exist already.
  init(keys: [(name: String, value: String)], faults: FaultBoard) throws(DrillError) {
    let world = World(faults: faults, project: project, adminKey: adminKey)
    world.state.withLock { state in
      state.keys = keys.map {
        Key(id: "key_" + DecoySecret.text(16), value: $0.value, name: $0.name, serviceAccount: nil)
      }
    }
    self.world = world
    server = try LoopbackServer { world.answer($0) }
    endpoint = server.endpoint
  }

  func stop() { server.stop() }

  /// How many requests so far could have changed something.
  var unsafeRequests: Int { world.state.withLock { $0.unsafeRequests } }

  /// What the programs make in a day at most.
  static let ordinaryRequests = 400

  /// Whether the provider accepts `value` now: the truth that a drill's "dead" is judged by. A deleted key that some edge
  /// would still accept counts.
  func accepts(_ value: String) -> Bool {
    let (isKept, lingers) = world.state.withLock { state in
      (state.keys.contains { $0.value == value }, state.lingering.contains(value))
    }
    return isKept || (lingers && world.faults.wouldStrike(.stillAlive))
  }

  /// Names of the keys that exist now; two of one run mean a duplicate.
  var keyNames: [String] { world.state.withLock { $0.keys.map(\.name).sorted() } }

  /// Values of the keys that were issued, for the search that nothing leaked.
  var issuedValues: [String] {
    world.state.withLock { $0.keys.filter { $0.serviceAccount != nil }.map(\.value) }
  }
}

extension SandboxOpenAI.World {
  func answer(_ request: SimulatedRequest) -> SimulatedReply {
    if !["GET", "HEAD", "OPTIONS"].contains(request.method) { state.withLock { $0.unsafeRequests += 1 } }
    if faults.strikes(.rateLimit) {
      return .json(
        429, Self.error("rate_limit_exceeded", "Rate limit reached."), headers: ["retry-after": "1"])
    }
    if faults.strikes(.serverError) {
      return .json(503, Self.error("overloaded", "The server is overloaded."))
    }
    let path = request.path
    if path == ["v1", "models"] { return models(request) }
    guard path.starts(with: ["v1", "organization"]) else { return Self.notFound }
    guard request.bearer == adminKey else {
      return .json(401, Self.error("invalid_api_key", "Incorrect key."))
    }
    let rest = Array(path.dropFirst(2))
    if rest.count == 2, rest[0] == "usage" { return usage(rest[1], request) }
    if rest == ["audit_logs"] {
      return .json(200, ["object": "page", "data": [], "has_more": false, "next_page": nil])
    }
    guard rest.starts(with: ["projects", project]), rest.count >= 3 else { return Self.notFound }
    switch (request.method, rest[2], rest.dropFirst(3).first) {
    case ("GET", "api_keys", nil): return list(keys())
    case ("DELETE", "api_keys", let id?): return deleteKey(id)
    case ("GET", "service_accounts", nil): return list(accounts())
    case ("POST", "service_accounts", nil): return issue(request)
    case ("DELETE", "service_accounts", let id?): return deleteAccount(id)
    default: return Self.notFound
    }
  }

  /// A bucket for each day since `start_time`, 30 days back at most.
  private func usage(_ kind: String, _ request: SimulatedRequest) -> SimulatedReply {
    if faults.strikes(.abuse) { state.withLock { $0.isAbused = true } }
    let query = URLComponents(string: request.target)?.queryItems ?? []
    let start = query.first { $0.name == "start_time" }?.value.flatMap { Int($0) } ?? 0
    let today = Int(faults.now.timeIntervalSince1970) / 86_400
    let isAbused = state.withLock { $0.isAbused }
    let buckets = (max(start / 86_400, today - 29)...max(today, start / 86_400)).map { day -> JSONValue in
      let own = kind == "completions" ? SandboxOpenAI.ordinaryRequests / 2 : 0
      let foreign = isAbused && day == today && kind == "completions" ? 250_000 : 0
      return [
        "object": "bucket", "start_time": .integer(day * 86_400), "end_time": .integer((day + 1) * 86_400),
        "results": own + foreign == 0 ? [] : [["num_model_requests": .integer(own + foreign)]],
      ]
    }
    return .json(
      200, ["object": "page", "data": .array(buckets), "has_more": false, "next_page": nil])
  }

  private func models(_ request: SimulatedRequest) -> SimulatedReply {
    let key = request.bearer ?? ""
    let isAccepted = state.withLock { state in
      state.keys.contains { $0.value == key }
        || (state.lingering.contains(key) && faults.strikes(.stillAlive))
    }
    return isAccepted
      ? .json(200, ["object": "list", "data": [["id": "drill-model", "object": "model"]]])
      : .json(401, Self.error("invalid_api_key", "Incorrect API key provided."))
  }

  private func issue(_ request: SimulatedRequest) -> SimulatedReply {
    guard let name = request.json?["name"]?.string, !name.isEmpty else {
      return .json(400, Self.error("missing_name", "name is required"))
    }
    let account = "user_" + DecoySecret.text(16)
    let key = SandboxOpenAI.Key(
      id: "key_" + DecoySecret.text(16), value: DecoySecret.openAIServiceKey(), name: name,
      serviceAccount: account)
    state.withLock { state in
      state.accounts[account] = name
      state.keys.append(key)
    }
    if faults.strikes(.lostReply) { return .hangUp }
    return .json(
      200,
      [
        "object": "organization.project.service_account", "id": .string(account), "name": .string(name),
        "role": "member", "created_at": 1_700_000_000,
        "api_key": [
          "object": "organization.project.service_account.api_key", "value": .string(key.value),
          "name": .string(name), "created_at": 1_700_000_000, "id": .string(key.id),
        ],
      ])
  }

  private func deleteKey(_ id: String) -> SimulatedReply {
    state.withLock { state in
      guard let index = state.keys.firstIndex(where: { $0.id == id }) else { return Self.notFound }
      guard state.keys[index].serviceAccount == nil else {
        return .json(400, Self.error("service_account_key", "The key belongs to a service account."))
      }
      state.lingering.insert(state.keys[index].value)
      state.keys.remove(at: index)
      return .json(
        200, ["object": "organization.project.api_key.deleted", "id": .string(id), "deleted": true])
    }
  }

  private func deleteAccount(_ id: String) -> SimulatedReply {
    state.withLock { state in
      guard state.accounts.removeValue(forKey: id) != nil else { return Self.notFound }
      for key in state.keys where key.serviceAccount == id { state.lingering.insert(key.value) }
      state.keys.removeAll { $0.serviceAccount == id }
      return .json(
        200, ["object": "organization.project.service_account.deleted", "id": .string(id), "deleted": true])
    }
  }

  private func keys() -> [JSONValue] {
    state.withLock { state in
      state.keys.map { key in
        let owner: JSONValue =
          key.serviceAccount.map {
            ["type": "service_account", "service_account": ["id": .string($0), "name": .string(key.name)]]
          } ?? ["type": "user", "user": ["id": "user_drill", "name": "Drill"]]
        return [
          "object": "organization.project.api_key", "id": .string(key.id), "name": .string(key.name),
          "redacted_value": .string("\(key.value.prefix(8))...\(key.value.suffix(4))"),
          "created_at": 1_690_000_000, "last_used_at": 1_700_000_000, "owner": owner,
        ]
      }
    }
  }

  private func accounts() -> [JSONValue] {
    state.withLock { state in
      state.accounts.sorted { $0.key < $1.key }.map {
        [
          "object": "organization.project.service_account", "id": .string($0.key), "name": .string($0.value),
          "role": "member", "created_at": 1_700_000_000,
        ]
      }
    }
  }

  private func list(_ elements: [JSONValue]) -> SimulatedReply {
    .json(
      200,
      [
        "object": "list", "data": .array(elements), "has_more": false,
        "first_id": elements.first?["id"] ?? nil, "last_id": elements.last?["id"] ?? nil,
      ])
  }

  private static let notFound = SimulatedReply.json(404, error("not_found", "There is nothing here."))

  private static func error(_ code: String, _ message: String) -> JSONValue {
    [
      "error": [
        "code": .string(code), "type": "invalid_request_error", "message": .string(message), "param": nil,
      ]
    ]
  }
}
