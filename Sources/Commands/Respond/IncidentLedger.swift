import Capabilities
import Foundation
import Incidents
import JSON
import Journal

/// What the journal knows of incidents, by their keys. Kept by the worker: each look reads only what is new.
final class IncidentLedger {
  /// One incident.
  struct Known {
    /// The event that opened it: the lower, the older.
    var opened = Int.max
    /// Where its leaked value is sealed; nil while nobody knows it.
    var leaked: SecretRef?
    /// Keys of its places.
    var places: Set<String> = []
    /// When it was closed, and by which event; nil while it is open.
    var closed: (at: Date, sequence: Int)?
  }

  private let journal: Journal
  private(set) var keys = KnownKeys()
  private var incidents: [IncidentID: Known] = [:]
  private var sequence = 0

  init(journal: Journal) { self.journal = journal }

  /// Takes in what was appended since the last call.
  func refresh() throws {
    let head = try journal.head().sequence
    guard head > sequence else { return }
    let kinds: Set<EventKind> = [.incidentOpened, .incidentUpdated, .incidentState, .secretSealed]
    try journal.forEachEvent(after: sequence, kinds: kinds) { event in
      guard let named = event.incident else { return }
      let id = keys.owner(of: named)
      switch event.kind {
      case .secretSealed:
        if event.body["key"]?.string == "\(named)/leaked" {
          incidents[id, default: Known()].leaked = incidents[id]?.leaked ?? SecretRef("\(named)/leaked")
        }
      case .incidentState:
        let isClosed = event.body["state"]?.string == "closed"
        incidents[id, default: Known()].closed = isClosed ? (event.at, event.sequence) : nil
      case .incidentOpened, .incidentUpdated:
        for other in event.mergedIncidents { merge(other, into: id) }
        note(event.body, of: id, opened: event.kind == .incidentOpened ? event.sequence : nil)
      default: return  // only these kinds were asked for
      }
    }
    sequence = head
  }

  /// The incident, as the journal knows it.
  func known(_ id: IncidentID) -> Known? { incidents[keys.owner(of: id)] }

  /// What is being appended, before it is: the next incident of the same report must see it.
  func expect(_ body: JSONValue, of id: IncidentID, leaked: SecretRef?, isOpening: Bool) {
    note(body, of: id, opened: isOpening ? sequence + incidents.count + 1 : nil)
    if let leaked { incidents[id]?.leaked = leaked }
  }

  func expectReopening(of id: IncidentID) { incidents[id]?.closed = nil }

  func expectMerge(_ other: IncidentID, into id: IncidentID) { merge(other, into: id) }

  /// True when the first was opened before the second.
  func isOlder(_ one: IncidentID, _ other: IncidentID) -> Bool {
    (incidents[one]?.opened ?? .max, one) < (incidents[other]?.opened ?? .max, other)
  }

  private func note(_ body: JSONValue, of id: IncidentID, opened: Int?) {
    var known = incidents[id] ?? Known()
    if let opened { known.opened = opened }
    for location in body["locations"]?.array ?? [] {
      if let key = location["key"]?.string { known.places.insert(key) }
    }
    incidents[id] = known
    if let key = body["key"]?.string { keys.add(IncidentKey(rawValue: key), of: id) }
    for alias in body["aliases"]?.array ?? [] {
      if let key = alias.string { keys.add(IncidentKey(rawValue: key), of: id) }
    }
  }

  private func merge(_ other: IncidentID, into id: IncidentID) {
    guard let gone = incidents[other], other != id else { return }
    keys.merge(other, into: id)
    incidents[id]?.places.formUnion(gone.places)
    if incidents[id]?.leaked == nil { incidents[id]?.leaked = gone.leaked }
    incidents[other] = nil
  }
}
