public import Incidents
import JSON

/// A platform's word about its own alert, noted on the incident (`incident.updated`, member `said`).
extension JournalEvent {
  /// For example `GitHub says: resolved as revoked`; nil for every other event.
  public var platformSaid: String? {
    guard case .incidentUpdated(let report) = typed, let said = report.said, let words = said.words else {
      return nil
    }
    return "\(Self.platformName(said.source ?? "")) says: \(words)"
  }

  /// As people call it.
  public static func platformName(_ source: String) -> String {
    switch source {
    case "github": "GitHub"
    case "gitguardian": "GitGuardian"
    case "gitlab": "GitLab"
    default: "the platform"
    }
  }
}
