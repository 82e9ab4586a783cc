import Foundation
public import Incidents
public import JSON

extension Incident {
  /// The incident as the journal knows it: without its value, from `incident.opened` and every `incident.updated`.
  ///
  /// - Parameter bodies: in the order of the journal; those without a key (an introduction, a merge) are passed over.
  /// - Returns: nil when none of them opened it.
  public init?(id: IncidentID, journalled bodies: [JSONValue]) {
    let reports = bodies.filter { $0["key"]?.string != nil }
    guard let first = reports.first, let last = reports.last, let key = first["key"]?.string else {
      return nil
    }
    var identity = IncidentIdentity()
    for (number, body) in reports.enumerated() { identity.take(body, at: number) }
    let kind = identity.kind
    let keys = Set(
      reports.flatMap { body in
        [body["key"]?.string].compactMap(\.self) + (body["aliases"]?.array ?? []).compactMap(\.string)
      })
    let restraints = reports.map { $0["restraint"]?.string.flatMap(Restraint.init) }
    var places: [Occurrence] = []
    var known: Set<String> = []
    for location in reports.flatMap({ $0["locations"]?.array ?? [] }) {
      guard let place = Occurrence(location, kind: kind, incident: IncidentKey(rawValue: key)),
        known.insert(place.key).inserted
      else { continue }
      places.append(place)
    }
    self.init(
      id: id, key: IncidentKey(rawValue: key),
      aliases: Set(keys.subtracting([key]).map { IncidentKey(rawValue: $0) }), kind: kind,
      alternatives: identity.alternatives,
      provider: KindTable.builtin.row(of: kind)?.provider ?? last["provider"]?.string,
      handle: identity.handle,
      fingerprint: keys.lazy.compactMap { IncidentKey(rawValue: $0).fingerprint }.first, values: [],
      validity: identity.validity, exposure: Exposure(isPubliclyLeaked: identity.isPubliclyLeaked),
      severity: identity.severity ?? .sev3, codename: identity.codename(of: id),
      restraint: restraints.contains(.canary) ? .canary : restraints.last ?? nil,
      sources: Set(
        reports.flatMap { ($0["source"]?.array ?? []).compactMap { $0.string.flatMap(FindingSource.init) } }),
      detectedAt: reports.lazy.compactMap { $0["detected"]?.string.flatMap(Timestamp.date) }.first
        ?? .distantPast,
      occurrences: places,
      furtherFindings: last["further_findings"]?.integer ?? 0, next: last["next"]?.string)
  }
}
