import Chronicle
import Execution
import Foundation
import Incidents
import Response

/// Incidents that are open and have no plan, kept: each look derives again only those of which the journal said something since.
final class WaitingIncidents {
  private let chronicle: FollowedChronicle
  private var waiting: [IncidentID: StartDesk.Waiting] = [:]
  private var changed: Set<IncidentID> = []
  private var ordered: [StartDesk.Waiting]?

  /// - Parameter chronicle: not looked at yet, so that nothing is missed.
  init(_ chronicle: FollowedChronicle) {
    self.chronicle = chronicle
    chronicle.listen { [weak self] event, change in
      guard Chronicle.incidentKinds.contains(event.kind), let id = change.incident else { return }
      self?.changed.insert(id)
      self?.changed.formUnion(change.gone)
    }
  }

  /// Oldest first. A merged incident's plan is its owner's; a plan of before an incident was opened again is none.
  func all() throws -> [StartDesk.Waiting] {
    try chronicle.refresh()
    if !changed.isEmpty { ordered = nil }
    for id in changed { waiting[id] = StartDesk.waiting(id, chronicle.last) }
    changed = []
    if let ordered { return ordered }
    let all = waiting.values.sorted {
      $0.first == $1.first ? $0.incident.id < $1.incident.id : $0.first < $1.first
    }
    ordered = all
    return all
  }
}
