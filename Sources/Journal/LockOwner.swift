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
      host: ProcessInfo.processInfo.hostName, boot: bootID, pid: pid, started: startTime(of: pid) ?? "")
  }

  public var description: String { "process \(pid) on \(host)" }

  /// Whether the process runs on this machine now. False on another machine: ask its lease.
  public var isAliveHere: Bool {
    isOnThisMachine && LockOwner.startTime(of: pid) == started && !started.isEmpty
  }

  /// Same host and same boot.
  public var isOnThisMachine: Bool { host == ProcessInfo.processInfo.hostName && boot == LockOwner.bootID }

  /// Source: proc(5), /proc/sys/kernel/random/boot_id.
  private static var bootID: String {
    // Not there on other systems: then boots cannot be told apart and the start time decides.
    let text = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    return text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
  }

  /// Field 22 of /proc/PID/stat (clock ticks since boot); nil when no such process runs. Source: proc(5).
  private static func startTime(of pid: Int) -> String? {
    // No file means no process: the answer, not an error.
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
      let nameEnd = text.lastIndex(of: ")")
    else { return nil }
    let fields = text[text.index(after: nameEnd)...].split(separator: " ")
    guard fields.count > 19, fields[0] != "Z" else { return nil }
    return String(fields[19])
  }
}
