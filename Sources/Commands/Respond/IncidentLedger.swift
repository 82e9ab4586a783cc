import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import Secrets

/// What the journal knows of incidents, by their keys. Kept by the worker: each look reads only what is new.
final class IncidentLedger {
  /// One incident.
  struct Known {
    /// The event that opened it: the lower, the older.
    var opened = Int.max
    /// What it is called.
    var identity: IncidentIdentity
    /// Where its leaked values are sealed; none while nobody knows one.
    var values = LeakedValues()
    /// Keys of its places.
    var places: Set<String> = []
    /// When it was closed, and by which event; nil while it is not.
    var closed: (at: Date, sequence: Int)?
    /// The event that said it is contained; nil when there is none, or a later one took it back.
    var contained: Int?
    /// The deliveries that brought it: one that is taken in again is no new sighting.
    var deliveries: Set<String> = []

    init(_ id: IncidentID) { identity = IncidentIdentity(of: id) }
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
    let kinds: Set<EventKind> = [
      .incidentOpened, .incidentUpdated, .incidentState, .secretSealed, .keyDestroyed,
    ]
    try journal.forEachEvent(after: sequence, kinds: kinds) { event in
      guard let named = event.incident else { return }
      let id = keys.owner(of: named)
      switch event.kind {
      case .secretSealed, .keyDestroyed: incidents[id, default: Known(id)].values.take(event)
      case .incidentState:
        let state = event.body["state"]?.string
        incidents[id, default: Known(id)].closed = state == "closed" ? (event.at, event.sequence) : nil
        if state == "contained" { incidents[id]?.contained = event.sequence }
        if state == "open" { incidents[id]?.contained = nil }
      case .incidentOpened, .incidentUpdated:
        for other in event.mergedIncidents { merge(other, into: id) }
        incidents[id, default: Known(id)].values.take(event)
        note(
          event.body, of: id, at: event.sequence,
          opened: event.kind == .incidentOpened ? event.sequence : nil)
        // Not what is only expected: one delivery may bring several incidents that are one here.
        if let delivery = event.body["delivery"] {
          incidents[id]?.deliveries.insert(Self.name(of: delivery))
        }
      default: return  // only these kinds were asked for
      }
    }
    sequence = head
  }

  /// The incident, as the journal knows it.
  func known(_ id: IncidentID) -> Known? { incidents[keys.owner(of: id)] }

  /// What is being appended, before it is: the next incident of the same report must see it.
  func expect(_ body: JSONValue, of id: IncidentID, values: LeakedValues, isOpening: Bool) {
    let next = sequence + incidents.count + 1
    note(body, of: id, at: next, opened: isOpening ? next : nil)
    incidents[id]?.values = values
  }

  /// Whether this delivery was taken in for the incident already.
  func has(_ delivery: JSONValue, of id: IncidentID) -> Bool {
    known(id)?.deliveries.contains(Self.name(of: delivery)) ?? false
  }

  /// What stays when the same message comes once more: not when that was.
  private static func name(of delivery: JSONValue) -> String {
    guard var members = delivery.object else { return delivery.canonicalText }
    members["received"] = nil
    return JSONValue.object(members).canonicalText
  }

  func expectReopening(of id: IncidentID) {
    incidents[id]?.closed = nil
    incidents[id]?.contained = nil
  }

  /// Whether `other` is not closed and has values that `id` does not have.
  func hasOpenValues(_ other: IncidentID, besides id: IncidentID) -> Bool {
    guard let gone = known(other), gone.closed == nil else { return false }
    let own = known(id)?.values.fingerprints ?? [:]
    return !gone.values.unnamed.isEmpty || gone.values.fingerprints.keys.contains { own[$0] == nil }
  }

  /// The values of `incident` that the incident `id` does not have yet.
  ///
  /// - Throws: when a value of before fingerprints were kept cannot be opened: it could be the same one.
  func furtherValues(of incident: Incident, in id: IncidentID) throws -> [LeakedValue] {
    guard let known = known(id)?.values else { return incident.values }
    var further: [LeakedValue] = []
    for value in incident.values
    where known.fingerprints[value.fingerprint] == nil && !known.destroyed.contains(value.fingerprint) {
      let isKnown = try known.unnamed.contains { ref in
        CanonicalSecret.of(try journal.open(ref)).isSame(as: CanonicalSecret.of(value.secret))
      }
      if !isKnown { further.append(value) }
    }
    return further
  }

  func expectMerge(_ other: IncidentID, into id: IncidentID) { merge(other, into: id) }

  /// True when the first was opened before the second.
  func isOlder(_ one: IncidentID, _ other: IncidentID) -> Bool {
    (incidents[one]?.opened ?? .max, one) < (incidents[other]?.opened ?? .max, other)
  }

  private func note(_ body: JSONValue, of id: IncidentID, at sequence: Int, opened: Int?) {
    // Taken out, or every place that comes would copy all of them.
    var known = incidents.removeValue(forKey: id) ?? Known(id)
    if let opened { known.opened = opened }
    known.identity.take(body, at: sequence)
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
    incidents[id]?.values.join(gone.values)
    incidents[id]?.identity.join(gone.identity)
    incidents[id]?.deliveries.formUnion(gone.deliveries)
    incidents[other] = nil
  }
}
