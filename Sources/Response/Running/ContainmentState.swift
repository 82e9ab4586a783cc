import Execution
package import Incidents
import JSON
package import Journal

extension Journal {
  /// Whether the run has done all that comes before history: it is over, or waits with history alone.
  package func isPastContainment(_ run: RunID) throws(JournalError) -> Bool {
    let state = try events(run: run, kinds: [.runStarted, .runResumed, .runEnded]).last
    guard state?.kind == .runEnded else { return false }
    switch state?.body["state"]?.string {
    case "done", "aborted": return true
    case "waiting": return try lastWait(of: run) == Wait.Subject.containment.rawValue
    default: return false  // failed: nobody knows how far it came
    }
  }

  /// Whether the run's history waits for the containment of others.
  package func waitsForContainment(_ run: RunID) throws(JournalError) -> Bool {
    let state = try events(run: run, kinds: [.runStarted, .runResumed, .runEnded]).last
    guard state?.kind == .runEnded, state?.body["state"]?.string == "waiting" else { return false }
    return try lastWait(of: run) == Wait.Subject.containment.rawValue
  }

  private func lastWait(of run: RunID) throws(JournalError) -> String? {
    try events(run: run, kinds: [.stepWaiting]).last?.body["for"]?.string
  }
}
