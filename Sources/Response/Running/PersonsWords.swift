import Capabilities
import Chronicle
package import Execution
package import Incidents
package import JSON
package import Journal

/// What people say about an incident, for its timeline and post-mortem. Whoever takes the text compares it with the incident's
/// values first (``EnteredText``).
package struct PersonsWords {
  package let journal: Journal
  package init(_ journal: Journal) { self.journal = journal }

  package func note(_ text: String, role: RoleName, about incident: IncidentID?) throws {
    try journal.append(.noted, incident: incident, PersonsWord(text, role: role).body)
  }

  /// - Parameter owner: who is to do it.
  package func todo(_ text: String, role: RoleName, owner: RoleName?, about incident: IncidentID) throws {
    try journal.append(.todo, incident: incident, PersonsWord(text, role: role, owner: owner).body)
  }

  package func decide(_ what: String, because reason: String, role: RoleName, about incident: IncidentID)
    throws
  {
    try journal.append(
      .decision, incident: incident, DecisionMade(what, because: reason, role: role).body)
  }

  /// Gives a message up.
  package func drop(_ entry: OutboxEntry, because reason: String) throws {
    _ = try journal.settle(entry.message.id, as: .dropped, reason: reason)
    try decide(
      "drop message \(entry.message.id)", because: reason, role: "responder", about: entry.message.incident)
  }
}

/// A person's answers to the steps of a run.
package struct StepAnswers {
  package let journal: Journal
  package let plan: Plan

  package init(_ plan: Plan, in journal: Journal) {
    self.plan = plan
    self.journal = journal
  }

  /// It is done: nothing is left to leave out.
  package func isDone(_ step: StepID, item: Int?) throws -> Bool {
    try journal.events(run: plan.run, kinds: [.stepDone]).contains { $0.step == step && $0.item == item }
  }

  /// Nobody can tell whether it happened, and its run waits for a decision.
  package func asksForDecision(_ step: StepID, item: Int?) throws -> Bool {
    let kinds: Set<EventKind> = [.stepWaiting, .stepOutcome, .stepDone, .stepSkipped]
    let last = try journal.events(run: plan.run, kinds: kinds)
      .last { $0.step == step && $0.item == item }
    guard case .stepWaiting(let wait)? = last?.typed else { return false }
    return wait.subject == Wait.Subject.decision.rawValue
  }

  package func skip(_ step: StepID, item: Int?, because reason: String, role: RoleName) throws {
    try journal.append([
      NewEvent(
        .stepSkipped, run: plan.run, incident: plan.incident,
        StepSkipped(step, item: item, because: reason, by: "operator").body),
      NewEvent(
        .decision, run: plan.run, incident: plan.incident,
        DecisionMade("skip \(step)", because: reason, role: role).body),
    ])
  }

  /// It may then have happened twice.
  package func retry(_ step: StepID, item: Int?, because reason: String, role: RoleName) throws {
    try journal.append(
      .decision, run: plan.run, incident: plan.incident,
      DecisionMade("retry", because: reason, role: role, step: step, item: item).body)
  }

  /// What a person did by hand, with what it asks for.
  package func done(_ step: StepID, item: Int?, collected: [String: JSONValue]) throws {
    try journal.append(
      .stepManual, run: plan.run, incident: plan.incident,
      StepManual(step, item: item, collected: collected).body)
  }
}
