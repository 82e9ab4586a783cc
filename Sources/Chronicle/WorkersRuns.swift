public import Foundation
public import Incidents

/// The runs that the worker carries out, as the journal tells.
public struct WorkersRuns: Sendable {
  /// One that is not over.
  public struct Run: Sendable, Hashable {
    public let run: RunID
    /// The last event of it.
    public let sequence: Int
    /// No person has approved the plan: in a storm it stands still.
    public let isByPolicyAlone: Bool
    /// The earliest end of what it waits for: then the run goes on without an answer. Nil when no wait ends by itself.
    public let until: Date?
  }

  private struct Place: Hashable {
    let step: StepID
    let item: Int?
  }

  private var adopted: [RunID: Int] = [:]
  private var approved: Set<RunID> = []
  private var over: Set<RunID> = []
  private var waits: [RunID: [Place: Date]] = [:]

  init() {}

  /// The one that has waited longest first.
  public var all: [Run] { adopted.keys.compactMap { self[$0] }.sorted { $0.sequence < $1.sequence } }

  /// Nil: it is over, or the worker does not carry it out.
  public subscript(_ run: RunID) -> Run? {
    adopted[run].map {
      Run(
        run: run, sequence: $0, isByPolicyAlone: !approved.contains(run), until: waits[run]?.values.min())
    }
  }

  mutating func take(_ event: JournalEvent) {
    guard let run = event.run, !over.contains(run) else { return }
    if case .planApproved(let word) = event.typed {
      if word.via == PlanApproved.worker { adopted[run] = 0 }
      if word.coversPlan { approved.insert(run) }
    }
    if adopted[run] != nil { adopted[run] = event.sequence }
    if let step = event.step {
      // Whatever happens to the step next ends its wait.
      var until: Date?
      if case .stepWaiting(let wait) = event.typed { until = wait.until }
      waits[run, default: [:]][Place(step: step, item: event.item)] = until
    }
    guard case .runEnded(let end) = event.typed, end.isOver else { return }
    over.insert(run)
    adopted[run] = nil
    approved.remove(run)
    waits[run] = nil
  }
}
