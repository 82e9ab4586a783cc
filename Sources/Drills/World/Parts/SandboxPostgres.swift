import Capabilities
import Foundation
import Secrets

/// A real PostgreSQL server of this machine's packages, with a cluster of its own in a temporary directory.
final class SandboxPostgres: Sendable {
  let database: String
  let role: String
  let adminUser = "staunch_rotator"
  let adminPassword = DecoySecret.password()
  let endpoint: SandboxEndpoint
  private let leash: ServerLeash
  private let manner: Manner

  /// The directory of the newest installed server's programs, or nil when none is installed.
  static func binaries() -> String? {
    let root = "/usr/lib/postgresql"
    // No such directory: the package is not installed, which is the answer.
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    return versions.filter { FileManager.default.isExecutableFile(atPath: "\(root)/\($0)/bin/initdb") }
      .max { (Int($0) ?? 0) < (Int($1) ?? 0) }.map { "\(root)/\($0)/bin" }
  }

  /// How it asks for passwords, and what else it has.
  enum Manner: Sendable {
    case postgres
    /// It plays Redshift: asks for MD5, and has its table of sessions.
    /// Source: https://docs.aws.amazon.com/redshift/latest/dg/r_STV_SESSIONS.html
    case redshift

    fileprivate var method: String { self == .redshift ? "md5" : "scram-sha-256" }
    fileprivate var setup: String {
      guard self == .redshift else { return "" }
      return """
        SET allow_system_table_mods = on;
        CREATE VIEW pg_catalog.stv_sessions AS
          SELECT backend_start AT TIME ZONE 'UTC' AS starttime, pid AS process,
            usename::char(50) AS user_name, datname::char(50) AS db_name
          FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend';
        GRANT SELECT ON pg_catalog.stv_sessions TO PUBLIC;

        """
    }
  }

  /// - Parameters:
  ///   - role: the user whose password leaked, with that `password`.
  ///   - database: made for it.
  init(
    binaries: String, role: String, password: String, database: String, manner: Manner = .postgres
  ) throws(DrillError) {
    self.role = role
    self.database = database
    self.manner = manner
    // The passwords go through standard input: neither arguments nor environment of any program hold them.
    let setup = """
      CREATE ROLE \(adminUser) LOGIN CREATEROLE PASSWORD '\(adminPassword)';
      GRANT pg_signal_backend, pg_read_all_stats TO \(adminUser);
      SET ROLE \(adminUser);
      CREATE ROLE \(role) LOGIN PASSWORD '\(password)';
      RESET ROLE;
      \(manner.setup)-- end

      """
    var started: (ServerLeash, Int)?
    var last = DrillError(.sandbox, "start PostgreSQL", because: "no free port was found")
    for _ in 0..<3 where started == nil {
      let port = Self.freePort()
      do throws(DrillError) {
        let leash = try ServerLeash(
          Self.script, arguments: [binaries, "\(port)", database, manner.method], user: "postgres",
          standardInput: setup)
        started = (leash, port)
      } catch {
        last = error  // perhaps somebody else took the port
      }
    }
    guard let (leash, port) = started else { throw last }
    self.leash = leash
    endpoint = SandboxEndpoint(port: port)
  }

  /// As whom to connect.
  func login(_ user: String, _ password: String) -> SQLLogin {
    var login = SQLLogin(
      host: endpoint.host, port: endpoint.port, database: database, user: user, password: Secret(password),
      tls: "disable")
    login.takesMD5 = manner == .redshift
    return login
  }

  /// Sets the user's password as the server's own administrator, like a control plane. - Returns: false: it was not done.
  func setPassword(_ password: String) async -> Bool {
    guard !password.contains("\n") else { return false }
    let literal = password.replacing("'", with: "''")
    return await leash.ask("ALTER ROLE \(role) PASSWORD '\(literal)';") == "done"
  }

  func stop() { leash.stop() }
  var isGone: Bool { leash.isGone }

  /// PostgreSQL cannot announce a port that the kernel chose, so one is asked for and given back just before.
  private static func freePort() -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    return isBound ? Int(UInt16(bigEndian: address.sin_port)) : 0
  }

  private static let script = """
    base="${TMPDIR:-/tmp}"
    [ -w "$base" ] || base=/tmp
    dir=$(mktemp -d "$base/staunch-drill-XXXXXX") || exit 1
    trap 'rm -rf "$dir"' EXIT
    trap '' HUP INT
    "$1/initdb" -N -E UTF8 --locale=C.UTF-8 -U postgres --auth-host="$4" --auth-local=trust \\
      -D "$dir/data" >/dev/null </dev/null || exit 1
    cat >>"$dir/data/postgresql.conf" <<END
    listen_addresses = '127.0.0.1'
    port = $2
    unix_socket_directories = '$dir'
    fsync = off
    synchronous_commit = off
    full_page_writes = off
    autovacuum = off
    password_encryption = '$4'
    shared_buffers = '16MB'
    log_min_messages = fatal
    log_min_error_statement = panic
    END
    "$1/pg_ctl" -D "$dir/data" -l "$dir/log" -w start >/dev/null </dev/null || exit 1
    "$1/createdb" -h "$dir" -p "$2" -U postgres "$3" </dev/null || exit 1
    while IFS= read -r line; do
      [ "$line" = "-- end" ] && break
      printf '%s\\n' "$line"
    done | "$1/psql" -X -q -v ON_ERROR_STOP=1 -h "$dir" -p "$2" -U postgres -d "$3" >/dev/null || exit 1
    echo "ready $dir"
    while IFS= read -r line; do
      [ -n "$line" ] || continue
      printf '%s\\n' "$line" | "$1/psql" -X -q -v ON_ERROR_STOP=1 -h "$dir" -p "$2" -U postgres -d "$3" \\
        >/dev/null 2>&1 && echo done || echo failed
    done
    "$1/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 </dev/null
    """
}
