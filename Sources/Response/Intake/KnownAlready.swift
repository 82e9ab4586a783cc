package import Chronicle
package import Foundation
package import Incidents
package import Journal

/// What the answer to a report says of incidents that were known before it: where they stand, and which of them have their
/// value at a place where a report without a value has found one.
package struct KnownAlready {
  private var states: [IncidentID: IncidentStatus.State] = [:]
  private var places: [String: Set<IncidentID>] = [:]

  /// More records than these are read in one pass over the journal.
  private static let few = 32

  package init(_ entries: [IncidentDesk.Entry], in journal: Journal, now: Date) throws {
    let nameless = entries.filter(\.leaked.isEmpty)
    let wanted = nameless.reduce(into: Set<String>()) { $0.formUnion($1.incident.placeKeys) }
    var asked = Set(entries.filter { !$0.isNew }.map(\.id))
    if !wanted.isEmpty {
      let known = try FollowedChronicle(journal, kinds: Chronicle.incidentKinds).current()
      for (id, course) in known.incidents where !course.values.refs.isEmpty {
        guard let incident = Incident(id: id, journalled: course.bodies) else { continue }
        for place in incident.placeKeys.intersection(wanted) {
          places[place, default: []].insert(id)
          asked.insert(id)
        }
      }
    }
    let records =
      asked.count > Self.few
      ? IncidentRecord.all(in: try journal.events()).filter { asked.contains($0.id) }
      : try asked.map { try journal.record(of: $0) }
    for record in records { states[record.id] = IncidentStatus(of: record, now: now).state }
  }

  /// Where the entry's incident stands; nil for a new one.
  package func state(of entry: IncidentDesk.Entry) -> IncidentStatus.State? {
    entry.isNew ? nil : states[entry.id]
  }

  /// Incidents whose value stands where this one, of which no value is known, was found: it may be theirs.
  package func samePlace(as entry: IncidentDesk.Entry) -> [(id: IncidentID, state: IncidentStatus.State)] {
    guard entry.leaked.isEmpty else { return [] }
    return entry.incident.placeKeys.reduce(into: Set<IncidentID>()) { $0.formUnion(places[$1] ?? []) }
      .subtracting([entry.id]).sorted().compactMap { id in states[id].map { (id, $0) } }
  }
}
