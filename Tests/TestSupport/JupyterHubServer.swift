import Foundation
public import JSON
public import Secrets

/// A real JupyterHub without its proxy: the API is the hub's own. `make test-heavy` alone.
public final class JupyterHubServer: Sendable {
  public static let isWanted = HeavyTools.areWanted("jupyterhub")
  public static let notice = HeavyTools.notice("jupyterhub")

  /// Whose tokens ``runner`` may make and revoke.
  public let user = "ada"
  /// A service with the rights that the provider file names, and no others.
  public let runner: Secret
  public let started: StartedServer
  private let api: CurlCall

  public var url: String { started.url }

  /// One server for all tests of a process.
  public static func shared() throws -> JupyterHubServer { try sharedServer.get() }
  private static let sharedServer = Result { try JupyterHubServer() }

  public init() throws {
    let token = "runner-" + UUID().uuidString
    runner = Secret(token)
    started = try StartedServer(
      "JupyterHub", Self.script, ports: 1,
      environment: [
        "PATH": HeavyTools.programs("jupyterhub") + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
      ]
    ) { directory, ports in
      [
        "config.py": """
        from jupyterhub.proxy import Proxy

        class NoProxy(Proxy):
            should_start = False
            async def add_route(self, routespec, target, data): pass
            async def delete_route(self, routespec): pass
            async def get_all_routes(self): return {}

        c = get_config()
        c.JupyterHub.proxy_class = NoProxy
        c.JupyterHub.hub_bind_url = 'http://127.0.0.1:\(ports[0])'
        c.JupyterHub.db_url = 'sqlite:///\(directory)/hub.db'
        c.JupyterHub.cookie_secret_file = '\(directory)/cookie'
        c.JupyterHub.authenticator_class = 'dummy'
        c.Authenticator.allowed_users = {'ada', 'eve'}
        c.JupyterHub.services = [{'name': 'runner', 'api_token': '\(token)'}]
        c.JupyterHub.load_roles = [
            {'name': 'runner', 'services': ['runner'], 'scopes': ['tokens!user=ada', 'read:users:name!user=ada']}]

        """
      ]
    }
    api = try CurlCall(started.url)
  }

  /// A token of the user.
  public func makeToken(scope: String = "inherit") async throws -> (id: String, value: Secret) {
    let made = try await api.call(
      "POST", "/hub/api/users/\(user)/tokens", as: .header("token ", runner),
      .json(["note": "a test", "scopes": [.string(scope)]]))
    return (made["id"]?.string ?? "", Secret(made["token"]?.string ?? ""))
  }

  /// What the API answers to a token.
  public func answer(_ path: String, as token: Secret) async throws -> (status: Int, body: JSONValue) {
    try await api.answer("GET", path, as: .header("token ", token))
  }

  private static let script = """
    d=$1 port=$2
    cd "$d" || exit 1
    setsid jupyterhub -f "$d/config.py" >"$d/log" 2>&1 </dev/null &
    node=$!
    answers "http://127.0.0.1:$port/hub/api" 180 || failed "$d/log" "$node"
    running "$(jupyterhub --version)" "$node"
    """
}
