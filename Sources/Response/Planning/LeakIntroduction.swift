import Capabilities
package import Chronicle
import StaunchConfiguration
import Foundation
package import Incidents
import JSON
import Journal
package import Secrets

/// Finds out, before history is rewritten, which commit brought the secret in, and keeps that in the journal: afterwards
/// the commit is gone. Reads only.
package struct LeakIntroduction {
  package let installation: Installation

  package init(installation: Installation) {
    self.installation = installation
  }

  /// Looks in every repository of the plan's inputs. A repository that cannot be read is named in the plan itself; here
  /// it only stays without an introduction.
  package func record(_ incident: IncidentID, leaked: [SecretRef], repositories: [RepositoryName])
    async throws
  {
    let known = try installation.journal.events(incident: incident, kinds: [.incidentUpdated])
      .compactMap { IncidentReport($0.body).introduction?.repository }
    for name in repositories where !known.contains(name) {
      guard let path = installation.configuration.repositories[name]?.path,
        let found = await installation.introductions.introduction(
          in: path, of: { try leaked.map { try installation.journal.open($0) } })
      else { continue }
      try installation.journal.append(
        .incidentUpdated, incident: incident,
        IncidentReport.introduction(
          of: name, commit: found.commit, authored: found.authored, refs: found.refs
        ).body)
    }
  }
}

/// Reads in a repository's history where a leak began.
package protocol LeakIntroductions: Sendable {
  /// The first commit that holds one of `values`; nil when none does, or it cannot be told, which is said.
  func introduction(in path: String, of values: () throws -> [Secret]) async
    -> RepositoryEvidence.Introduction?
}
