import CLinux
import Foundation

/// Takes from the endpoint's process what it does not need, before it listens.
///
/// The endpoint runs beside the worker, often as the same user: without this, whoever takes it over opens
/// `identity.key`, `operator.key` and the journal. In this order: another user (when we start as root and are told
/// which), Landlock for files, signals and debugging, then the program is executed again, because Landlock holds for
/// the calling thread alone and Swift may have started others; then seccomp for what is left. Sources: landlock(7),
/// seccomp(2), capabilities(7).
enum Confinement {
  /// The rules, and what came of them: what the start says.
  struct Request {
    /// Where the exchange file lies: the one place to write.
    let exchange: String
    /// Further files to read: certificates and secrets of the settings.
    let readable: [String]
    /// To become; nil: stay who we are.
    let user: (id: uid_t, group: gid_t)?
  }

  /// Confines the process and executes it again with `--confined` and a word for what holds.
  /// - Throws: ``SettingsError`` when the other user cannot be had: nothing is served then.
  static func enter(_ request: Request, arguments: [String], environment: [String: String]) throws -> Never {
    var words: [String] = []
    _ = linux_prctl(PR_SET_NO_NEW_PRIVS, 1)
    dropCapabilities(unless: request)
    if let user = request.user {
      // As root these set the real, the effective and the saved one.
      guard setgroups(0, nil) == 0, setgid(user.group) == 0, setuid(user.id) == 0 else {
        throw SettingsError(
          "--user", because: "the process cannot become user \(user.id): \(String(cString: strerror(errno)))")
      }
      words.append("user \(user.id)")
    }
    switch LandlockRules(exchange: request.exchange, readable: request.readable).apply() {
    case .applied(let version): words.append("Landlock \(version)")
    case .unavailable(let because): words.append("no Landlock (\(because))")
    }
    let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let own = [program] + arguments + ["--confined", words.joined(separator: ", ")]
    var argv = own.map { strdup($0) } + [nil]
    var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    execve(program, &argv, &variables)
    throw SettingsError(
      program,
      because: "it cannot be executed again behind its own walls: \(String(cString: strerror(errno)))")
  }

  /// What holds after the second start: no core file, nobody debugs it, and no system call that it never makes.
  static func finish() -> String {
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    _ = linux_prctl(PR_SET_DUMPABLE, 0)
    return SystemCallFilter.apply() ? "seccomp" : "no seccomp"
  }

  /// Whether this process can open what is the worker's, tried where it may lie: what is said at the start rests on it. Where the
  /// exchange is a directory of its own, the keys are elsewhere, and only another user or Landlock keeps them.
  static func opensWorkersFiles(exchange: String, hasLandlock: Bool) -> Bool {
    let state = (exchange as NSString).deletingLastPathComponent
    for name in ["inbox.key", "operator.key", "journal.sqlite"] {
      let found = open(state + "/" + name, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
      guard found >= 0 else { continue }
      close(found)
      return true
    }
    return !hasLandlock && !belongsToAnother(exchange)
  }

  /// Whether the worker, whose directory this is, is another user than we are.
  static func belongsToAnother(_ exchange: String) -> Bool {
    // Asked by name; what cannot be told is taken for our own.
    let owner = try? FileManager.default.attributesOfItem(atPath: exchange)[.ownerAccountID] as? Int
    return owner.map { geteuid() != 0 && $0 != Int(geteuid()) } ?? false
  }

  /// As root the second start would get every capability back, but for those that left the bounding set. Not where root is
  /// not the owner of the exchange directory: it needs its rights over other people's files there.
  private static func dropCapabilities(unless request: Request) {
    // Whose it is, asked by name: what cannot be told is taken for somebody else's.
    let owner = try? FileManager.default.attributesOfItem(atPath: request.exchange)[.ownerAccountID] as? Int
    guard geteuid() == 0, request.user == nil, owner == 0 else { return }
    let bindService: UInt = 10  // CAP_NET_BIND_SERVICE: ports below 1024
    for capability in UInt(0)..<64 where capability != bindService {
      _ = linux_prctl(PR_CAPBSET_DROP, capability)
    }
  }
}
