import Foundation
import JSON
public import Secrets

/// A real MLflow with its basic authentication and three workers, `make test-heavy` alone.
public final class MLflowServer: Sendable {
  public static let isWanted = HeavyTools.areWanted("mlflow")
  public static let notice = HeavyTools.notice("mlflow")

  public let admin = "admin"
  public let adminPassword: Secret
  public let started: StartedServer
  private let api: CurlCall

  public var url: String { started.url }

  /// One server for all tests of a process that remembers no login. Use users of your own.
  public static func shared() throws -> MLflowServer { try sharedServer.get() }
  private static let sharedServer = Result { try MLflowServer(remembers: .zero) }

  /// - Parameter time: for how long each worker remembers a login that was right.
  public init(remembers time: Duration) throws {
    let password = "admin-" + UUID().uuidString
    adminPassword = Secret(password)
    started = try StartedServer(
      "MLflow", Self.script, ports: 1,
      environment: [
        "PATH": HeavyTools.programs("mlflow") + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? ""),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": UUID().uuidString, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
      ]
    ) { directory, _ in
      [
        "auth.ini": """
        [mlflow]
        default_permission = READ
        database_uri = sqlite:///\(directory)/auth.db
        admin_username = admin
        admin_password = \(password)
        authorization_function = mlflow.server.auth:authenticate_request_basic_auth
        auth_cache_ttl_seconds = \(time.components.seconds)

        """
      ]
    }
    api = try CurlCall(started.url)
  }

  public func makeUser() async throws -> (name: String, password: Secret) {
    let name = "user-" + UUID().uuidString.prefix(8).lowercased()
    let password = "Pw-" + UUID().uuidString
    try await api.call(
      "POST", "/api/2.0/mlflow/users/create", as: .basic(admin, adminPassword),
      .json(["username": .string(name), "password": .string(password)]))
    return (name, Secret(password))
  }

  /// The status of one login.
  public func login(_ user: String, _ password: Secret) async throws -> Int {
    try await api.answer(
      "GET", "/api/2.0/mlflow/users/get?username=\(user)", as: .basic(user, password)
    ).status
  }

  private static let script = """
    d=$1 port=$2
    cd "$d" || exit 1
    MLFLOW_AUTH_CONFIG_PATH="$d/auth.ini" setsid mlflow server --app-name basic-auth --host 127.0.0.1 --port "$port" --workers 3 \\
      --backend-store-uri "sqlite:///$d/mlflow.db" >"$d/log" 2>&1 </dev/null &
    node=$!
    answers "http://127.0.0.1:$port/health" 180 || failed "$d/log" "$node"
    running "$(mlflow --version | sed 's/.* //')" "$node"
    """
}
