package import Capabilities
import Chronicle
package import Foundation
package import Incidents
package import Journal

/// What a ticket says about an incident, derived from the journal. No names, no values, no permalinks.
package struct JournalBriefing: IncidentBriefing {
  package let journal: Journal
  package let now: @Sendable () -> Date

  package init(journal: Journal, now: @escaping @Sendable () -> Date) {
    self.journal = journal
    self.now = now
  }

  package func brief(of incident: IncidentID, run: RunID) async throws(CapabilityError) -> IncidentBrief {
    let record: IncidentRecord
    let head: (sequence: Int, hash: String)
    do {
      record = try journal.record(of: incident)
      head = try journal.head()
    } catch {
      throw CapabilityError(.serverError, error.operation, because: error.because, fix: error.fix)
    }
    guard !record.events.isEmpty else {
      throw CapabilityError(
        .notFound, "describe \(incident)", because: "the journal does not have it", fix: "staunch incidents")
    }
    let status = IncidentStatus(of: record, now: now())
    var lines = ["Incident \(status.id), \(status.kind), \(status.severity.rawValue)."]
    for credential in status.credentials {
      let name = credential.subject == .leaked ? "Old credential" : "Replacement"
      let probed = credential.probed.map { ", probed \(Timestamp.text($0))" } ?? ""
      let value = credential.value.map { " (value \($0))" } ?? ""
      lines.append("- \(name) `\(credential.name)`\(value): \(Self.word(credential))\(probed)")
    }
    for one in status.published.prefix(Self.repositories) {
      lines.append(
        one.isClean
          ? "- History of `\(one.repository)`: clean, a fresh clone of the remote was scanned at "
            + "\(one.cleaned.map(Timestamp.text) ?? "")"
          : "- History of `\(one.repository)`: **still at the forge**: \(one.why)")
      lines += one.residual.map { "  - left: \($0)" }
    }
    if status.published.count > Self.repositories {
      let more = status.published.dropFirst(Self.repositories)
      let unclean = more.count { !$0.isClean }
      lines.append("- \(more.count) more repositories, \(unclean) of them **still at the forge**")
    }
    let done = status.steps.filter { $0.state == .done }.count
    lines.append("- Steps done: \(done) of \(status.steps.count)")
    lines.append("- Journal head: \(head.sequence) `\(head.hash)`")
    return IncidentBrief(
      codename: status.codename, severity: status.severity, isContained: status.isContained,
      wasProbed: status.leaked != nil, state: lines.joined(separator: "\n"))
  }

  /// Trackers limit the length of a message.
  private static let repositories = 20

  /// One refusal is not called dead.
  private static func word(_ credential: IncidentStatus.Credential) -> String {
    guard credential.subject == .leaked, credential.state == .dead else { return credential.state.rawValue }
    return credential.proven == nil ? "refused, not proven dead" : "dead"
  }
}
