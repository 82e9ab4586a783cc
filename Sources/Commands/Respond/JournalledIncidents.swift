import Capabilities
import Foundation
import Incidents
import JSON
import Journal

/// What the journal says of every incident, with merged ones as part of the one that goes on.
struct JournalledIncidents {
  struct Gathered {
    /// Of `incident.opened` and `incident.updated`, by their events.
    private var reports: [Int: JSONValue] = [:]
    var first = Date.distantFuture
    var last = Date.distantPast
    /// The last event that brought a place or the value.
    var sequence = 0
    /// Where its values are sealed; none while nobody knows one.
    var values = LeakedValues()
    /// It has a plan that was made since it was opened (again), and since its last value came.
    var isPlanned = false
    var isClosed = false

    /// The reports, in the order of the journal.
    var bodies: [JSONValue] { reports.sorted { $0.key < $1.key }.map(\.value) }

    fileprivate mutating func note(_ event: JournalEvent) { reports[event.sequence] = event.body }

    fileprivate mutating func join(_ gone: Self) {
      reports.merge(gone.reports) { own, _ in own }
      first = min(first, gone.first)
      values.join(gone.values)
      isPlanned = isPlanned || gone.isPlanned
    }
  }

  private(set) var incidents: [IncidentID: Gathered] = [:]
  private var merged = MergedIncidents()
  private var follower = JournalFollower()

  init(_ journal: Journal) throws { try follow(journal) }

  /// Takes in what came since.
  mutating func follow(_ journal: Journal) throws {
    var follower = follower
    try follower.follow(
      journal,
      kinds: [
        .incidentOpened, .incidentUpdated, .incidentState, .secretSealed, .keyDestroyed, .planSaved,
      ]
    ) { add($0) }
    self.follower = follower
  }

  /// The incident, or the one that it is part of.
  subscript(_ id: IncidentID) -> (id: IncidentID, gathered: Gathered)? {
    let id = merged.owner(of: id)
    return incidents[id].map { (id, $0) }
  }

  private mutating func add(_ event: JournalEvent) {
    guard let named = event.incident else { return }
    let id = merged.owner(of: named)
    var entry = incidents[id] ?? Gathered()
    switch event.kind {
    case .incidentOpened, .incidentUpdated:
      for other in event.mergedIncidents {
        if let gone = merged.merge(other, into: id).flatMap({ incidents.removeValue(forKey: $0) }) {
          entry.join(gone)
        }
      }
      entry.values.take(event)
      if event.body["key"] != nil {
        entry.first = min(entry.first, event.at)
        entry.last = event.at
        entry.sequence = event.sequence
        entry.note(event)
      }
    case .keyDestroyed: entry.values.take(event)
    case .secretSealed:
      if entry.values.take(event) {
        entry.sequence = event.sequence
        // No plan of before stops this value or cleans it away.
        entry.isPlanned = false
      }
    case .planSaved: entry.isPlanned = true
    case .incidentState:
      let isClosed = event.body["state"]?.string == "closed"
      if entry.isClosed, !isClosed { entry.isPlanned = false }
      entry.isClosed = isClosed
    default: return  // only these kinds were asked for
    }
    incidents[id] = entry
  }
}
