public import Capabilities
import Foundation
public import Secrets

/// A real PostgreSQL server in a temporary directory: `scram-sha-256` on TCP, every statement and login in its log.
///
/// The server refuses to run as root; the tests may. Then it runs as the packages' user `postgres`.
public final class PostgresServer: Sendable {
  public let host = "127.0.0.1"
  public let port: Int
  /// Its unix socket's directory; there the superuser needs no password (for ``sql(_:)``).
  public let directory: String
  /// The database that tests use.
  public let database = "training"
  /// The superuser over TCP.
  public let superuser: SQLLogin
  private let server: SupervisedServer

  /// One server for all tests of a process. Use role names of your own.
  public static func shared() throws -> PostgresServer { try sharedServer.get() }
  private static let sharedServer = Result { try PostgresServer() }

  /// - Parameters:
  ///   - settings: lines for postgresql.conf, for example `["max_connections": "5"]`.
  ///   - rules: lines of pg_hba.conf that come before all others.
  public init(settings: [String: String] = [:], rules: [String] = []) throws {
    let binaries = try Self.binaries()
    let password = "Super" + UUID().uuidString
    var started: (SupervisedServer, Int)?
    var lastError: any Error = SupervisedServer.Failure(description: "not tried")
    for _ in 0..<3 where started == nil {
      let port = try SupervisedServer.freePort()
      var lines = [
        "listen_addresses": "'127.0.0.1'", "port": "\(port)", "fsync": "off", "full_page_writes": "off",
        "synchronous_commit": "off", "log_statement": "'all'", "log_connections": "on",
        "log_disconnections": "on", "password_encryption": "'scram-sha-256'", "shared_buffers": "'16MB'",
        "timezone": "'UTC'",
      ]
      lines.merge(settings) { _, new in new }
      let configuration = lines.map { "\($0) = \($1)\n" }.sorted().joined()
      do {
        let server = try SupervisedServer(
          Self.script, arguments: [binaries],
          environment: [
            "STAUNCH_TEST_PASSWORD": password, "STAUNCH_TEST_CONFIGURATION": configuration,
            "STAUNCH_TEST_RULES": rules.map { $0 + "\n" }.joined(),
          ],
          user: "postgres")
        started = (server, port)
      } catch {
        lastError = error  // perhaps somebody else took the port
      }
    }
    guard let (server, port) = started else { throw lastError }
    self.server = server
    self.port = port
    directory = server.announcement
    superuser = SQLLogin(
      host: host, port: port, database: database, user: "postgres", password: Secret(password), tls: "disable"
    )
  }

  /// As whom to connect over TCP.
  public func login(_ user: String, _ password: Secret?) -> SQLLogin {
    SQLLogin(host: host, port: port, database: database, user: user, password: password, tls: "disable")
  }

  /// Runs SQL as the superuser with `psql` over the unix socket. - Returns: rows, columns separated by `|`.
  /// - Parameter isLogged: false for set-up statements that hold a password.
  @discardableResult
  public func sql(_ statement: String, isLogged: Bool = true) async throws -> String {
    try await Program.run(
      [
        "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", directory, "-p", "\(port)", "-U",
        "postgres", "-d", database, "-c", statement,
      ], in: "/", environment: isLogged ? [:] : ["PGOPTIONS": "-c log_statement=none"]
    ).trimmingCharacters(in: .newlines)
  }

  /// A new role with a random name and password; its creation is not in the log.
  public func makeRole(_ options: String = "LOGIN") async throws -> SQLLogin {
    let name = "role_" + UUID().uuidString.prefix(8).lowercased()
    let password = "Pw" + UUID().uuidString
    try await sql("CREATE ROLE \(name) \(options) PASSWORD '\(password)'", isLogged: false)
    return login(name, Secret(password))
  }

  /// Puts a rule before all others of pg_hba.conf and waits until the server goes by it.
  public func addHostRule(_ rule: String) async throws {
    let path = directory + "/data/pg_hba.conf"
    let old = try String(contentsOfFile: path, encoding: .utf8)
    // Written in place: the file stays the server's own user's.
    let file = try FileHandle(forWritingTo: URL(filePath: path))
    try file.truncate(atOffset: 0)
    try file.write(contentsOf: Data((rule + "\n" + old).utf8))
    try file.close()
    let loaded = try await sql("SELECT pg_conf_load_time()")
    try await sql("SELECT pg_reload_conf()")
    while try await sql("SELECT pg_conf_load_time()") == loaded {}
  }

  /// Everything the server has logged.
  public func log() throws -> String {
    try String(contentsOfFile: directory + "/log", encoding: .utf8)
  }

  /// Stops the server at once.
  public func stop() { server.stop() }

  private static func binaries() throws -> String {
    let root = "/usr/lib/postgresql"
    // No such directory: the package is missing, said below.
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    let newest = versions.max { (Int($0) ?? 0) < (Int($1) ?? 0) }
    guard let newest else {
      throw SupervisedServer.Failure(description: "no PostgreSQL server; fix: apt-get install postgresql")
    }
    return "\(root)/\(newest)/bin"
  }

  private static let script = """
    base="${TMPDIR:-/tmp}"
    [ -w "$base" ] || base=/tmp
    dir=$(mktemp -d "$base/staunch-postgres-XXXXXX") || exit 1
    trap 'rm -rf "$dir"' EXIT
    printf '%s' "$STAUNCH_TEST_PASSWORD" >"$dir/pw"
    "$1/initdb" -N -E UTF8 --locale=C.UTF-8 -U postgres --auth-host=scram-sha-256 --auth-local=trust \\
      --pwfile="$dir/pw" -D "$dir/data" >&2 || exit 1
    rm "$dir/pw"
    case $STAUNCH_TEST_CONFIGURATION in *"ssl = on"*)
      openssl req -new -x509 -nodes -days 2 -subj /CN=localhost -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \\
        -keyout "$dir/data/server.key" -out "$dir/data/server.crt" >&2 2>/dev/null </dev/null || exit 1
      chmod 600 "$dir/data/server.key";;
    esac
    printf '%s' "$STAUNCH_TEST_RULES" | cat - "$dir/data/pg_hba.conf" >"$dir/rules"
    cat "$dir/rules" >"$dir/data/pg_hba.conf"
    printf '%s' "$STAUNCH_TEST_CONFIGURATION" >>"$dir/data/postgresql.conf"
    printf "unix_socket_directories = '%s'\\n" "$dir" >>"$dir/data/postgresql.conf"
    unset STAUNCH_TEST_PASSWORD STAUNCH_TEST_CONFIGURATION
    "$1/pg_ctl" -D "$dir/data" -l "$dir/log" -w start >&2 </dev/null || { cat "$dir/log" >&2; exit 1; }
    "$1/createdb" -h "$dir" -p "$(sed -n 4p "$dir/data/postmaster.pid")" -U postgres training >&2
    echo "ready $dir"
    cat >/dev/null
    "$1/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1
    """
}
