import Capabilities
import Foundation
import Secrets

/// A real PostgreSQL server of this machine's packages, with a cluster of its own in a temporary directory.
final class SandboxPostgres: Sendable {
  let database = "training"
  let role = "trainer"
  let adminUser = "staunch_rotator"
  let adminPassword = DecoySecret.password()
  let endpoint: SandboxEndpoint
  private let leash: ServerLeash

  /// The directory of the newest installed server's programs, or nil when none is installed.
  static func binaries() -> String? {
    let root = "/usr/lib/postgresql"
    // No such directory: the package is not installed, which is the answer.
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    return versions.filter { FileManager.default.isExecutableFile(atPath: "\(root)/\($0)/bin/initdb") }
      .max { (Int($0) ?? 0) < (Int($1) ?? 0) }.map { "\(root)/\($0)/bin" }
  }

  /// - Parameter password: the leaked password of ``role``.
  init(binaries: String, password: String) throws(DrillError) {
    // The passwords go through standard input: neither arguments nor environment of any program hold them.
    let setup = """
      CREATE ROLE \(adminUser) LOGIN CREATEROLE PASSWORD '\(adminPassword)';
      GRANT pg_signal_backend, pg_read_all_stats TO \(adminUser);
      SET ROLE \(adminUser);
      CREATE ROLE \(role) LOGIN PASSWORD '\(password)';
      RESET ROLE;
      -- end

      """
    var started: (ServerLeash, Int)?
    var last = DrillError(.sandbox, "start PostgreSQL", because: "no free port was found")
    for _ in 0..<3 where started == nil {
      let port = Self.freePort()
      do throws(DrillError) {
        let leash = try ServerLeash(
          Self.script, arguments: [binaries, "\(port)", database], user: "postgres", standardInput: setup)
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
    SQLLogin(
      host: endpoint.host, port: endpoint.port, database: database, user: user, password: Secret(password),
      tls: "disable")
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
    "$1/initdb" -N -E UTF8 --locale=C.UTF-8 -U postgres --auth-host=scram-sha-256 --auth-local=trust \\
      -D "$dir/data" >/dev/null </dev/null || exit 1
    cat >>"$dir/data/postgresql.conf" <<END
    listen_addresses = '127.0.0.1'
    port = $2
    unix_socket_directories = '$dir'
    fsync = off
    synchronous_commit = off
    full_page_writes = off
    autovacuum = off
    password_encryption = 'scram-sha-256'
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
    cat >/dev/null
    "$1/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 </dev/null
    """
}
