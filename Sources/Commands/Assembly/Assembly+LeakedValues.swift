import Chronicle
import Incidents
import Journal
import Secrets

extension Assembly {
  /// Every leaked value of an incident: a search for the first alone would call the others clean.
  ///
  /// - Parameter given: how the command takes a value without an incident.
  func leakedValues(of incident: String, otherwise given: String) throws -> [Secret] {
    let journal = try journal()
    let values = try journal.record(of: IncidentID(incident)).leakedValues.refs
    guard values.isEmpty else { return try values.map { try journal.open($0) } }
    throw CommandFailure(
      // Only what looks like an id is shown again: people paste the secret here, too.
      .invalidInput,
      "there is no leaked value of "
        + (incident.wholeMatch(of: /inc-[a-z0-9]{1,16}/) == nil ? "what --incident names" : incident),
      because: "the journal knows no such incident, or not its value",
      fix: "staunch incidents lists them; give the value with: \(given)")
  }

  /// The handles of the incidents' leaked values.
  func leakedRefs(of incidents: [String]) throws -> [SecretRef] {
    guard !incidents.isEmpty else { return [] }
    let journal = try journal()
    return try incidents.flatMap { try journal.record(of: IncidentID($0)).leakedValues.refs }
  }
}
