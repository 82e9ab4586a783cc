public import Capabilities
import Foundation
import Synchronization

/// A program that runs beside us for as long as we like, with descriptors of ours under numbers that it is told.
///
/// It gets a session of its own (Ctrl-C on our terminal is not for it), default signals, and no descriptor but those given.
/// Source: posix_spawn(3), waitid(2).
public final class ChildProcess: Sendable {
  /// How it ended.
  public enum Ending: Sendable, Hashable, CustomStringConvertible {
    case exited(Int32)
    case signaled(Int32)

    public var description: String {
      switch self {
      case .exited(let status): "exit code \(status)"
      case .signaled(let number): "signal \(number)"
      }
    }
  }

  private struct State {
    var ending: Ending?
    var waiting: [CheckedContinuation<Ending, Never>] = []
  }

  /// Its process id; another process may have it once this one has ended.
  public let pid: Int32
  private let state = Mutex(State())

  private init(pid: Int32) { self.pid = pid }

  /// Starts `program`.
  ///
  /// - Parameters:
  ///   - program: a path; PATH is not searched.
  ///   - environment: all of it; nothing is inherited.
  ///   - descriptors: the child's number → ours, which stays open here. Number 0 is `/dev/null` unless given.
  /// - Throws: `.notFound`, `.refused`, `.serverError`.
  public static func start(
    _ program: String, _ arguments: [String], environment: [String: String],
    descriptors: [Int32: InheritedDescriptor]
  ) throws(CapabilityError) -> ChildProcess {
    let operation = "start \(program)"
    closeEverythingOnExec()
    var sources: [Int32] = []
    defer { for source in sources { close(source) } }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if descriptors[0] == nil { posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) }
    for (number, ours) in descriptors.sorted(by: { $0.key < $1.key }) {
      // Far above every number that the child is told, so that none is overwritten before it is copied.
      let source = fcntl(ours.number, F_DUPFD_CLOEXEC, 64)
      guard source >= 0 else { throw systemError(errno, operation) }
      sources.append(source)
      posix_spawn_file_actions_adddup2(&actions, source, number)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    // What we ignore (to hear it elsewhere) would stay ignored in the child.
    for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD] { sigaddset(&signals, number) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    let newSession: Int16 = 0x80  // POSIX_SPAWN_SETSID, which the headers hide without _GNU_SOURCE
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK) | newSession)
    var words = ([program] + arguments).map { strdup($0) } + [nil]
    var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for pointer in words + variables { free(pointer) } }
    var pid: pid_t = 0
    let code = posix_spawn(&pid, program, &actions, &attributes, &words, &variables)
    guard code == 0 else { throw systemError(code, operation) }
    DebugLog.note(.debug, "process", "\(DebugLog.command([program] + arguments)): runs as process \(pid)")
    let child = ChildProcess(pid: pid)
    Thread.detachNewThread { child.reap() }
    return child
  }

  /// Waits for its end. Every caller gets the answer.
  public func ending() async -> Ending {
    await withCheckedContinuation { continuation in
      let ending = state.withLock { state in
        if state.ending == nil { state.waiting.append(continuation) }
        return state.ending
      }
      if let ending { continuation.resume(returning: ending) }
    }
  }

  /// Sends a signal; nothing happens when it has ended.
  public func signal(_ number: Int32) {
    // Under the lock nobody reaps it, so the number is still its own.
    state.withLock { state in if state.ending == nil { kill(pid, number) } }
  }

  private func reap() {
    var information = siginfo_t()
    while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
    let waiting = state.withLock { state in
      var status: Int32 = 0
      while waitpid(pid, &status, 0) < 0, errno == EINTR {}
      let signal = status & 0x7F
      let ending: Ending = signal == 0 ? .exited((status >> 8) & 0xFF) : .signaled(signal)
      DebugLog.note(.debug, "process", "process \(pid): \(ending)")
      state.ending = ending
      defer { state.waiting = [] }
      return state.waiting.map { ($0, ending) }
    }
    for (continuation, ending) in waiting { continuation.resume(returning: ending) }
  }

  /// Libraries of ours may have forgotten it; the child must not hold the journal open.
  static func closeEverythingOnExec() {
    // No /proc: then what libraries set by themselves must do.
    for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
      guard let number = Int32(name), number > 2 else { continue }
      let flags = fcntl(number, F_GETFD)
      if flags >= 0 { _ = fcntl(number, F_SETFD, flags | FD_CLOEXEC) }
    }
  }
}
