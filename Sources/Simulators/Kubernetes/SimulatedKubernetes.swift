public import Foundation
public import JSON
public import Secrets
import Synchronization

/// A simulation of the parts of Kubernetes' API that staunch uses: objects with `uid` and `resourceVersion`, merge patches that
/// conflict, immutable Secrets, lists in pages, tokens that die with what they are bound to. Tests put it behind a loopback
/// server, and drills too.
///
/// Written from the API reference (https://kubernetes.io/docs/reference/kubernetes-api/, …/using-api/api-concepts/); what it
/// proves is our side only. It runs no controller: a test says what became of pods, and a drill has ``SimulatedDeployment``.
public final class SimulatedKubernetes: Sendable {
  struct Token: Sendable {
    let username: String
    /// Empty: the API server.
    var audiences: [String] = []
    /// Path and uid of what must be there for it to be accepted.
    let needs: [(path: String, uid: String)]
  }
  struct State: Sendable {
    var objects: [String: JSONValue] = [:]
    var version = 1000
    var tokens: [String: Token] = [:]
    var denied: Set<String> = []
    var before: (@Sendable (inout State) -> Void)?
    var losesNext = false
    var refusesNext = false
    var isCalm = true
    /// The server's clock; nil: it tells of no change when it was.
    var now: (@Sendable () -> Date)?
  }

  /// Of the runner's own, which may do everything that is not denied.
  public let admin: Secret
  private let state = Mutex(State())

  /// - Parameter now: the server's clock, for `managedFields`; nil: it keeps none.
  public init(now: (@Sendable () -> Date)? = nil) {
    let token = "admin-" + UUID().uuidString
    admin = Secret(token)
    state.withLock { state in
      state.tokens[token] = Token(username: "system:serviceaccount:ops:staunch", needs: [])
      state.now = now
    }
  }

  public func answer(_ request: SimulatedRequest) -> SimulatedReply {
    state.withLock { Self.reply(request, &$0) }
  }

  // MARK: what a test arranges

  /// Puts an object as its owner would; `uid` and versions are given.
  public func put(_ path: String, _ object: JSONValue) { state.withLock { Self.put(path, object, &$0) } }

  public func object(_ path: String) -> JSONValue? { state.withLock { $0.objects[path] } }
  public func remove(_ path: String) { state.withLock { _ = $0.objects.removeValue(forKey: path) } }
  public var paths: [String] { state.withLock { $0.objects.keys.sorted() } }

  /// Merges `patch` into an object, as a controller does: its generation stays.
  public func change(_ path: String, _ patch: JSONValue) {
    state.withLock { state in
      let old = state.objects[path] ?? [:]
      state.objects[path] = Self.stamped(Self.merged(old, patch), &state)
    }
  }

  /// Somebody changes an object between our reading and our writing.
  public func interfere(_ path: String, _ patch: JSONValue) {
    state.withLock { state in
      state.before = { state in
        let old = state.objects[path] ?? [:]
        state.objects[path] = Self.stamped(Self.merged(old, patch), &state)
      }
    }
  }
  /// The next change is done, and its answer never comes.
  public func loseNextReply() { state.withLock { $0.losesNext = true } }
  /// The next call is answered 429.
  public func refuseNextCall() { state.withLock { $0.refusesNext = true } }
  /// The verb and resource that the runner may not: `patch secrets`.
  public func deny(_ right: String) { state.withLock { _ = $0.denied.insert(right) } }

  /// A token of a service account, bound to the object at `path` (or only to the account).
  /// - Parameter audiences: whom it is for; empty: the API server.
  public func makeToken(
    _ namespace: String, _ account: String, boundTo path: String? = nil, for audiences: [String] = []
  ) -> Secret {
    state.withLock { Secret(Self.token(namespace, account, boundTo: path, for: audiences, &$0)) }
  }

  // MARK: objects

