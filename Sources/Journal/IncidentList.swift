import Chronicle
import Foundation
import GRDB
import Incidents
import JSON

/// Every incident in a row of its own: whether it is closed, how severe it is, since when. The first screen chooses from it
/// and reads only the events of what it shows.
///
/// A summary of the events and no truth of its own: it changes in the transaction of the events, and says up to which one it
/// goes. Where that is not the last one, or it counts other openings than the journal, nobody believes it, and it is made
/// anew with the next event.
struct IncidentList {
  /// What an incident that others were merged into holds is what all of them say.
  struct Entry: Sendable, Equatable {
    /// The incident that it is part of now.
    var owner: IncidentID
    /// Its own first opening; nil while events only name it.
    var opened: Int?
    /// The first opening of all that is part of it, and when that says the leak was detected.
    var first: Int?
    var detected: String?
    /// How many events opened it.
    var openings = 0
    /// A severity that nobody stated is treated as the worst: better woken than not.
    var severity = Severity.sev1
    var severityFrom = 0
    var isClosed = false
    var stateFrom = 0

    init(owner: IncidentID) { self.owner = owner }

    fileprivate mutating func state(severityOf event: JournalEvent) {
      guard let stated = IncidentReport(event.body).severity else { return }
      severity = stated
      severityFrom = event.sequence
    }

    fileprivate mutating func join(_ gone: Entry) {
      if let other = gone.first, first.map({ other < $0 }) ?? true {
        first = other
        detected = gone.detected
      }
      if gone.severityFrom > severityFrom {
        severity = gone.severity
        severityFrom = gone.severityFrom
      }
      if gone.stateFrom > stateFrom {
        isClosed = gone.isClosed
        stateFrom = gone.stateFrom
      }
    }
  }

  /// What it is made from.
  static let kinds: Set<EventKind> = [.incidentOpened, .incidentUpdated, .incidentState]

  private(set) var entries: [IncidentID: Entry] = [:]
  private var parts: [IncidentID: Set<IncidentID>] = [:]

  /// Takes in one event; those of other kinds say nothing here.
  mutating func take(_ event: JournalEvent) {
    guard let named = event.incident, Self.kinds.contains(event.kind) else { return }
    let id = entries[named]?.owner ?? named
    change(named) { _ in }
    if event.kind == .incidentUpdated {
      for other in Set(event.mergedIncidents).subtracting([id]) { merge(other, into: id) }
    }
    if event.kind == .incidentOpened {
      change(named) { entry in
        entry.openings += 1
        entry.opened = entry.opened ?? event.sequence
      }
    }
    change(id) { entry in
      switch event.kind {
      case .incidentOpened:
        if entry.first == nil {
          entry.first = event.sequence
          entry.detected = Timestamp.text(IncidentReport(event.body).detected ?? event.at)
        }
        entry.state(severityOf: event)
      case .incidentUpdated: entry.state(severityOf: event)
      default:
        entry.isClosed = IncidentStateChange(event.body).state == .closed
        entry.stateFrom = event.sequence
      }
    }
  }

  /// Puts an entry in that was kept.
  mutating func set(_ id: IncidentID, _ entry: Entry) {
    entries[id] = entry
    if entry.owner != id { parts[entry.owner, default: []].insert(id) }
  }

  private mutating func change(_ id: IncidentID, _ body: (inout Entry) -> Void) {
    body(&entries[id, default: Entry(owner: id)])
  }

  /// What is part of another one already stays there; what is part of `other` comes with it.
  private mutating func merge(_ other: IncidentID, into id: IncidentID) {
    guard entries[other]?.owner ?? other == other else { return }
    let gone = (parts.removeValue(forKey: other) ?? []).union([other])
    var total = entries[other] ?? Entry(owner: other)
    for part in gone { change(part) { $0.owner = id } }
    parts[id, default: []].formUnion(gone)
    total.owner = id
    change(id) { $0.join(total) }
  }
}
