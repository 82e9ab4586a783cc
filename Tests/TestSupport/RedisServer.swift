import Foundation
public import Secrets

/// A real Redis server on a unix socket in a temporary directory, with an ACL file and no default user. The tests look at it
/// for themselves with `redis-cli`, which the program does not use.
public final class RedisServer: Sendable {
  public let socket: String
  /// The user `admin` may do everything.
  public let adminPassword: Secret
  private let directory: TemporaryDirectory
  private let server: SupervisedServer

  /// One server for all tests of a process. Use user names of your own.
  public static func shared() throws -> RedisServer { try sharedServer.get() }
  private static let sharedServer = Result { try RedisServer() }

  /// - Parameters:
  ///   - settings: lines of its configuration, for example `rename-command GET ""`.
  ///   - port: of this machine, beside the socket; nil: none.
  ///   - keepsUsersInConfiguration: no ACL file: users stand in the configuration file, and the default user is as
  ///     `settings` have it.
  ///   - adminPassword: nil: a random one.
  public init(
    settings: [String] = [], port: Int? = nil, keepsUsersInConfiguration: Bool = false,
    adminPassword: Secret? = nil
  ) throws {
    directory = try TemporaryDirectory()
    socket = directory.path("socket")
    let password = adminPassword?.exposeAsText() ?? "Adm" + UUID().uuidString
    self.adminPassword = Secret(password)
    let admin = "user admin on >\(password) ~* &* +@all"
    var lines = settings
    if keepsUsersInConfiguration {
      if !settings.contains(where: { $0.hasPrefix("user admin ") }) { lines.append(admin) }
    } else {
      try "user default off\n\(admin)\n".write(
        toFile: directory.path("acl"), atomically: true, encoding: .utf8)
      lines.append("aclfile \(directory.path("acl"))")
    }
    try (lines.joined(separator: "\n") + "\n").write(
      toFile: directory.path("conf"), atomically: true, encoding: .utf8)
    server = try SupervisedServer(
      """
      command -v redis-server >/dev/null || { echo "no redis-server; fix: apt-get install redis-server" >&2; exit 1; }
      mkfifo "$1/log"
      redis-server "$1/conf" --bind 127.0.0.1 --port "$2" --unixsocket "$1/socket" --save "" --dir "$1" >"$1/log" 2>&1 </dev/null &
      child=$!
      { while read -r line; do case $line in *"ready to accept"*|*"now ready"*) break;; esac; done
        echo ready; exec cat >/dev/null; } <"$1/log" &
      cat >/dev/null
      kill "$child"
      wait "$child"
      rm -rf "$1"
      """, arguments: [directory.path, "\(port ?? 0)"])
  }

  /// Stops it at once.
  public func stop() { server.stop() }

  /// The lines of its configuration file that say nothing of where it runs, for another one that is started with them.
  public func configuration() throws -> [String] {
    let own = ["dir ", "unixsocket ", "port ", "bind ", "logfile ", "save ", "#"]
    return try String(contentsOfFile: directory.path("conf"), encoding: .utf8).split(separator: "\n")
      .map(String.init).filter { line in !own.contains { line.hasPrefix($0) } }
  }

  /// Runs commands as `admin`, one a line, with `redis-cli`. - Returns: its output.
  @discardableResult
  public func run(_ commands: String, as user: String = "admin", _ password: Secret? = nil) async throws
    -> String
  {
    let login = "AUTH \(user) \((password ?? adminPassword).exposeAsText())\n"
    let file = directory.path(UUID().uuidString)
    try (login + commands + "\n").write(toFile: file, atomically: false, encoding: .utf8)
    return try await Program.run(
      ["sh", "-c", "exec redis-cli -s \"$1\" <\"$2\"", "sh", socket, file], in: "/")
  }

  /// A user of the given rights with a random name and password.
  public func makeUser(_ rights: String = "~* +@all -@admin") async throws -> (name: String, password: Secret)
  {
    let name = "user-" + UUID().uuidString.prefix(8).lowercased()
    let password = "Pw" + UUID().uuidString
    try await run("ACL SETUSER \(name) on >\(password) \(rights)")
    return (name, Secret(password))
  }

  /// A connection that stays open as `user`, until it is stopped or ended from the server's side.
  /// - Parameter command: what it says after its login.
  public func openConnection(_ user: String, _ password: Secret, _ command: String = "PING") throws
    -> SupervisedServer
  {
    try SupervisedServer(
      """
      mkfifo "$1.in" "$1.out"
      redis-cli -s "$2" <"$1.in" >"$1.out" 2>&1 &
      exec 4>"$1.in" 5<"$1.out"
      printf 'AUTH %s %s\\n' "$3" "$STAUNCH_TEST_PASSWORD" >&4
      read -r answer <&5
      printf '%s\\n' "$4" >&4
      read -r next <&5
      echo "ready $answer"
      cat >/dev/null
      """, arguments: [directory.path(UUID().uuidString), socket, user, command],
      environment: ["STAUNCH_TEST_PASSWORD": password.exposeAsText()])
  }
}