  static func put(_ path: String, _ object: JSONValue, _ state: inout State) {
    var metadata = object["metadata"]?.object ?? [:]
    metadata["name"] = .string(String(path.split(separator: "/").last ?? ""))
    metadata["namespace"] = .string(
      path.components(separatedBy: "/namespaces/").last?.split(separator: "/").first.map(String.init) ?? "")
    metadata["uid"] = .string(UUID().uuidString.lowercased())
    metadata["creationTimestamp"] = metadata["creationTimestamp"] ?? "2026-11-30T00:00:00Z"
    metadata["generation"] = .integer(1)
    var members = object.object ?? [:]
    members["metadata"] = .object(metadata)
    state.objects[path] = managed(stamped(.object(members), &state), state)
  }

  static func stamped(_ object: JSONValue, _ state: inout State) -> JSONValue {
    state.version += 1
    return merged(object, ["metadata": ["resourceVersion": .string("\(state.version)")]])
  }

  /// With the moment at which its data were changed, which is now.
  /// Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
  static func managed(_ object: JSONValue, _ state: State) -> JSONValue {
    guard object["data"] != nil, let now = state.now else { return object }
    let entry: JSONValue = [
      "manager": "staunch", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
      "time": .string(now().formatted(Date.ISO8601FormatStyle())), "fieldsV1": ["f:data": [:]],
    ]
    return merged(object, ["metadata": ["managedFields": [entry]]])
  }

  /// RFC 7396.
  static func merged(_ old: JSONValue, _ patch: JSONValue) -> JSONValue {
    guard let changes = patch.object else { return patch }
    var members = old.object ?? [:]
    for (name, value) in changes {
      if value == .null { members[name] = nil } else { members[name] = merged(members[name] ?? [:], value) }
    }
    return .object(members)
  }

  static func token(
    _ namespace: String, _ account: String, boundTo path: String?, for audiences: [String],
    _ state: inout State
  ) -> String {
    let accountPath = "/api/v1/namespaces/\(namespace)/serviceaccounts/\(account)"
    func uid(_ path: String) -> String { state.objects[path]?["metadata"]?["uid"]?.string ?? "" }
    var claims: [String: JSONValue] = [
      "namespace": .string(namespace),
      "serviceaccount": ["name": .string(account), "uid": .string(uid(accountPath))],
    ]
    var needs = [(path: accountPath, uid: uid(accountPath))]
    if let path {
      let parts = path.split(separator: "/").map(String.init)
      claims[String(parts[parts.count - 2].dropLast())] = [
        "name": .string(parts[parts.count - 1]), "uid": .string(uid(path)),
      ]
      needs.append((path, uid(path)))
    }
    var body: [String: JSONValue] = [
      "iss": "https://kubernetes.default.svc.cluster.local",
      "sub": .string("system:serviceaccount:\(namespace):\(account)"),
      "iat": 1_796_000_000, "exp": 1_796_086_400, "jti": .string(UUID().uuidString.lowercased()),
      "kubernetes.io": .object(claims),
    ]
    if !audiences.isEmpty { body["aud"] = .array(audiences.map { .string($0) }) }
    func part(_ bytes: [UInt8]) -> String {
      Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
        "=", with: "")
    }
    let text =
      "\(part(Array(#"{"alg":"RS256","kid":"k1"}"#.utf8))).\(part(JSONValue.object(body).canonicalBytes)).\(part(Array(UUID().uuidString.utf8)))"
    state.tokens[text] = Token(
      username: "system:serviceaccount:\(namespace):\(account)", audiences: audiences, needs: needs)
    return text
  }

  /// Who a token is; nil: the API knows it not, no more, or not for these.
  /// - Parameter audiences: empty: for the API server.
  static func user(_ token: String, _ state: State, for audiences: [String] = []) -> String? {
    let server = ["https://kubernetes.default.svc"]
    guard let found = state.tokens[token],
      !Set(found.audiences.isEmpty ? server : found.audiences)
        .isDisjoint(with: audiences.isEmpty ? server : audiences)
    else { return nil }
    let isWhole = found.needs.allSatisfy { state.objects[$0.path]?["metadata"]?["uid"]?.string == $0.uid }
    return isWhole ? found.username : nil
  }
}
