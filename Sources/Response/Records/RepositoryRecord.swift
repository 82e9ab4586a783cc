import Capabilities
package import Chronicle
package import Execution
import Foundation
package import Incidents
import Journal
import JSON

/// What the journal knows about each repository of an incident: where the leak began, what was rewritten, what a fresh
/// clone showed.
package enum RepositoryRecord {
  /// - Parameter plans: the saved plans of the incident; they tell which repository a loop's item is.
  package static func evidence(in events: [JournalEvent], plans: [Plan]) -> [RepositoryEvidence] {
    var names: [RepositoryName] = []
    var introductions: [RepositoryName: RepositoryEvidence.Introduction] = [:]
    var rewrites: [RepositoryName: RepositoryEvidence.Rewrite] = [:]
    var scans: [RepositoryName: RepositoryEvidence.FreshScan] = [:]
    let byRun = Dictionary(plans.map { ($0.run, $0) }) { first, _ in first }
    func add(_ name: RepositoryName) { if !names.contains(name) { names.append(name) } }
    for event in events {
      if case .incidentUpdated(let report) = event.typed, let found = report.introduction {
        guard let introduction = introduction(found) else { continue }
        add(found.repository)
        introductions[found.repository] = introductions[found.repository] ?? introduction
      }
      // What was done by hand has no run, and names its repository itself.
      guard case .stepOutcome(let outcome) = event.typed, outcome.hasOutputs,
        let name = repository(of: outcome, in: event.run.flatMap { byRun[$0] })
      else { continue }
      let outputs = outcome.outputs
      switch outcome.action {
      case "history.rewrite":
        add(name)
        rewrites[name] = rewrite(outputs)
      case "history.verify":
        add(name)
        scans[name] = RepositoryEvidence.FreshScan(
          at: event.at, isClean: outputs["places"]?.integer == 0, objects: outputs["objects"]?.integer,
          remote: outputs["remote"]?.string)
      default: continue  // other actions say nothing about a repository
      }
    }
    return names.map {
      RepositoryEvidence(
        repository: $0, introduction: introductions[$0], rewrite: rewrites[$0], freshScan: scans[$0])
    }
  }

  /// The repository of a step inside `for_each: repositories`; the only one where there is no loop.
  private static func repository(of outcome: StepOutcome, in plan: Plan?) -> RepositoryName? {
    if let name = outcome.outputs["repository"]?["$repository"]?.string { return RepositoryName(name) }
    guard case .list(let values)? = plan?.inputs["repositories"] else { return nil }
    let index = outcome.item ?? 0
    guard values.indices.contains(index), case .repository(let name) = values[index] else { return nil }
    return name
  }

  private static func introduction(_ found: IncidentReport.Introduction) -> RepositoryEvidence.Introduction? {
    guard let commit = found.commit, let authored = found.authored else { return nil }
    return RepositoryEvidence.Introduction(commit: commit, authored: authored, refs: found.refs)
  }

  private static func rewrite(_ outputs: [String: JSONValue]) -> RepositoryEvidence.Rewrite {
    RepositoryEvidence.Rewrite(
      commits: outputs["commits"]?.integer, blobs: outputs["blobs"]?.integer,
      tags: outputs["tags"]?.integer, refs: outputs["refs"]?.integer,
      signaturesDropped: outputs["signatures_dropped"]?.integer,
      residual: (outputs["residual"]?.array ?? []).compactMap(\.string).map {
        RepositoryEvidence.Rewrite.Residual(line: $0)
      }, backup: outputs["backup"]?.string)
  }
}
