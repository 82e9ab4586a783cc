import Chronicle
import Execution
package import Incidents
package import Journal

extension Journal {
  /// Whether the run has done all that comes before history: it is over, or waits with history alone.
  package func isPastContainment(_ run: RunID) throws(JournalError) -> Bool {
    switch try lastEnd(of: run) {
    case .done, .aborted: return true
    case .waiting: return try lastWait(of: run) == Wait.Subject.containment.rawValue
    case .running, .failed, nil: return false  // nobody knows how far it came
    }
  }

  /// Whether the run's history waits for the containment of others.
  package func waitsForContainment(_ run: RunID) throws(JournalError) -> Bool {
    guard try lastEnd(of: run) == .waiting else { return false }
    return try lastWait(of: run) == Wait.Subject.containment.rawValue
  }

  /// How the run stands since its last end; nil while it goes on.
  private func lastEnd(of run: RunID) throws(JournalError) -> IncidentStatus.Run.State? {
    let last = try events(run: run, kinds: [.runStarted, .runResumed, .runEnded]).last
    guard case .runEnded(let end)? = last?.typed else { return nil }
    return end.state
  }

  private func lastWait(of run: RunID) throws(JournalError) -> String? {
    guard case .stepWaiting(let wait)? = try events(run: run, kinds: [.stepWaiting]).last?.typed else {
      return nil
    }
    return wait.subject
  }
}
