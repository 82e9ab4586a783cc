import Foundation
public import Secrets

/// A real OCI registry (CNCF Distribution) with a password file, or with a token service before it that nobody runs.
public final class RegistryLoginServer: Sendable {
  public let started: StartedServer

  public var url: String { started.url }
  private var file: String { started.directory.path("htpasswd") }

  /// - Parameter asksForTokens: it sends every client to a token service.
  public init(asksForTokens: Bool = false) throws {
    started = try StartedServer(
      "docker-registry", Self.script, ports: 1, environment: ["ASKS_FOR_TOKENS": asksForTokens ? "yes" : ""]
    ) { directory, ports in
      let login =
        asksForTokens
        ? "{token: {realm: 'http://127.0.0.1:9/token', service: staunch, issuer: staunch, rootcertbundle: \(directory)/root.pem}}"
        : "{htpasswd: {realm: staunch, path: \(directory)/htpasswd}}"
      return [
        "htpasswd": "",
        "config.yml": """
        version: 0.1
        log: {level: error, accesslog: {disabled: true}}
        storage: {filesystem: {rootdirectory: \(directory)/data}}
        http: {addr: "127.0.0.1:\(ports[0])", secret: made-up}
        auth: \(login)

        """,
      ]
    }
  }

  /// Gives a user a password, as a person does at the registry's machine.
  public func set(_ user: String, _ password: Secret) async throws {
    try await Program.run(
      ["sh", "-c", #"printf '%s' "$P" | htpasswd -iB "$1" "$2" 2>&1"#, "sh", file, user], in: "/",
      environment: ["P": password.exposeAsText()])
  }

  private static let script = """
    d=$1 port=$2
    command -v docker-registry >/dev/null || { echo "no docker-registry; fix: .ci/packages debian" >&2; exit 1; }
    [ -z "$ASKS_FOR_TOKENS" ] || openssl req -x509 -newkey rsa:2048 -nodes -keyout "$d/root.key" -out "$d/root.pem" \\
      -subj /CN=staunch -days 2 2>/dev/null || exit 1
    setsid docker-registry serve "$d/config.yml" >"$d/log" 2>&1 </dev/null &
    node=$!
    answers "http://127.0.0.1:$port/" || failed "$d/log" "$node"
    running "$(docker-registry --version | sed 's/.* //')" "$node"
    """
}
