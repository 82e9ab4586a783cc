public import Capabilities
public import Foundation
import JSON

// What the hosts tell of a key: who used it, what its holder left behind. Comments and commands are the holder's own text and
// are not repeated.
extension SSHKey {
  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    let (meantPlaces, fingerprint) = try meant(ref)
    var places: [String: JSONValue] = [:]
    for place in meantPlaces {
      do throws(CapabilityError) {
        let look = try await look(place, nil)
        let running = try await running(at: place, uid: look.uid)
        let line = look.files.lazy.compactMap { $0.keys.line(of: fingerprint) }.first
        places[place.name] = .object([
          "listed": .boolean(line != nil),
          "options": .array((line?.optionNames.sorted() ?? []).map { .string($0) }),
          "privilege": .array(look.isPowerful.map { .string($0) }),
          "sessions": .integer(running.sessions),
          "processes": .integer(running.processes), "processes_after_logins": .integer(running.left),
          "revoked_keys": look.settings["revokedkeys"].map { .string($0) } ?? .null,
          "links": .array(look.files.filter { $0.link != nil }.map { .string($0.path) }),
          "unread": .array(
            look.files.filter { !$0.isRead }.map { .string("\($0.path): \($0.state.rawValue)") }),
        ])
      } catch { places[place.name] = .string("unknown: \(error.because)") }
    }
    return CredentialFacts(["fingerprint": .string(fingerprint), "places": .object(places)])
  }

  // MARK: sshd's log

  /// Lines with the fingerprint alone. Files that were rotated are read too; a journal is asked for what root's sshd said.
  private static let logScript = """
    if [ "$1" = journal ]; then
      journalctl -q --no-pager -o short-unix _COMM=sshd _UID=0 + _COMM=sshd-session _UID=0 ${3:+--since "@$3"} 2>/dev/null \\
        || { echo unread; exit 0; }
      echo oldest "$(journalctl -q --no-pager -o short-unix 2>/dev/null | head -n 1 | cut -d. -f1)"
    else
      [ -r "$1" ] || { echo unread; exit 0; }
      for f in "$1" "$1".[0-9] "$1".[0-9].gz "$1"-[0-9]*; do [ ! -f "$f" ] || gzip -cdf -- "$f"; done
    fi | grep -F -e "$2" -e 'oldest ' -e unread | tail -n 5000
    echo end

    """

  private struct Use {
    let account: String
    let address: String
  }

  /// Only what sshd itself begins its line with: who may write a user name into the log writes it further behind.
  private static func use(_ line: Substring, _ fingerprint: String) -> Use? {
    var text = line[...]
    if !text.hasPrefix("Accepted publickey for ") {
      guard let name = text.firstRange(of: #/^[^\[\]]{1,120} sshd(-session)?\[[0-9]+\]: /#) else {
        return nil
      }
      text = text[name.upperBound...]
    }
    guard
      let match = text.wholeMatch(
        of: /Accepted publickey for (\S+) from (\S+) port [0-9]+ ssh2: \S+ (SHA256:\S+)(?: ID .*)?/),
      match.3 == fingerprint
    else { return nil }
    return Use(account: String(match.1), address: String(match.2))
  }

  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    let (meantPlaces, fingerprint) = try meant(ref)
    var seen: Bool? = expected.isEmpty ? nil : false
    var covered: Date?
    var isCovered = true
    var findings: [String] = []
    let admin = try await admin()
    for place in meantPlaces {
      let text = try await line.ask(
        place, admin, Self.logScript,
        [settings.log, fingerprint, since.map { "\(Int($0.timeIntervalSince1970))" } ?? ""])
      let lines = text.split(separator: "\n")
      guard lines.last == "end", !lines.contains("unread") else {
        findings.append("unknown: sshd's log of \(place.name) (\(settings.log)) could not be read")
        if seen == false { seen = nil }
        isCovered = false
        continue
      }
      var uses: [String: Int] = [:]
      for use in lines.compactMap({ Self.use($0, fingerprint) }) where use.account == place.account {
        uses[use.address, default: 0] += 1
      }
      for (address, count) in uses.sorted(by: { $0.key < $1.key }) {
        let isStrange = !expected.isEmpty && !expected.contains(address)
        if isStrange { seen = true }
        findings.append(
          "\(count) login(s) to \(place.name) from \(address)" + (isStrange ? ", which is not expected" : ""))
      }
      let look = try await look(place, nil)
      for client in try await running(at: place, uid: look.uid).clients {
        let isStrange = !expected.isEmpty && !expected.contains(client)
        if isStrange { seen = true }
        findings.append(
          "open session at \(place.name) from \(client)" + (isStrange ? ", which is not expected" : ""))
      }
      // A file does not say from when on it is whole.
      let oldest = lines.first { $0.hasPrefix("oldest ") }.flatMap { Double($0.dropFirst(7)) }
      if let oldest {
        let start = max(Date(timeIntervalSince1970: oldest), since ?? .distantPast)
        covered = max(covered ?? start, start)
      } else {
        isCovered = false
      }
    }
    if expected.isEmpty {
      findings.append("no expected_clients in staunch.yaml: nobody can say which logins are yours")
    }
    let now = environment.now()
    return AbuseReport(
      seen: seen, covered: isCovered ? covered.map { min($0, now)...now } : nil, findings: findings)
  }

  // MARK: what its holder left

  /// Below the home: what sshd or a shell runs at a login, and what runs by itself.
  private static let leftovers = [
    ".ssh/authorized_keys2", ".ssh/rc", ".ssh/environment", ".ssh/config", ".profile", ".bash_profile",
    ".bash_login",
    ".bashrc", ".bash_logout", ".zshenv", ".zprofile", ".zshrc", ".zlogin", ".config/fish/config.fish",
    ".forward",
    ".pam_environment", ".config/systemd/user", ".config/autostart",
  ]

  private static let timersScript = """
    crontab -l -u "$1" 2>/dev/null | grep -v '^ *#' | grep -c . | sed 's/^/cron /'
    [ ! -e "/var/lib/systemd/linger/$1" ] || echo linger
    atq 2>/dev/null | awk -v a="$1" '$NF == a' | wc -l | sed 's/^/at /'
    echo end

    """

  /// Other keys, authorities and programs that its holder could have put there: they outlive the leaked key.
  public func successors(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> Successors {
    let (meantPlaces, fingerprint) = try meant(ref)
    let known = await presentFingerprints().union(settings.knownKeys).union([fingerprint])
    let admin = try await admin()
    var found: [Successors.Successor] = []
    var isWhole = true
    for place in meantPlaces {
      let look = try await look(place, nil)
      let listed = Set(look.files.map(\.path))
      let others = Self.leftovers.map { look.home + "/" + $0 }.filter { !listed.contains($0) }
      let left = try await SSHKeyLook.read(others, place, uid: look.uid, gid: look.gid, self, admin)
      for file in look.files + left where file.state != .absent {
        // What was not touched since then is no successor; where nobody can see when, it may be one.
        // Of a link the time is that of what it leads to.
        if let since, file.link == nil, let changed = file.changed, changed < since { continue }
        let name = "\(file.path) of \(place.name)"
        if !file.isRead, listed.contains(file.path) { isWhole = false }
        if let link = file.link {
          found.append(
            .init(CredentialRef(name), what: "\(name) is a link to \(link.prefix(200))", made: file.changed))
        }
        guard listed.contains(file.path) || file.path.hasSuffix("/authorized_keys2") else {
          found.append(
            .init(CredentialRef(name), what: "\(name), which runs or counts at logins", made: file.changed))
          continue
        }
        for line in file.keys.keys where !known.contains(line.key.fingerprint) {
          let what = line.optionNames.contains("cert-authority") ? "authority for certificates" : "key"
          found.append(
            .init(
              CredentialRef(line.key.fingerprint), what: "\(what) \(line.key.fingerprint) in \(name)",
              made: file.changed))
        }
      }
      if let authority = look.settings["trustedusercakeys"], authority != "none" {
        isWhole = false
        found.append(
          .init(
            CredentialRef("\(authority) of \(place.name)"),
            what: "certificates that \(authority) has signed are not listed anywhere"))
      }
      let timers = try await line.ask(place, admin, Self.timersScript, [place.account]).split(separator: "\n")
      if timers.last != "end" { isWhole = false }
      for timer in timers
      where timer == "linger"
        || (timer.hasPrefix("cron ") || timer.hasPrefix("at ")) && !timer.hasSuffix(" 0")
      {
        let what =
          timer == "linger"
          ? "its services run without a login (linger)"
          : "\(timer.split(separator: " ").last ?? "") entries in its \(timer.hasPrefix("cron") ? "crontab" : "at queue")"
        found.append(
          .init(
            CredentialRef("\(place.name)/\(timer.prefix { $0 != " " })"), what: "\(what) at \(place.name)"))
      }
      let running = try await running(at: place, uid: look.uid)
      if running.processes > 0 {
        found.append(
          .init(
            CredentialRef("\(place.name)/processes"),
            what: "\(running.processes) processes run as \(place.account) at \(place.name), "
              + "\(running.left) of them have outlived a login"))
      }
    }
    let now = environment.now()
    return Successors(found, covered: isWhole ? min(since ?? .distantPast, now)...now : nil)
  }

  // MARK: doctor

  private static let readinessScript = """
    for p in setpriv timeout flock base64 sha256sum awk ps ss dd mktemp sshd; do
      command -v "$p" >/dev/null || echo "lacks $p"; done
    stat -c %u / >/dev/null 2>&1 && echo x | base64 -w0 >/dev/null 2>&1 || echo "lacks coreutils"
    if [ "$2" = journal ]; then journalctl -q -n 1 >/dev/null 2>&1 || echo "no log"; else [ -r "$2" ] || echo "no log"; fi
    uid=$(id -u -- "$1") gid=$(id -g -- "$1") || echo "lacks account"
    [ "$(as_user 'id -u' sh)" = "$uid" ] || echo "lacks setpriv"
    echo end

    """

  public func readiness() async -> [Readiness] {
    var found: [Readiness] = []
    for place in places {
      do throws(CapabilityError) {
        let lines = try await line.ask(
          place, try await admin(), Self.readinessScript, [place.account, settings.log]
        ).split(separator: "\n").map(String.init)
        let lacking = lines.filter { $0.hasPrefix("lacks ") }.map { String($0.dropFirst(6)) }
        found.append(
          Readiness(
            "root at \(place.name)",
            lacking.isEmpty && lines.last == "end"
              ? .ready("\(settings.adminUser) may")
              : .missing(
                because: "the host lacks \(lacking.joined(separator: ", "))",
                fix: "install util-linux, coreutils, gawk or mawk, procps, iproute2 and openssh-server there")
          ))
        found.append(
          Readiness(
            "sshd's log at \(place.name)",
            lines.contains("no log")
              ? .missing(
                because: "\(settings.log) cannot be read", fix: "set log in staunch.yaml to where sshd logs")
              : .ready(settings.log)))
        let look = try await look(place, nil)
        found.append(
          Readiness(
            "RevokedKeys at \(place.name)",
            look.revokedKeys.map { .ready($0) }
              ?? .unknown(
                because:
                  "sshd_config names none that only root can change: a process of the account may list the key again"
              )))
      } catch { found.append(Readiness("root at \(place.name)", error)) }
    }
    return found
  }
}
