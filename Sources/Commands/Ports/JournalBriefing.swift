import Capabilities
import Foundation
import Incidents
import Journal

/// What a ticket says about an incident, derived from the journal. No names, no values, no permalinks.
struct JournalBriefing: IncidentBriefing {
  let journal: Journal
  let now: @Sendable () -> Date

  func brief(of incident: IncidentID, run: RunID) async throws(CapabilityError) -> IncidentBrief {
    let events: [JournalEvent]
    let head: (sequence: Int, hash: String)
    do {
      events = try journal.events(incident: incident)
      head = try journal.head()
    } catch {
      throw CapabilityError(.serverError, error.operation, because: error.because, fix: error.fix)
    }
    guard let status = IncidentStatus.derive(events: events, now: now()).first else {
      throw CapabilityError(
        .notFound, "describe \(incident)", because: "the journal does not have it", fix: "staunch incidents")
    }
    let leaked = status.credentials.filter { $0.subject == .leaked }
    let isContained = !leaked.isEmpty && leaked.allSatisfy { $0.state == .dead }
    var lines = ["Incident \(status.id), \(status.kind), \(status.severity.rawValue)."]
    for credential in status.credentials {
      let name = credential.subject == .leaked ? "Old credential" : "Replacement"
      let probed = credential.probed.map { ", probed \(Timestamp.text($0))" } ?? ""
      lines.append("- \(name) `\(credential.name)`: \(credential.state.rawValue)\(probed)")
    }
    for one in status.published {
      lines.append(
        one.isClean
          ? "- History of `\(one.repository)`: clean, a fresh clone of the remote was scanned at "
            + "\(one.cleaned.map(Timestamp.text) ?? "")"
          : "- History of `\(one.repository)`: **still at the forge**: \(one.why)")
      lines += one.residual.map { "  - left: \($0)" }
    }
    let done = status.steps.filter { $0.state == .done }.count
    lines.append("- Steps done: \(done) of \(status.steps.count)")
    lines.append("- Journal head: \(head.sequence) `\(head.hash)`")
    return IncidentBrief(
      codename: status.codename, severity: status.severity, isContained: isContained,
      state: lines.joined(separator: "\n"))
  }
}
