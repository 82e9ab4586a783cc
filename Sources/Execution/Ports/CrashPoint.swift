public import Incidents

/// A moment at which a process may die: what the crash tests aim at.
public enum CrashPoint: Sendable, Hashable {
  case beforeAppend([EventKind])
  /// `sequence` of the last event that is durable now.
  case afterAppend([EventKind], sequence: Int)
  case beforeCall(StepID, action: String, phase: String)
  case afterCall(StepID, action: String, phase: String)
}

/// Called at every ``CrashPoint``; in production it does nothing. What it throws ends the run at once, as a crash would:
/// nothing is written any more.
public typealias CrashPointHook = @Sendable (CrashPoint) throws -> Void
