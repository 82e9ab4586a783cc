import Foundation
public import JSON
public import Secrets

/// A real etcd with one member and authentication on, through its JSON gateway.
public final class EtcdServer: Sendable {
  /// Has the role root.
  public let admin = "root"
  public let adminPassword = Secret("root-" + UUID().uuidString)
  public let started: StartedServer
  private let api: CurlCall

  public var url: String { started.url }

  /// One server for all tests of a process. Use users of your own.
  public static func shared() async throws -> EtcdServer { try await sharedServer.value.get() }
  private static let sharedServer = Task { () async -> Result<EtcdServer, any Error> in
    do { return .success(try await EtcdServer()) } catch { return .failure(error) }
  }

  public init() async throws {
    started = try StartedServer("etcd", Self.script, ports: 2)
    api = try CurlCall(started.url)
    try await api.call(
      "POST", "/v3/auth/user/add", .json(["name": "root", "password": .string(adminPassword.exposeAsText())]))
    try await api.call("POST", "/v3/auth/role/add", .json(["name": "root"]))
    try await api.call("POST", "/v3/auth/user/grant", .json(["user": "root", "role": "root"]))
    try await api.call("POST", "/v3/auth/role/add", .json(["name": "all"]))
    // From "a" to "z".
    try await api.call(
      "POST", "/v3/auth/role/grant",
      .json(["name": "all", "perm": ["permType": "READWRITE", "key": "YQ==", "range_end": "eg=="]]))
    try await api.call("POST", "/v3/auth/enable", .json([:]))
  }

  /// A token of a login. - Throws: when it is refused.
  public func token(_ user: String, _ password: Secret) async throws -> Secret {
    let answer = try await api.call(
      "POST", "/v3/auth/authenticate",
      .json(["name": .string(user), "password": .string(password.exposeAsText())]))
    return Secret(answer["token"]?.string ?? "")
  }

  /// Calls the gateway. - Returns: whatever the status.
  public func answer(_ path: String, _ body: JSONValue, as token: Secret) async throws -> (
    status: Int, body: JSONValue
  ) {
    try await api.answer("POST", path, as: .header("", token), .json(body))
  }

  /// Calls the gateway as root. - Throws: when it refuses.
  @discardableResult
  public func call(_ path: String, _ body: JSONValue) async throws -> JSONValue {
    try await api.call(
      "POST", path, as: .header("", try await token(admin, adminPassword)), .json(body))
  }

  /// A user that may read and write the keys from a to z.
  public func makeUser() async throws -> (name: String, password: Secret) {
    let name = "user-" + UUID().uuidString.prefix(8).lowercased()
    let password = "Pw" + UUID().uuidString
    try await call("/v3/auth/user/add", ["name": .string(name), "password": .string(password)])
    try await call("/v3/auth/user/grant", ["user": .string(name), "role": "all"])
    return (name, Secret(password))
  }

  /// An open watch of a key, given in base64; it prints values in base64.
  public func watch(_ key: String, as token: Secret) throws -> StreamingClient {
    try StreamingClient(
      #"exec curl -sSN -X POST -H "Authorization: $STAUNCH_TEST_TOKEN" -d "{\"create_request\":{\"key\":\"$2\"}}" "$1/v3/watch""#,
      arguments: [url, key], environment: ["STAUNCH_TEST_TOKEN": token.exposeAsText()],
      into: started.directory.path("watch-" + UUID().uuidString))
  }

  private static let script = """
    d=$1 port=$2 peer=$3
    command -v etcd >/dev/null || { echo "no etcd; fix: .ci/packages debian" >&2; exit 1; }
    setsid etcd --data-dir "$d/data" --listen-client-urls "http://127.0.0.1:$port" --advertise-client-urls "http://127.0.0.1:$port" \\
      --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \\
      --initial-cluster "default=http://127.0.0.1:$peer" --log-level error >"$d/log" 2>&1 </dev/null &
    node=$!
    answers "http://127.0.0.1:$port/health" || failed "$d/log" "$node"
    running "$(etcd --version | sed -n 's/^etcd Version: //p')" "$node"
    """
}
