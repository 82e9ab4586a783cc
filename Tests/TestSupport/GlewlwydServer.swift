import Foundation
public import JSON
public import Secrets

/// A real OpenID Connect provider with its database in a file. It comes from Debian's package, unpacked: `.ci/packages tools`.
public final class GlewlwydServer: Sendable {
  /// An API key of an administrator.
  public let apiKey: Secret
  /// The name of the OpenID Connect plugin, as it stands in its addresses.
  public let plugin = "oidc"
  public let started: StartedServer
  private let api: CurlCall

  public var url: String { started.url }

  /// One server for all tests of a process. Use clients of your own.
  public static func shared() async throws -> GlewlwydServer { try await sharedServer.value.get() }
  private static let sharedServer = Task { () async -> Result<GlewlwydServer, any Error> in
    do { return .success(try await GlewlwydServer()) } catch { return .failure(error) }
  }

  public init() async throws {
    started = try StartedServer("Glewlwyd", Self.script, ports: 1)
    api = try CurlCall(started.url)
    // As its database begins.
    try await api.call("POST", "/api/auth", .json(["username": "admin", "password": "password"]))
    let made = try await api.call("POST", "/api/key/", .json([:]))
    apiKey = Secret(made["key"]?.string ?? "")
    try await call(
      "POST", "/api/mod/plugin",
      [
        "module": "oidc", "name": .string(plugin), "display_name": "OpenID Connect",
        "parameters": [
          "iss": .string(url + "/api/oidc"), "jwt-type": "sha", "jwt-key-size": "256",
          "key": .string(UUID().uuidString + UUID().uuidString), "access-token-duration": 3600,
          "refresh-token-duration": 86_400, "code-duration": 600, "refresh-token-rolling": true,
          "allow-non-oidc": true, "auth-type-client-enabled": true, "auth-type-code-enabled": true,
          "auth-type-implicit-enabled": false, "auth-type-password-enabled": false,
          "auth-type-refresh-enabled": true, "auth-type-token-enabled": true,
          "auth-type-id-token-enabled": true, "introspection-revocation-allowed": true,
          "introspection-revocation-auth-scope": [], "introspection-revocation-allow-target-client": true,
          "scope": [],
        ],
      ])
    try await call(
      "POST", "/api/scope",
      [
        "name": "work", "display_name": "work", "description": "what clients ask for",
        "password_required": false, "scheme": [:],
      ])
  }

  /// Calls the administration API. - Throws: when it refuses.
  @discardableResult
  public func call(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
    try await api.call(method, path, as: .header("token ", apiKey), body.map { .json($0) } ?? .none)
  }

  /// A client that draws tokens for itself.
  public func makeClient() async throws -> (id: String, secret: Secret) {
    let id = "client-" + UUID().uuidString.prefix(8).lowercased()
    let secret = "Cs" + UUID().uuidString
    try await call(
      "POST", "/api/client",
      [
        "client_id": .string(id), "name": "A client", "confidential": true, "enabled": true,
        "client_secret": .string(secret), "redirect_uri": ["https://app.example.org/callback"],
        "authorization_type": ["client_credentials", "code"],
        "token_endpoint_auth_method": ["client_secret_basic"], "scope": ["work"],
      ])
    return (id, Secret(secret))
  }

  /// Draws an access token. - Returns: nil when it is refused.
  public func token(_ client: String, _ secret: Secret, scope: String = "work") async throws -> Secret? {
    let (status, body) = try await api.answer(
      "POST", "/api/oidc/token", as: .basic(client, secret),
      .form(
        ["grant_type": "client_credentials"].merging(scope.isEmpty ? [:] : ["scope": scope]) { old, _ in old }
      ))
    return status == 200 ? body["access_token"]?.string.map { Secret($0) } : nil
  }

  /// Whether the server says that an access token counts (RFC 7662).
  public func isActive(_ token: Secret, as client: String, _ secret: Secret) async throws -> Bool? {
    try await api.call(
      "POST", "/api/oidc/introspect", as: .basic(client, secret), .form(["token": token.exposeAsText()]))[
        "active"]?.boolean
  }

  private static let script = """
    d=$1 port=$2
    program=$(command -v glewlwyd) || { echo "no glewlwyd on PATH; fix: make test TESTS=TARGET, which unpacks it into .build/test-tools" >&2; exit 1; }
    root=$(dirname "$(readlink -f "$program")")/..
    zcat "$root/share/doc/glewlwyd/database/init.sqlite3.sql.gz" | sqlite3 "$d/db" || exit 1
    mkdir "$d/empty"
    # A missing key is another error: those of TLS have to stand there, too.
    cat >"$d/conf" <<END
    port=$port
    bind_address="127.0.0.1"
    external_url="http://127.0.0.1:$port"
    login_url="login.html"
    api_prefix="api"
    static_files_path="$d/empty"
    allow_origin="*"
    log_mode="console"
    log_level="INFO"
    log_file="$d/none"
    cookie_domain="127.0.0.1"
    cookie_secure=0
    session_expiration=2419200
    session_key="GLEWLWYD2_SESSION_ID"
    admin_session_authentication="cookie,api_key"
    profile_session_authentication="cookie"
    admin_scope="g_admin"
    profile_scope="g_profile"
    user_module_path="$root/lib/glewlwyd/user"
    user_middleware_module_path="$d/empty"
    client_module_path="$root/lib/glewlwyd/client"
    user_auth_scheme_module_path="$root/lib/glewlwyd/scheme"
    plugin_module_path="$root/lib/glewlwyd/plugin"
    use_secure_connection=false
    secure_connection_key_file="$d/none"
    secure_connection_pem_file="$d/none"
    secure_connection_ca_file="$d/none"
    hash_algorithm="SHA512"
    database = { type = "sqlite3"; path = "$d/db"; };
    END
    setsid "$program" --config-file="$d/conf" >"$d/log" 2>&1 </dev/null &
    node=$!
    answers "http://127.0.0.1:$port/config" || failed "$d/log" "$node"
    running "$("$program" --version 2>&1 | grep -o '[0-9.]*' | head -n 1)" "$node"
    """
}
