import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import Secrets

/// Puts reported incidents into the journal: a known secret updates its incident, a new one opens one, one that connects two
/// merges them, and one that comes back after its end opens its incident again.
struct IncidentDesk {
  /// What became of one reported incident.
  struct Entry: Sendable {
    enum State: String, Sendable {
      case opened, known, merged
      /// It was closed, and the secret is back.
      case reopened
      /// It is closed, and the places are history: nothing was written.
      case ignored
    }
    let id: IncidentID
    let incident: Incident
    /// The sealed leaked value; nil while nobody knows it.
    let leaked: SecretRef?
    let isNew: Bool
    let state: State
  }

  let journal: Journal
  let ledger: IncidentLedger
  /// What brought the incidents, named in the journal: people are told of what was delivered, together. Nil for a report that
  /// a person hands in, who reads the answer.
  var delivery: JSONValue?
  /// Called before an incident is opened again, with the event that had closed it: whoever must be told is told first, so
  /// that a crash in between repeats it rather than forgets it. The text says why.
  var willReopen: (IncidentID, Incident, Int, String) throws -> Void = { _, _, _, _ in }
  /// Why closed incidents are opened again whatever was found, for people; nil: a new place or a working secret decides.
  var reopening: String?

  /// So many incidents share a commit.
  private static let batch = 256

  init(journal: Journal, ledger: IncidentLedger? = nil) {
    self.journal = journal
    self.ledger = ledger ?? IncidentLedger(journal: journal)
  }

  /// Appends what is new; repeating the same report appends nothing.
  func record(_ incidents: [Incident]) throws -> [Entry] {
    try ledger.refresh()
    var entries: [Entry] = []
    var groups: [(events: [NewEvent], sealing: Sealing?)] = []
    for incident in incidents {
      let (entry, group) = try record(incident)
      entries.append(entry)
      if let group { groups.append(group) }
      if groups.count == Self.batch {
        try journal.append(groups: groups)
        groups = []
      }
    }
    if !groups.isEmpty { try journal.append(groups: groups) }
    try ledger.refresh()
    return entries
  }

  private typealias Group = (events: [NewEvent], sealing: Sealing?)

  private func record(_ incident: Incident) throws -> (Entry, Group?) {
    let matching = IncidentMatching.of(incident, known: ledger.keys, isOlder: ledger.isOlder)
    switch matching {
    case .new: return append(incident, to: incident.id, kind: .incidentOpened, state: .opened)
    case .merge(let id, let others):
      let merge: JSONValue = ["merged": .array(others.map { .string($0.rawValue) })]
      for other in others { ledger.expectMerge(other, into: id) }
      return append(
        incident, to: id, kind: .incidentUpdated, state: .merged,
        before: [NewEvent(.incidentUpdated, incident: id, merge)])
    case .known(let id):
      let known = ledger.known(id)
      guard let closed = known?.closed else {
        guard isNews(incident, known) else {
          return (
            Entry(id: id, incident: incident, leaked: known?.leaked, isNew: false, state: .known), nil
          )
        }
        return append(incident, to: id, kind: .incidentUpdated, state: .known)
      }
      guard reopening != nil || isBack(incident, closedAt: closed.at, known: known?.places ?? []) else {
        return (
          Entry(id: id, incident: incident, leaked: known?.leaked, isNew: false, state: .ignored), nil
        )
      }
      let reason = reopening ?? "the secret was found again after the incident was closed"
      try willReopen(id, incident, closed.sequence, reason)
      ledger.expectReopening(of: id)
      return append(
        incident, to: id, kind: .incidentUpdated, state: .reopened,
        before: [
          NewEvent(
            .incidentState, incident: id,
            ["state": "open", "reason": .string(reason)])
        ])
    }
  }

  /// Something that the journal does not have yet: a place, or the value.
  private func isNews(_ incident: Incident, _ known: IncidentLedger.Known?) -> Bool {
    (incident.secret != nil && known?.leaked == nil)
      || !(known?.places.isSuperset(of: incident.occurrences.map(\.key)) ?? false)
  }

  private func isBack(_ incident: Incident, closedAt: Date, known: Set<String>) -> Bool {
    let places: [Occurrence?] = incident.occurrences.isEmpty ? [nil] : incident.occurrences
    return places.contains {
      Recurrence.of($0, validity: incident.validity, closedAt: closedAt, known: known) == .reopen
    }
  }

  private func append(
    _ incident: Incident, to id: IncidentID, kind: EventKind, state: Entry.State, before: [NewEvent] = []
  ) -> (Entry, Group?) {
    var members = incident.openedBody.object ?? [:]
    members["delivery"] = delivery
    let body = JSONValue.object(members)
    var leaked = ledger.known(id)?.leaked
    var sealing: Sealing?
    if leaked == nil, let secret = incident.secret {
      let ref = SecretRef("\(id)/leaked")
      sealing = Sealing([ref: secret], under: .incident(id), purpose: "leaked")
      leaked = ref
    }
    ledger.expect(body, of: id, leaked: leaked, isOpening: kind == .incidentOpened)
    let entry = Entry(
      id: id, incident: incident, leaked: leaked, isNew: kind == .incidentOpened, state: state)
    return (entry, (before + [NewEvent(kind, incident: id, body)], sealing))
  }
}
