public import Capabilities
import Foundation
public import Secrets

/// A real MariaDB server in a temporary directory, on loopback and a unix socket: every statement in its general log, every
/// change in its binlog.
public final class MariaDBServer: Sendable {
  public let host = "127.0.0.1"
  public let port: Int
  public var socket: String { directory.path("socket") }
  private let directory: TemporaryDirectory
  private let server: SupervisedServer

  /// One server for all tests of a process. Use user names of your own.
  public static func shared() throws -> MariaDBServer { try sharedServer.get() }
  private static let sharedServer = Result { try MariaDBServer() }

  /// - Parameter settings: lines of its configuration, for example `["max_password_errors": "5"]`.
  public init(settings: [String: String] = [:]) throws {
    let directory = try TemporaryDirectory()
    let password = "Root" + UUID().uuidString
    try "ALTER USER root@localhost IDENTIFIED BY '\(password)';\n".write(
      toFile: directory.path("init.sql"), atomically: true, encoding: .utf8)
    try "[client]\nuser=root\npassword=\(password)\nsocket=\(directory.path("socket"))\n".write(
      toFile: directory.path("client.cnf"), atomically: true, encoding: .utf8)
    var started: (SupervisedServer, Int)?
    var lastError: any Error = SupervisedServer.Failure(description: "not tried")
    for _ in 0..<3 where started == nil {
      let port = try SupervisedServer.freePort()
      var lines = [
        "datadir": directory.path("data"), "socket": directory.path("socket"),
        "pid_file": directory.path("pid"), "bind_address": "127.0.0.1", "port": "\(port)",
        "init_file": directory.path("init.sql"), "general_log": "1",
        "general_log_file": directory.path("general.log"), "log_bin": directory.path("binlog"),
        "log_error": directory.path("error.log"), "innodb_buffer_pool_size": "16M",
        "innodb_log_file_size": "8M", "innodb_flush_log_at_trx_commit": "0", "performance_schema": "off",
      ]
      lines.merge(settings) { _, new in new }
      try ("[mariadbd]\n" + lines.map { "\($0)=\($1)\n" }.sorted().joined()).write(
        toFile: directory.path("server.cnf"), atomically: true, encoding: .utf8)
      do {
        started = (try SupervisedServer(Self.script, arguments: [directory.path]), port)
      } catch {
        lastError = error  // perhaps somebody else took the port
      }
    }
    guard let (server, port) = started else { throw lastError }
    self.directory = directory
    self.server = server
    self.port = port
  }

  /// As whom to connect over TCP.
  public func login(_ user: String, _ password: Secret?) -> SQLLogin {
    SQLLogin(host: host, port: port, database: "", user: user, password: password, tls: "disable")
  }

  /// Runs SQL as root with the real client, over the socket. - Returns: rows, columns separated by tabs.
  /// - Parameter isLogged: false for set-up statements that hold a password.
  @discardableResult
  public func sql(_ statement: String, isLogged: Bool = true) async throws -> String {
    let quiet = isLogged ? "" : "SET SESSION sql_log_off = 1; SET SESSION sql_log_bin = 0; "
    return try await Program.run(
      [
        "mariadb", "--defaults-file=" + directory.path("client.cnf"), "--batch", "--raw",
        "--skip-column-names",
        "--execute", quiet + statement,
      ], in: "/"
    ).trimmingCharacters(in: .newlines)
  }

  /// A new user with a random name and password at each of `hosts`; its creation is in no log.
  public func makeUser(_ hosts: [String] = ["%"], _ options: String = "") async throws -> SQLLogin {
    let name = "user_" + UUID().uuidString.prefix(8).lowercased()
    let password = "Pw" + UUID().uuidString
    for host in hosts {
      try await sql("CREATE USER '\(name)'@'\(host)' IDENTIFIED BY '\(password)' \(options)", isLogged: false)
    }
    return login(name, Secret(password))
  }

  /// A runner's own user.
  public func makeRotator(_ rights: String = "CREATE USER, PROCESS, CONNECTION ADMIN") async throws
    -> SQLLogin
  {
    let rotator = try await makeUser()
    try await sql("GRANT \(rights) ON *.* TO '\(rotator.user)'@'%'")
    try await sql("GRANT SELECT ON mysql.* TO '\(rotator.user)'@'%'")
    return rotator
  }

  /// Everything that the server has logged: its general log, its binlog's bytes.
  public func logs() throws -> [UInt8] {
    var bytes: [UInt8] = []
    let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    for name in names where name == "general.log" || name.hasPrefix("binlog.0") {
      bytes += FileManager.default.contents(atPath: directory.path(name)) ?? Data()
    }
    return bytes
  }

  /// Stops it at once.
  public func stop() { server.stop() }

  private static let script = """
    PATH="$PATH:/usr/sbin"
    command -v mariadbd >/dev/null && command -v mariadb-install-db >/dev/null && command -v mariadb >/dev/null ||
      { echo "no MariaDB server; fix: apt-get install mariadb-server-core mariadb-client-core" >&2; exit 1; }
    if [ ! -d "$1/data" ]; then
      mkdir "$1/data"
      mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$1/data" --skip-test-db \\
        --auth-root-authentication-method=normal >"$1/install.log" 2>&1 </dev/null ||
        { cat "$1/install.log" >&2; exit 1; }
    fi
    mariadbd --defaults-file="$1/server.cnf" --user="$(id -un)" >/dev/null 2>&1 </dev/null &
    child=$!
    tries=0
    until mariadb --defaults-file="$1/client.cnf" --execute "DO 1" >/dev/null 2>&1 </dev/null; do
      tries=$((tries + 1))
      if [ $tries -gt 200 ] || ! kill -0 "$child" 2>/dev/null; then
        kill "$child" 2>/dev/null
        cat "$1/error.log" >&2
        exit 1
      fi
      sleep 0.1
    done
    echo ready
    cat >/dev/null
    kill -9 "$child"
    wait "$child"
    rm -rf "$1"
    """
}
