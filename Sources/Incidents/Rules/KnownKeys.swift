/// Which incident every known key names: an index for ``IncidentMatching``, so that a storm of new secrets does not compare
/// each with all.
public struct KnownKeys: Sendable {
  private var incidents: [IncidentKey: IncidentID] = [:]
  /// Incidents that have a key which names one secret.
  private var named: Set<IncidentID> = []
  /// Incidents by the place of an `l:` key, without its kind.
  private var places: [String: Set<IncidentID>] = [:]
  private var merged = MergedIncidents()

  public init() {}

  /// Notes that `id` is known by `key`.
  public mutating func add(_ key: IncidentKey, of id: IncidentID) {
    let id = owner(of: id)
    incidents[key] = id
    if key.namesOneSecret { named.insert(id) }
    if let place = key.placeWithoutKind { places[place, default: []].insert(id) }
  }

  /// From now on every key of `other` names `id`.
  public mutating func merge(_ other: IncidentID, into id: IncidentID) {
    guard let from = merged.merge(other, into: id) else { return }
    if named.contains(from) { named.insert(owner(of: id)) }
  }

  /// The incident that `id` is part of: itself unless it was merged.
  public func owner(of id: IncidentID) -> IncidentID { merged.owner(of: id) }

  /// Whether an incident has this key.
  public func isKnown(_ key: IncidentKey) -> Bool { incidents[key] != nil }

  /// Every key of `id`, in no order.
  public func keys(of id: IncidentID) -> [IncidentKey] {
    let id = owner(of: id)
    return incidents.filter { owner(of: $0.value) == id }.map(\.key)
  }

  /// The incident that has this key; nil: none.
  public func incident(of key: IncidentKey) -> IncidentID? { incidents[key].map(owner) }

  func isNamed(_ id: IncidentID) -> Bool { named.contains(id) }

  func incidents(at place: String) -> Set<IncidentID> { Set((places[place] ?? []).map(owner)) }
}
