import Foundation
public import Incidents
public import JSON

extension Incident {
  /// The incident as the journal knows it: without its value, from `incident.opened` and every `incident.updated`.
  ///
  /// - Parameter bodies: in the order of the journal; those without a key (an introduction, a merge) are passed over.
  /// - Returns: nil when none of them opened it.
  public init?(id: IncidentID, journalled bodies: [JSONValue]) {
    let reports = bodies.map { IncidentReport($0) }.filter { $0.key != nil }
    guard let last = reports.last, let key = reports.first?.key else { return nil }
    var identity = IncidentIdentity()
    for (number, report) in reports.enumerated() { identity.take(report, at: number) }
    let kind = identity.kind
    let keys = Set(reports.flatMap { [$0.key].compactMap { $0 } + $0.aliases })
    var places: [Occurrence] = []
    var known: Set<String> = []
    for location in reports.flatMap(\.places) {
      guard let place = Occurrence(location.body, kind: kind, incident: key), known.insert(place.key).inserted
      else { continue }
      places.append(place)
    }
    self.init(
      id: id, key: key, aliases: keys.subtracting([key]), kind: kind, alternatives: identity.alternatives,
      provider: KindTable.builtin.row(of: kind)?.provider ?? last.provider, handle: identity.handle,
      fingerprint: keys.lazy.compactMap(\.fingerprint).first, values: [], validity: identity.validity,
      exposure: Exposure(isPubliclyLeaked: identity.isPubliclyLeaked), severity: identity.severity ?? .sev3,
      codename: identity.codename(of: id),
      restraint: reports.contains { $0.restraint == .canary } ? .canary : last.restraint,
      sources: reports.reduce(into: []) { $0.formUnion($1.sources) },
      detectedAt: reports.lazy.compactMap(\.detected).first ?? .distantPast, occurrences: places,
      furtherFindings: last.furtherFindings ?? 0, next: last.next)
  }
}
