package import Incidents
import Synchronization

/// For each incident that is nobody's, the entries whose providers were asked and do not know it.
package final class Strangers: Sendable {
  private let asked = Mutex<[IncidentID: [CredentialName]]>([:])

  package init() {}

  func note(_ names: [CredentialName], for incident: IncidentID) { asked.withLock { $0[incident] = names } }

  /// Empty: nobody was asked, or somebody knows it, or not all could be asked.
  package func asked(for incident: IncidentID) -> [CredentialName] { asked.withLock { $0[incident] ?? [] } }
}
