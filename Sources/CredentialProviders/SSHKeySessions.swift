public import Capabilities
public import Foundation

extension SSHKey {
  /// sshd's own processes for the account (root's, so nobody else can name one so), everything below them, and what has
  /// outlived a login: processes of the account in a login's scope (systemd-logind). Services, its own too, are elsewhere.
  private static let listing = """
    list() { ps -eww -o pid=,ppid=,uid=,etimes=,stat=,args= | awk -v a="$1" -v u="$2" -v min="$3" '
        $5 ~ /^Z/ { next }
        { p = $1; up[p] = $2; of[p] = $3; if ($4 >= min) old[p] = 1; sub(/^ *[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ +[^ ]+ +/, "")
          if (of[p] == 0 && (p in old)) for (n = 0; n < 2; n++) {
            t = (n ? "sshd-session: " : "sshd: ") a
            if ($0 == t " [priv]" || $0 == t || index($0, t "@") == 1) top[p] = 1 } }
        END { for (p in up) {
            q = p; deep = 0; while (q in up && !(q in top) && deep++ < 1000) q = up[q]
            if (p in top) print "session", p
            else if (q in top) print "below", p
            else if (of[p] == u && (p in old)) {
              while ((getline l < ("/proc/" p "/cgroup")) > 0)
                if (index(l, "/user-" u ".slice/session-")) { print "left", p; break }
              close("/proc/" p "/cgroup") } } }'; }

    """

  private static let endScript =
    listing + """
      all=$(list "$1" "$2" "$3") || exit 92; echo "found $(printf '%s\\n' "$all" | grep -c '^session\\|^left')"
      for n in 1 2 3 4 5 6 7 8; do
        [ -n "$all" ] || break
        for p in $(printf '%s\\n' "$all" | sed -n 's/^session //p'); do
          if [ "$n" -lt 4 ]; then kill -TERM "$p"; else kill -KILL "$p"; fi; done 2>/dev/null
        for p in $(printf '%s\\n' "$all" | sed -n 's/^below //p; s/^left //p'); do kill -KILL "$p"; done 2>/dev/null
        sleep 0.25; all=$(list "$1" "$2" "$3") || exit 92
      done
      echo "left $(printf '%s\\n' "$all" | grep -c '^session\\|^left')"

      """

  private static let countScript =
    listing + """
      all=$(list "$1" "$2" 0) || exit 92
      echo "sessions $(printf '%s\\n' "$all" | grep -c '^session')"
      echo "left $(printf '%s\\n' "$all" | grep -c '^left')"
      echo "processes $(ps -o stat= -u "$2" | grep -vc '^Z')"
      port=${SSH_CONNECTION##* }; ss -tnpH state established 2>/dev/null | awk -v port=":$port" -v all="$all" '
        BEGIN { n = split(all, w, /[ \\n]/); for (i = 1; i < n; i += 2) if (w[i] == "session") top[w[i + 1]] = 1 }
        substr($3, length($3) - length(port) + 1) == port { l = $0
          while (match(l, /pid=[0-9]+/)) { if (substr(l, RSTART + 4, RLENGTH - 4) in top) { print "client", $4; break }
            l = substr(l, RSTART + RLENGTH) } }'

      """

  /// Logins of the account begun before `before`, whatever key opened them, with all that they have started.
  /// - Throws: what was not reached.
  public func endSessions(_ ref: CredentialRef, before: Date, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> SessionCount
  {
    let (meantPlaces, fingerprint) = try meant(ref)
    var (found, left) = (0, 0)
    var results: [RefResult] = []
    for place in meantPlaces {
      do throws(CapabilityError) {
        let look = try await look(place, nil)
        let age = max(0, Int(environment.now().timeIntervalSince(before)))
        let text = try await line.change(
          place, try await admin(), Self.endScript, [place.account, "\(look.uid)", "\(age)"], under: authority
        )
        guard let before = Self.number("found", in: text), let after = Self.number("left", in: text) else {
          throw CapabilityError(
            .unknownOutcome, "end sessions of \(place.name)", because: "the host did not count them again",
            fix: "staunch resume")
        }
        found += before
        left += after
        results.append(RefResult(place.ref(fingerprint)))
      } catch { results.append(RefResult(place.ref(fingerprint), problem: error)) }
    }
    try results.check("end sessions")
    return SessionCount(found: found, ended: max(0, found - left), left: left)
  }

  /// What runs as the account now.
  struct Running: Sendable {
    let sessions: Int
    /// Processes that have outlived their login.
    let left: Int
    let processes: Int
    /// Addresses of the open sessions, as far as the host shows them.
    let clients: [String]
  }

  func running(at place: SSHPlace, uid: Int) async throws(CapabilityError) -> Running {
    let text = try await line.ask(place, try await admin(), Self.countScript, [place.account, "\(uid)"])
    guard let sessions = Self.number("sessions", in: text), let left = Self.number("left", in: text),
      let processes = Self.number("processes", in: text)
    else {
      throw CapabilityError(.network, "count sessions of \(place.name)", because: "the answer is cut")
    }
    let clients = text.split(separator: "\n").compactMap { line -> String? in
      guard line.hasPrefix("client "), let colon = line.lastIndex(of: ":") else { return nil }
      return line[line.index(line.startIndex, offsetBy: 7)..<colon].filter { $0 != "[" && $0 != "]" }
    }
    return Running(sessions: sessions, left: left, processes: processes, clients: clients)
  }

  private static func number(_ word: String, in text: String) -> Int? {
    text.split(separator: "\n").first { $0.hasPrefix(word + " ") }.flatMap {
      Int($0.dropFirst(word.count + 1))
    }
  }
}
