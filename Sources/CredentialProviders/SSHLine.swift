import Capabilities
import Foundation
import Secrets

/// Logins with OpenSSH's client: the administrator's, who runs scripts, and the one that only tries a key.
///
/// A key goes to `ssh` as its standard input, a file of mode 0600 that no path names, so that it stands in no argument, no
/// environment and on no disk. Nothing of the user's own configuration is read, host keys are those of `known_hosts` alone,
/// and nothing is forwarded. Source: ssh(1), ssh_config(5).
struct SSHLine: Sendable {
  let knownHosts: String
  let adminUser: String
  let environment: AdapterEnvironment

  /// Longest for one login and what it does.
  private static let patience = Duration.seconds(60)

  private func arguments(_ place: SSHPlace, as account: String, log: String = "ERROR") -> [String] {
    let options = [
      "BatchMode=yes", "IdentitiesOnly=yes", "IdentityAgent=none",
      "PreferredAuthentications=publickey", "UserKnownHostsFile=\(knownHosts)",
      "GlobalKnownHostsFile=/dev/null",
      "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "VerifyHostKeyDNS=no", "CheckHostIP=no",
      "ClearAllForwardings=yes", "ForwardAgent=no", "ForwardX11=no", "Tunnel=no", "ControlMaster=no",
      "ControlPath=none", "RequestTTY=no", "ConnectTimeout=15", "ConnectionAttempts=1", "LogLevel=\(log)",
      "ServerAliveInterval=10", "ServerAliveCountMax=2",
    ]
    return ["ssh", "-F", "none"] + options.flatMap { ["-o", $0] }
      + ["-i", "/dev/stdin", "-l", account, "-p", "\(place.port)"]
  }

  // MARK: the administrator

  /// What every script begins with: a path of our own, no file of anybody's is read by the shell.
  ///
  /// `as_user` runs a script with the account's own rights and no way to more, its input closed, its output bounded: what it
  /// says is the account's word, like the files that it reads. Its reader ends, too: another process of the account's can
  /// take the same pipe (pidfd_getfd(2)) and keep it open. `ours` says whether nobody but root can change what a path leads to.
  private static let prelude = """
    PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C; export PATH LC_ALL; unset ENV BASH_ENV CDPATH; umask 077
    cd / || exit 90; [ "$(id -u)" = 0 ] || { echo not-root; exit 91; }
    as_user() { timeout -k 2 20 setpriv --reuid "$uid" --regid "$gid" --init-groups --no-new-privs \
      --inh-caps=-all --bounding-set=-all -- env -i PATH=/usr/bin:/bin LC_ALL=C /bin/sh -c "$@" \
      </dev/null 2>/dev/null | { timeout -k 2 23 cat || :; } | head -c 1000000; }
    ours() { p=$1; case $p in /*) ;; *) return 1;; esac; if [ -e "$p" ] || [ -L "$p" ]; then
        [ -f "$p" ] && [ ! -L "$p" ] && [ "$(stat -c %u -- "$p")" = 0 ] || return 1; fi
      while [ "$p" != / ]; do p=$(dirname -- "$p")
        [ ! -L "$p" ] && [ "$(stat -c %u -- "$p")" = 0 ] || return 1
        case $(stat -c %A -- "$p") in ?????w*|????????w*) return 1;; esac
      done; }

    """

  /// Runs a script as root that only looks. - Returns: its output.
  func ask(_ place: SSHPlace, _ key: Secret, _ script: String, _ words: [String])
    async throws(CapabilityError) -> String
  {
    let outcome = try await environment.processes.inspect(
      call(place, key, script, words), readOnlyBecause: "the script only reads files, settings and processes")
    return try checked(outcome, place, changes: false)
  }

