public import Capabilities
public import Incidents
public import Playbooks

/// What came out of a rehearsal.
public struct RehearsedRun: Sendable {
  public enum State: String, Sendable, CaseIterable { case done, failed, waiting }

  /// One call that would have been made.
  public struct Call: Sendable, Hashable {
    public let step: StepID
    /// From 0; nil outside a loop.
    public let item: Int?
    public let action: String
    public let inputs: [String: Value]
  }

  public internal(set) var state = State.done
  /// The step that failed or waits.
  public internal(set) var at: StepID?
  public internal(set) var statuses: [StepID: StepResult.Status] = [:]
  /// Calls of `uses`, in order.
  public internal(set) var calls: [Call] = []
  public internal(set) var branches: Set<Branch> = []

  /// How this differs from what a test expects, one sentence each; empty when it does not.
  public func differences(from expected: PlaybookTest.Expected) -> [String] {
    var found: [String] = []
    if state != expected.state {
      let place = at.map { " at \($0)" } ?? ""
      found.append("the run is \(state.rawValue)\(place), not \(expected.state.rawValue)")
    }
    if let wanted = expected.at, at != wanted {
      found.append("it ended at \(at?.rawValue ?? "no step"), not at \(wanted)")
    }
    for (step, status) in expected.statuses.sorted(by: { $0.key < $1.key }) where statuses[step] != status {
      found.append("\(step) is \(statuses[step]?.rawValue ?? "never reached"), not \(status.rawValue)")
    }
    return found
  }
}
