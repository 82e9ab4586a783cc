package import Capabilities
package import Incidents
package import Journal
import Platforms

/// The platform alerts of an incident, by the keys under which the journal knows it.
package struct IncidentAlerts: AlertPlatform {
  package let journal: Journal
  package let sources: PlatformSources

  package init(journal: Journal, sources: PlatformSources) {
    self.journal = journal
    self.sources = sources
  }

  package func alerts(of incident: IncidentID) async throws(CapabilityError) -> [PlatformAlert] {
    let keys: [String]
    do {
      let ledger = IncidentLedger(journal: journal)
      try ledger.refresh()
      keys = ledger.keys.keys(of: incident).map(\.rawValue).filter { $0.hasPrefix("p:") }.sorted()
    } catch {
      throw CapabilityError(
        .serverError, "read the alerts of \(incident)", because: "the journal cannot be read",
        fix: "staunch journal verify")
    }
    var alerts: [PlatformAlert] = []
    for key in keys.map({ String($0.dropFirst(2)) }) {
      guard let found = try await sources.alert(key) else { continue }
      alerts.append(PlatformAlert(name: "\(found.repository.name)#\(found.number)", key: key))
    }
    return alerts
  }

  package func isResolved(_ alert: PlatformAlert) async throws(CapabilityError) -> Bool {
    let found = try await self.alert(alert)
    return try await found.api.isResolved(found.number, of: found.repository)
  }

  package func resolve(_ alert: PlatformAlert, comment: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let found = try await self.alert(alert)
    try await found.api.resolve(found.number, of: found.repository, comment: comment, under: authority)
  }

  private func alert(_ alert: PlatformAlert) async throws(CapabilityError) -> PlatformSources.Alert {
    guard let found = try await sources.alert(alert.key) else {
      throw CapabilityError(
        .configuration, "alert \(alert.name)", because: "no source of staunch.yaml names its repository",
        fix: "add it to sources: repositories:")
    }
    return found
  }
}
