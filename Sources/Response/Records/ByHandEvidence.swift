package import Incidents
package import JSON
package import Journal

extension Journal {
  /// Keeps what a person's command did or saw as evidence of an incident: outside of any run, and over at once.
  ///
  /// - Parameter members: of the outcome, besides those that every outcome has.
  package func note(
    byHand action: String, phase: String, _ members: [String: JSONValue], of incident: IncidentID
  )
    throws
  {
    let outcome = members.merging([
      "step": .string(action), "attempt": 1, "action": .string(action), "phase": .string(phase),
    ]) { given, _ in given }
    try append([
      NewEvent(.stepOutcome, incident: incident, .object(outcome)),
      NewEvent(.stepDone, incident: incident, ["step": .string(action)]),
    ])
  }
}
