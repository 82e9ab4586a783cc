import Capabilities
package import Chronicle
package import Foundation
package import Incidents
package import JSON
package import Journal
import Secrets

/// What the journal knows of incidents, by their keys, and what it will know when what is being appended stands in it.
/// Kept by the worker: each look reads only what is new.
package final class IncidentLedger {
  /// One incident.
  package struct Known {
    /// The event that opened it: the lower, the older.
    package var opened = Int.max
    /// What it is called.
    package var identity: IncidentIdentity
    /// Where its leaked values are sealed; none while nobody knows one.
    package var values = LeakedValues()
    /// Keys of its places.
    package var places: Set<String> = []
    /// When it was closed, and by which event; nil while it is not.
    package var closed: (at: Date, sequence: Int)?
    /// The event that said it is contained; nil when there is none, or a later one took it back.
    package var contained: Int?
    /// The deliveries that brought it: one that is taken in again is no new sighting.
    package var deliveries: Set<String> = []
  }

  private let journal: Journal
  private let chronicle: FollowedChronicle
  package private(set) var keys = KnownKeys()
  /// Incidents as they will be when what is being appended stands in the journal.
  private var expected: [IncidentID: Known] = [:]

  /// - Parameter chronicle: not looked at yet; nil: the ledger's own.
  package init(journal: Journal, chronicle: FollowedChronicle? = nil) {
    self.journal = journal
    let chronicle = chronicle ?? FollowedChronicle(journal, kinds: Chronicle.incidentKinds)
    self.chronicle = chronicle
    chronicle.listen { [weak self] event, change in self?.note(event, change) }
  }

  /// Takes in what was appended since the last call. What was expected stands in the journal by then, or never will.
  package func refresh() throws {
    try chronicle.refresh()
    expected = [:]
  }

  private func note(_ event: JournalEvent, _ change: Chronicle.Change) {
    guard let id = change.incident else { return }
    for gone in change.gone { keys.merge(gone, into: id) }
    switch event.typed {
    case .incidentOpened(let report), .incidentUpdated(let report): note(report, of: id)
    default: return  // only a report brings keys
    }
  }

  private func note(_ report: IncidentReport, of id: IncidentID) {
    for key in [report.key].compactMap({ $0 }) + report.aliases { keys.add(key, of: id) }
  }

  /// The incident, as the journal knows it, and as it will with what is being appended.
  package func known(_ id: IncidentID) -> Known? {
    let id = keys.owner(of: id)
    if let known = expected[id] { return known }
    return chronicle.last.incidents[id].map { course in
      Known(
        opened: course.opened, identity: course.identity, values: course.values, places: course.places,
        closed: course.closed.map { (at: $0.at, sequence: $0.sequence) }, contained: course.contained,
        deliveries: course.deliveries)
    }
  }

  /// What is being appended, before it is: the next incident of the same report must see it.
  package func expect(_ body: JSONValue, of id: IncidentID, values: LeakedValues, isOpening: Bool) {
    let report = IncidentReport(body)
    var known = known(id) ?? Known(identity: IncidentIdentity())
    // Younger than all that the journal has, in the order of the report.
    let next = Self.unwritten + expected.count
    if isOpening { known.opened = next }
    known.identity.take(report, at: next)
    // Not its delivery, which is only expected: one may bring several incidents that are one here.
    known.places.formUnion(report.places.compactMap(\.key))
    known.values = values
    expected[id] = known
    note(report, of: id)
  }

  /// Beyond every event of a journal.
  private static let unwritten = Int.max / 2

  /// Whether this delivery was taken in for the incident already.
  package func has(_ delivery: JSONValue, of id: IncidentID) -> Bool {
    guard let name = IncidentReport(["delivery": delivery]).deliveryName else { return false }
    return known(id)?.deliveries.contains(name) ?? false
  }

  package func expectReopening(of id: IncidentID) {
    let id = keys.owner(of: id)
    guard var known = known(id) else { return }
    known.closed = nil
    known.contained = nil
    expected[id] = known
  }

  /// Whether `other` is not closed and has values that `id` does not have.
  package func hasOpenValues(_ other: IncidentID, besides id: IncidentID) -> Bool {
    guard let gone = known(other), gone.closed == nil else { return false }
    let own = known(id)?.values.fingerprints ?? [:]
    return !gone.values.unnamed.isEmpty || gone.values.fingerprints.keys.contains { own[$0] == nil }
  }

  /// The values of `incident` that the incident `id` does not have yet.
  ///
  /// - Throws: when a value of before fingerprints were kept cannot be opened: it could be the same one.
  package func furtherValues(of incident: Incident, in id: IncidentID) throws -> [LeakedValue] {
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

  package func expectMerge(_ other: IncidentID, into id: IncidentID) {
    guard other != id, let gone = known(other), var known = known(id) else { return }
    keys.merge(other, into: id)
    known.places.formUnion(gone.places)
    known.values.join(gone.values)
    known.identity.join(gone.identity)
    known.deliveries.formUnion(gone.deliveries)
    expected[id] = known
  }

  /// True when the first was opened before the second.
  package func isOlder(_ one: IncidentID, _ other: IncidentID) -> Bool {
    (known(one)?.opened ?? .max, one) < (known(other)?.opened ?? .max, other)
  }
}
