public import JSON
import Synchronization

/// One 1Password item and one Infisical folder, as their documentation says that they answer; not recorded from them.
///
/// Sources: https://developer.1password.com/docs/connect/api-reference/,
/// https://infisical.com/docs/api-reference/endpoints/secrets/update-many
public final class NamedTextSimulation: Sendable {
  private struct State: Sendable {
    /// Name → text (nil: hidden) and version.
    var entries: [(name: String, text: String?, version: Int)] = []
    var writes = 0
    var bodies: [JSONValue] = []
    var wantsApproval = false
  }
  private let state = Mutex(State())
  public static let token = "runner-token"

  public init() {}

  /// What somebody else writes. - Parameter text: nil: one that is hidden.
  public func write(_ name: String, _ text: String?, again: Bool = false) {
    state.withLock { Self.write(name, text, again: again, &$0) }
  }

  private static func write(_ name: String, _ text: String?, again: Bool = false, _ state: inout State) {
    if !again, let index = state.entries.firstIndex(where: { $0.name == name }) {
      state.entries[index] = (name, text, state.entries[index].version + 1)
    } else {
      state.entries.append((name, text, 1))
    }
    state.writes += 1
  }

  public func text(_ name: String) -> String? {
    state.withLock { state in state.entries.first { $0.name == name }?.text }
  }
  public var writes: Int { state.withLock { $0.writes } }
  public var bodies: [JSONValue] { state.withLock { $0.bodies } }
  public func wantApproval() { state.withLock { $0.wantsApproval = true } }

  /// The item `i` of the vault `v`.
  public func onePassword(_ request: LoopbackServer.Request) -> LoopbackServer.Reply {
    guard request.headers["authorization"] == "Bearer \(Self.token)" else { return .json(401, "{}") }
    guard request.path == "/v1/vaults/v/items/i" else { return .json(404, "{}") }
    return state.withLock { state in
      if request.method == "PATCH" {
        // What is no JSON has no operations in it.
        guard let patch = (try? JSONValue(parsing: Array(request.body)))?.array else {
          return .json(400, "{}")
        }
        state.bodies.append(.array(patch))
        let writes = state.writes
        for change in patch {
          let path = change["path"]?.string ?? ""
          if path == "/fields", let name = change["value"]?["label"]?.string {
            Self.write(name, change["value"]?["value"]?.string, again: true, &state)
          } else if path.hasPrefix("/fields/id-"), path.hasSuffix("/value") {
            Self.write(String(path.dropFirst(11).dropLast(6)), change["value"]?.string, &state)
          } else {
            return .json(400, "{}")
          }
        }
        state.writes = writes + 1
      }
      let fields = state.entries.map { entry -> JSONValue in
        [
          "id": .string("id-\(entry.name)"), "label": .string(entry.name), "type": "CONCEALED",
          "value": .string(entry.text ?? ""),
        ]
      }
      let item: JSONValue = ["id": "i", "version": .integer(state.writes), "fields": .array(fields)]
      return .json(200, item.canonicalText)
    }
  }

  /// The folder `/` of `prod`.
  public func infisical(_ request: LoopbackServer.Request) -> LoopbackServer.Reply {
    guard request.headers["authorization"] == "Bearer \(Self.token)" else { return .json(401, "{}") }
    return state.withLock { state in
      switch (request.method, request.path) {
      case ("GET", "/api/v4/secrets") where request.query["environment"] == "prod":
        let secrets = state.entries.map { entry -> JSONValue in
          [
            "secretKey": .string(entry.name), "secretValue": .string(entry.text ?? "<hidden-by-infisical>"),
            "secretValueHidden": .boolean(entry.text == nil), "version": .integer(entry.version),
            "type": "shared",
          ]
        }
        return .json(200, (["secrets": .array(secrets)] as JSONValue).canonicalText)
      case ("PATCH", "/api/v4/secrets/batch"):
        guard let body = try? JSONValue(parsing: Array(request.body)), let secrets = body["secrets"]?.array
        else {
          return .json(400, "{}")
        }
        state.bodies.append(body)
        guard !state.wantsApproval else { return .json(200, "{\"approval\":{\"id\":\"a\"}}") }
        for secret in secrets {
          if let name = secret["secretKey"]?.string {
            Self.write(name, secret["secretValue"]?.string, &state)
          }
        }
        return .json(200, "{\"secrets\":[]}")
      default: return .json(404, "{}")
      }
    }
  }
}
