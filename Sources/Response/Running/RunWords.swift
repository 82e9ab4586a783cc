import Capabilities
import Chronicle
package import Execution
package import Incidents
package import Journal

/// What people say about a whole run that the worker carries out: go on, take it back. The word stands in the journal; whoever
/// carries the run out looks for it there.
package struct RunWords {
  private static let resuming = "resume"
  private static let aborting = "abort"

  package let journal: Journal
  package let plan: Plan

  package init(_ plan: Plan, in journal: Journal) {
    self.plan = plan
    self.journal = journal
  }

  /// Whether the worker carries the run out: it goes on by itself when something new is said about it.
  package func isWorkers() throws -> Bool {
    try journal.events(run: plan.run, kinds: [.planApproved]).contains {
      PlanApproved($0.body).via == PlanApproved.worker
    }
  }

  /// Nothing goes on any more: it is done, or taken back.
  package func isOver() throws -> Bool {
    guard let state = try journal.runStates()[plan.run] else { return false }
    return ["done", "aborted"].contains(state)
  }

  package func resume(because reason: String, role: RoleName) throws {
    try say(Self.resuming, reason, role)
  }

  package func abort(because reason: String, role: RoleName) throws { try say(Self.aborting, reason, role) }

  /// Why the run is to be taken back; nil: nobody wants it, or it is over.
  package func abortion() throws -> String? {
    let events = try journal.events(run: plan.run, kinds: [.decision, .runEnded])
    let wish = events.last { $0.kind == .decision && DecisionMade($0.body).what == Self.aborting }
    guard let wish, try !isOver() else { return nil }
    return DecisionMade(wish.body).reason
  }

  private func say(_ what: String, _ reason: String, _ role: RoleName) throws {
    try journal.append(
      .decision, run: plan.run, incident: plan.incident,
      DecisionMade(what, because: reason, role: role).body)
  }
}
