import Foundation

/// The process that executes a run.
public struct LockOwner: Sendable, Hashable, CustomStringConvertible {
  public let host: String
  /// The machine's boot, so that a process id of before a restart is not taken for a living one.
  public let boot: String
  public let pid: Int
  /// When the process started, in the kernel's own count: tells a reused process id.
  public let started: String

  public init(host: String, boot: String, pid: Int, started: String) {
    self.host = host
    self.boot = boot
    self.pid = pid
    self.started = started
  }

  /// This process.
  public static var current: LockOwner {
    let pid = Int(ProcessInfo.processInfo.processIdentifier)
    return LockOwner(
      host: ProcessInfo.processInfo.hostName, boot: bootID, pid: pid, started: ownStart)
  }

  private static var ownStart: String {
    if case .started(let time) = look(at: Int(ProcessInfo.processInfo.processIdentifier)) { time } else { "" }
  }

  public var description: String { "process \(pid) on \(host)" }

  /// Whether the process runs on this machine now. False on another machine: ask its lease.
  public var isAliveHere: Bool {
    guard isOnThisMachine, !started.isEmpty else { return false }
    switch LockOwner.look(at: pid) {
    case .started(let time): return time == started
    case .gone: return false
    case .hidden: return true  // it may be the one: two processes on one run are worse than a wait
    }
  }

  /// Same host and same boot.
  public var isOnThisMachine: Bool { host == ProcessInfo.processInfo.hostName && boot == LockOwner.bootID }

  /// Source: proc(5), /proc/sys/kernel/random/boot_id.
  private static var bootID: String {
    // Not there on other systems: then boots cannot be told apart and the start time decides.
    let text = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    return text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
  }

  /// What the system says of a process id.
  private enum Sight {
    /// Field 22 of /proc/PID/stat (clock ticks since boot). Source: proc(5).
    case started(String)
    case gone
    /// It runs, and its file cannot be read (`hidepid` of another user's processes).
    case hidden
  }

  private static func look(at pid: Int) -> Sight {
    let stat: String
    do { stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) } catch {
      // No file is no process only where the kernel agrees. Source: kill(2).
      return kill(pid_t(truncatingIfNeeded: pid), 0) == 0 || errno == EPERM ? .hidden : .gone
    }
    guard let nameEnd = stat.lastIndex(of: ")") else { return .hidden }
    let fields = stat[stat.index(after: nameEnd)...].split(separator: " ")
    guard fields.count > 19 else { return .hidden }
    return fields[0] == "Z" ? .gone : .started(String(fields[19]))
  }
}