  /// Runs a script as root that changes something.
  func change(
    _ place: SSHPlace, _ key: Secret, _ script: String, _ words: [String],
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> String {
    try checked(
      try await environment.processes.run(call(place, key, script, words), under: authority), place,
      changes: true)
  }

  private func call(_ place: SSHPlace, _ key: Secret, _ script: String, _ words: [String]) -> ProcessCall {
    let shell = adminUser == "root" ? "exec /bin/sh -c" : "exec sudo -n -- /bin/sh -c"
    let command = ([Self.prelude + script, "sh"] + words).map { "'" + $0.replacing("'", with: "'\\''") + "'" }
    return ProcessCall(
      arguments(place, as: adminUser) + [
        "-n", "--", place.host, "\(shell) \(command.joined(separator: " "))",
      ],
      standardInput: key, timeout: Self.patience)
  }

  private func checked(_ outcome: ProcessOutcome, _ place: SSHPlace, changes: Bool) throws(CapabilityError)
    -> String
  {
    let operation = "ssh \(adminUser)@\(place.host)"
    if outcome.status == 91 || outcome.output.hasPrefix("not-root") {
      throw CapabilityError(
        .refused, operation, because: "the runner's account is not root there",
        fix: "let it: admin_user: root, or sudo without a password for /bin/sh")
    }
    guard outcome.status != 0 else { return outcome.output }
    let reason = Reason(outcome)
    switch reason {
    case .refused:
      throw CapabilityError(
        .refused, operation, because: "sshd refused the runner's own key",
        fix: "put its public half into \(adminUser)'s authorized_keys at \(place.host)")
    case .unusableKey:
      throw CapabilityError(
        .configuration, operation, because: "admin_key cannot be read as a private key without a passphrase",
        fix: "ssh-keygen -y -P '' -f KEYFILE says why")
    case .hostKey:
      throw CapabilityError(
        .unsafe, operation, because: "its host key is not the one in known_hosts; it was told nothing",
        fix: "see who answers there: ssh-keyscan -p \(place.port) \(place.host)")
    case .unreached:
      throw CapabilityError(
        .network, operation, because: "no connection to port \(place.port)",
        fix: "check that sshd is up there")
    case .other:
      if outcome.status != 255, outcome.errors.contains("sudo:") {
        throw CapabilityError(
          .refused, operation, because: "sudo wants a password",
          fix: "let \(adminUser) run /bin/sh through sudo without one")
      }
      throw CapabilityError(
        changes ? .unknownOutcome : .network, operation,
        because: "the connection broke, or the script ended with status \(outcome.status)",
        fix: "try by hand: ssh -p \(place.port) \(adminUser)@\(place.host) id")
    }
  }

  /// Why `ssh` ended, by its own last words. A login that failed runs nothing at the host that could print them, and the
  /// banner is root's.
  enum Reason {
    case refused, unusableKey, hostKey, unreached, other

    init(_ outcome: ProcessOutcome) {
      let text = outcome.errors
      func says(_ words: String...) -> Bool { words.contains { text.contains($0) } }
      guard outcome.status == 255 else {
        self = .other
        return
      }
      // A key that could not be read was not offered: the refusal that follows says nothing of it.
      if says("Load key ", "UNPROTECTED PRIVATE KEY", "sign_and_send_pubkey") {
        self = .unusableKey
      } else if says("Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED") {
        self = .hostKey
      } else if says(": Permission denied (") {
        self = .refused
      } else if says(
        "Connection refused", "Connection timed out", "Could not resolve", "No route to host",
        "Network is unreachable", "Connection reset", "kex_exchange_identification", "Connection closed by")
      {
        self = .unreached
      } else {
        self = .other
      }
    }
  }

  // MARK: a try

  enum Try: Sendable {
    case accepted
    case refused
    case undecided(String)
  }

  private static let word = "staunch-accepted"

  /// Whether sshd lets `key` in. No session is opened: neither a shell, a forced command nor `~/.ssh/rc` runs there. Our
  /// own `ssh` says that it is in and is ended.
  ///
  /// A refusal counts only where `ssh` has offered this very key and sshd went on without it: one that has a passphrase, or an
  /// algorithm that `ssh` no longer offers, is refused just the same and was never judged. sshd judges the public half first,
  /// which needs no passphrase.
  func attempt(_ key: Secret, _ half: SSHPublicKey, at place: SSHPlace) async -> Try {
    let own = ["-o", "PermitLocalCommand=yes", "-o", "LocalCommand=echo \(Self.word); kill $PPID", "-N"]
    let call = ProcessCall(
      arguments(place, as: place.account, log: "DEBUG1") + own + ["--", place.host], standardInput: key,
      timeout: .seconds(30))
    let outcome: ProcessOutcome
    do throws(CapabilityError) {
      outcome = try await environment.processes.inspect(
        call, readOnlyBecause: "a login without a session changes nothing but sshd's log")
    } catch { return .undecided(error.because) }
    if outcome.output == Self.word + "\n" { return .accepted }
    let lines = outcome.errors.split(whereSeparator: \.isNewline)
    let notes = lines.filter { $0.hasPrefix("debug1: ") }.map { $0.dropFirst(8) }
    let isTaken = notes.contains { $0.hasPrefix("Server accepts key: ") && $0.contains(half.fingerprint) }
    if isTaken || lines.contains(where: { $0.hasSuffix("with partial success.") }) { return .accepted }
    let words = lines.filter { !$0.hasPrefix("debug1: ") }.joined(separator: "\n")
    switch Reason(ProcessOutcome(status: outcome.status, output: "", errors: words)) {
    case .refused:
      let offer = notes.firstIndex {
        $0.hasPrefix("Offering public key: ") && $0.contains(half.fingerprint)
          || $0.hasPrefix("Trying private key: ")
      }
      let isJudged = offer.map { notes[$0...].contains { $0.hasPrefix("Authentications that can continue") } }
      return isJudged == true
        ? .refused : .undecided("ssh did not offer the key: a passphrase, or an algorithm of former times")
    case .unusableKey: return .undecided("the key cannot be used without its passphrase, or is damaged")
    case .hostKey: return .undecided("the host's key is not the one in known_hosts")
    case .unreached: return .undecided("no connection")
    case .other: return .undecided("ssh ended with status \(outcome.status)")
    }
  }
}
