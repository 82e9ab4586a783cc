/// Where a run reports how far it is and asks whether to go on.
///
/// Both closures are called from the engine's worker threads, a few hundred times a second at most.
public struct EngineProgress: Sendable {
  public enum Phase: String, Sendable, Hashable {
    case open, scan, trees, blobs, commits, write, files
  }
  /// One report: `done` of `total` units (objects, or bytes in ``Phase/write`` and ``Phase/files``) of `phase`.
  public struct Report: Sendable, Hashable {
    public let phase: Phase
    public let done: Int
    public let total: Int

    package init(phase: Phase, done: Int, total: Int) {
      self.phase = phase
      self.done = done
      self.total = total
    }
  }

  public let report: @Sendable (Report) -> Void
  /// True when the run should end with ``GitObjectsError/Code/cancelled``.
  public let isCancelled: @Sendable () -> Bool

  public init(
    report: @escaping @Sendable (Report) -> Void = { _ in },
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) {
    self.report = report
    self.isCancelled = isCancelled
  }

  /// Says nothing and never stops.
  public static let silent = EngineProgress()

  /// The progress of one part of a whole: it begins behind `done` of `total` units.
  func part(of total: Int, behind done: Int) -> EngineProgress {
    EngineProgress(
      report: { [report] in report(Report(phase: $0.phase, done: done + $0.done, total: total)) },
      isCancelled: isCancelled)
  }

  func step(_ phase: Phase, _ done: Int, of total: Int) throws(GitObjectsError) {
    report(Report(phase: phase, done: done, total: total))
    if isCancelled() { throw .cancelled }
  }
}
