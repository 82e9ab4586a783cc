public import JSON
import Synchronization

/// One Doppler config, as its documentation says that it answers; not recorded from api.doppler.com.
///
/// Source: https://docs.doppler.com/reference/secrets-update
public final class DopplerSimulation: Sendable {
  private struct State: Sendable {
    var secrets: [String: String?] = [:]
    var writes = 0
    var requests: [JSONValue] = []
  }
  private let state = Mutex(State())
  public static let token = "dp.st.prd.runner"

  public init() {}

  /// What somebody else writes. - Parameter value: nil: a restricted one.
  public func write(_ name: String, _ value: String?) {
    state.withLock {
      $0.secrets[name] = .some(value)
      $0.writes += 1
    }
  }

  public var secrets: [String: String?] { state.withLock { $0.secrets } }
  public var writes: Int { state.withLock { $0.writes } }
  /// The `change_requests` that arrived.
  public var requests: [JSONValue] { state.withLock { $0.requests } }

  public func answer(_ request: LoopbackServer.Request) -> LoopbackServer.Reply {
    guard request.headers["authorization"] == "Bearer \(Self.token)" else { return .json(401, "{}") }
    switch (request.method, request.path) {
    case ("GET", "/v3/configs/config/secrets") where request.query["project"] == "shop":
      let secrets = secrets.mapValues { value -> JSONValue in
        ["raw": value.map { .string($0) } ?? .null, "computed": value.map { .string($0) } ?? .null]
      }
      return .json(200, (["secrets": .object(secrets)] as JSONValue).canonicalText)
    case ("GET", "/v3/configs/config/logs"):
      return .json(200, "{\"page\":1,\"logs\":[{\"id\":\"log-\(writes)\"}]}")
    case ("POST", "/v3/configs/config/secrets"): return change(request)
    default: return .json(404, "{}")
    }
  }

  private func change(_ request: LoopbackServer.Request) -> LoopbackServer.Reply {
    // What is no JSON has no requests in it.
    guard let changes = (try? JSONValue(parsing: Array(request.body)))?["change_requests"]?.array else {
      return .json(400, "{}")
    }
    return state.withLock { state in
      state.requests += changes
      for change in changes {
        guard let name = change["name"]?.string else { return .json(400, "{}") }
        let present = state.secrets[name].flatMap { $0 }
        guard change["originalValue"]?.string == present,
          change["originalName"]?.string == present.map({ _ in name })
        else { return .json(409, "{\"messages\":[\"conflict\"],\"success\":false}") }
      }
      for change in changes {
        if let name = change["name"]?.string { state.secrets[name] = .some(change["value"]?.string) }
      }
      state.writes += 1
      return .json(200, "{\"secrets\":{},\"success\":true}")
    }
  }
}
