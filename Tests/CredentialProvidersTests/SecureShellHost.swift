import Foundation
import Secrets
import Synchronization
import TestSupport

/// A real sshd on loopback with accounts of its own: it sees other files as /etc/passwd, group and shadow (a mount namespace),
/// so that nothing of the machine is changed. Needs root and the right to mount.
final class SecureShellHost: Sendable {
  struct Account: Sendable {
    let name: String
    let uid: Int
    let home: String
    /// The private key whose line stands in its authorized_keys.
    let key: Secret
    let publicLine: String
    /// The file that holds it.
    let keyFile: String
    var authorizedKeys: String { home + "/.ssh/authorized_keys" }

    func text() throws -> String { try String(contentsOfFile: authorizedKeys, encoding: .utf8) }
    /// As its owner would.
    func write(_ text: String, _ name: String = "authorized_keys") throws {
      try text.write(toFile: home + "/.ssh/" + name, atomically: false, encoding: .utf8)
    }
  }

  let directory: TemporaryDirectory
  let port: Int
  let adminKey: Secret
  private let server: SupervisedServer
  private let nextID = Mutex(48_000)

  var knownHosts: String { directory.path("known_hosts") }
  var configuration: String { directory.path("sshd_config") }
  /// The same without RevokedKeys, so that only lines decide what the provider does.
  var plainConfiguration: String { directory.path("plain_config") }
  var log: String { directory.path("log") }
  /// Where nobody but root can write, as the host sees it, and as we do.
  static let ownDirectory = "/srv"
  var ownDirectory: String { directory.path("srv") }

  /// One for all tests of the process.
  static func shared() throws -> SecureShellHost { try sharedHost.get() }
  private static let sharedHost = Result { try SecureShellHost() }

  /// Whether this machine lets us; asked once.
  static let isPossible: Bool = {
    guard geteuid() == 0 else { return false }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/unshare")
    process.arguments = ["-m", "mount", "--make-rprivate", "/"]
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()
  static let notice =
    "NOT RUN: a real sshd with accounts of its own needs root and the right to mount (CAP_SYS_ADMIN)"

  private static let script = """
    d=$1 port=$2; umask 022
    mkdir -p /run/sshd "$d/srv" "$d/home/rotator/.ssh" || exit 1
    for f in passwd group shadow; do cp "/etc/$f" "$d/$f" || exit 1; done
    echo "rotator:x:0:0::$d/home/rotator:/bin/sh" >>"$d/passwd"; echo 'rotator:*:19000:0:99999:7:::' >>"$d/shadow"
    for k in host admin; do ssh-keygen -q -t ed25519 -N '' -C '' -f "$d/$k" || exit 1; done
    cp "$d/admin.pub" "$d/home/rotator/.ssh/authorized_keys"
    echo "[127.0.0.1]:$port $(cat "$d/host.pub")" >"$d/known_hosts"
    : >"$d/srv/revoked"
    cat >"$d/sshd_config" <<END
    Port $port
    ListenAddress 127.0.0.1
    HostKey $d/host
    PasswordAuthentication no
    KbdInteractiveAuthentication no
    UsePAM no
    StrictModes no
    PidFile none
    PermitRootLogin yes
    MaxStartups 500
    RevokedKeys /srv/revoked
    AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys2 /srv/keys_%u
    END
    sed -i 's/^ *//' "$d/sshd_config"; grep -v RevokedKeys "$d/sshd_config" >"$d/plain_config"
    unshare -m sh -c 'mount --make-rprivate / && for f in passwd group shadow; do mount --bind "$1/$f" "/etc/$f" || exit 1; done
      mount --bind "$1/srv" /srv && exec /usr/sbin/sshd -D -E "$1/log" -f "$1/sshd_config"' sh "$d" &
    pid=$!
    touch "$d/log"
    timeout 30 tail -n +1 -F "--pid=$pid" "$d/log" 2>/dev/null | grep -q -m 1 'Server listening' || { cat "$d/log" >&2; exit 1; }
    echo ready
    cat >/dev/null
    kill $pid; wait $pid; rm -rf "$d"

    """

  init() throws {
    directory = try TemporaryDirectory()
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory.path)
    var started: (SupervisedServer, Int)?
    var lastError: any Error = SupervisedServer.Failure(description: "not tried")
    for _ in 0..<3 where started == nil {
      let port = try SupervisedServer.freePort()
      do {
        started = (try SupervisedServer(Self.script, arguments: [directory.path, "\(port)"]), port)
      } catch {
        lastError = error  // perhaps somebody else took the port
      }
    }
    guard let started else { throw lastError }
    (server, port) = started
    adminKey = Secret(try String(contentsOfFile: directory.path("admin"), encoding: .utf8))
  }

  deinit { server.stop() }

  /// An account with a key of its own, or the one that `other` has.
  /// - Parameter options: before its line.
  func makeAccount(sharing other: Account? = nil, options: String = "", type: String = "ed25519") async throws
    -> Account
  {
    let uid = nextID.withLock { id in
      id += 1
      return id
    }
    let name = "leaky\(uid)"
    let home = directory.path("home/\(name)")
    try FileManager.default.createDirectory(atPath: home + "/.ssh", withIntermediateDirectories: true)
    if other == nil {
      try await Program.run(
        ["ssh-keygen", "-q", "-t", type, "-N", "", "-C", "its-comment", "-f", directory.path(name)], in: "/")
    }
    let account = Account(
      name: name, uid: uid, home: home,
      key: try other?.key ?? Secret(String(contentsOfFile: directory.path(name), encoding: .utf8)),
      publicLine: try other?.publicLine
        ?? String(contentsOfFile: directory.path(name + ".pub"), encoding: .utf8).trimmingCharacters(
          in: .newlines),
      keyFile: other?.keyFile ?? directory.path(name))
    try account.write((options.isEmpty ? "" : options + " ") + account.publicLine + "\n")
    try await Program.run(["chown", "-R", "\(uid):\(uid)", home], in: "/")
    nextID.withLock { _ in
      append("\(name):x:\(uid):\(uid)::\(home):/bin/sh\n", "passwd")
      append("\(name):x:\(uid):\n", "group")
      append("\(name):*:19000:0:99999:7:::\n", "shadow")
    }
    return account
  }

  /// In place: the host sees this very file.
  private func append(_ text: String, _ name: String) {
    guard let file = FileHandle(forWritingAtPath: directory.path(name)) else { return }
    defer { file.closeFile() }
    file.seekToEndOfFile()
    file.write(Data(text.utf8))
  }

  /// A login that stays: whoever had the key before it was taken out. Ends with the value.
  func open(_ account: Account, _ command: String) throws -> OpenLogin {
    try OpenLogin(self, account, command)
  }

  final class OpenLogin: Sendable {
    private let server: SupervisedServer
    init(_ host: SecureShellHost, _ account: Account, _ command: String) throws {
      // It prints `ready` at the host, and stays until our input ends or sshd ends it.
      // Never in place of the shell: ssh closes all that it inherits, also the socket by which Foundation learns that a child
      // has ended.
      server = try SupervisedServer(
        """
        exec 9<&0
        ssh -F none -i "$1" -o IdentitiesOnly=yes -o UserKnownHostsFile="$2" -p "$3" "$4@127.0.0.1" "$5" <&9 &
        cat >/dev/null; kill -9 $!; wait $!
        """,
        arguments: [account.keyFile, host.knownHosts, "\(host.port)", account.name, "echo ready; " + command])
    }
    func close() { server.stop() }
  }
}
