/// Whether reported incidents are already known, by any of their keys.
public enum IncidentMatching: Sendable, Hashable {
  case new
  case known(IncidentID)
  /// A stronger key shows that several known incidents are one: the older id stays, the others are merged into it.
  case merge(into: IncidentID, others: [IncidentID])

  /// Matches by key and aliases.
  /// - Parameters:
  ///   - known: every key and alias in the journal with its incident. An incident that has only an `l:` key was opened
  ///     before its value was known: the first secret read at that place is its own.
  ///   - isOlder: true when the first incident was opened before the second.
  public static func of(
    _ incident: Incident, known: [IncidentKey: IncidentID], isOlder: (IncidentID, IncidentID) -> Bool
  ) -> IncidentMatching {
    let keys = [incident.key] + incident.aliases
    let named = Set(known.filter { $0.key.namesOneSecret }.values)
    var found = Set(keys.filter(\.namesOneSecret).compactMap { known[$0] })
    let places = incident.placeKeys
    for (key, id) in known where !named.contains(id) {
      if keys.contains(key) || key.placeWithoutKind.map(places.contains) == true { found.insert(id) }
    }
    guard let oldest = found.min(by: isOlder) else { return .new }
    let others = found.subtracting([oldest]).sorted(by: isOlder)
    return others.isEmpty ? .known(oldest) : .merge(into: oldest, others: others)
  }
}
