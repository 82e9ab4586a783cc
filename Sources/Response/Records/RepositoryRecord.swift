import Capabilities
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
      if event.kind == .incidentUpdated, let found = event.body["introduction"] {
        guard let (name, introduction) = introduction(found) else { continue }
        add(name)
        introductions[name] = introductions[name] ?? introduction
      }
      // What was done by hand has no run, and names its repository itself.
      guard event.kind == .stepOutcome,
        let name = repository(of: event, in: event.run.flatMap { byRun[$0] }),
        let outputs = event.body["outputs"]
      else { continue }
      switch event.body["action"]?.string {
      case "history.rewrite":
        add(name)
        rewrites[name] = rewrite(outputs)
      case "history.verify":
        add(name)
        scans[name] = RepositoryEvidence.FreshScan(
          at: event.at, isClean: outputs["places"]?.integer == 0, objects: outputs["objects"]?.integer ?? 0,
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
  private static func repository(of event: JournalEvent, in plan: Plan?) -> RepositoryName? {
    if let name = event.body["outputs"]?["repository"]?["$repository"]?.string { return RepositoryName(name) }
    guard case .list(let values)? = plan?.inputs["repositories"] else { return nil }
    let index = event.body["item"]?.integer ?? 0
    guard values.indices.contains(index), case .repository(let name) = values[index] else { return nil }
    return name
  }

  private static func introduction(_ found: JSONValue) -> (RepositoryName, RepositoryEvidence.Introduction)? {
    guard let name = found["repository"]?.string, let commit = found["commit"]?.string,
      let authored = found["authored"]?.string.flatMap(Timestamp.date)
    else { return nil }
    return (
      RepositoryName(name),
      RepositoryEvidence.Introduction(
        commit: commit, authored: authored, refs: (found["refs"]?.array ?? []).compactMap(\.string))
    )
  }

  private static func rewrite(_ outputs: JSONValue) -> RepositoryEvidence.Rewrite {
    RepositoryEvidence.Rewrite(
      commits: outputs["commits"]?.integer ?? 0, blobs: outputs["blobs"]?.integer,
      tags: outputs["tags"]?.integer, refs: outputs["refs"]?.integer ?? 0,
      signaturesDropped: outputs["signatures_dropped"]?.integer,
      residual: (outputs["residual"]?.array ?? []).compactMap(\.string).map {
        RepositoryEvidence.Rewrite.Residual(line: $0)
      }, backup: outputs["backup"]?.string)
  }
}
