/// Whether reported incidents are already known, by any of their keys.
public enum IncidentMatching: Sendable, Hashable {
  case new
  case known(IncidentID)
  /// A stronger key shows that several known incidents are one: the older id stays, the others are merged into it.
  case merge(into: IncidentID, others: [IncidentID])

  /// Matches by key and aliases.
  /// - Parameters:
  ///   - known: every key and alias in the journal. An incident that has only an `l:` key was opened before its value was
  ///     known: the first secret read at that place is its own.
  ///   - isOlder: true when the first incident was opened before the second.
  public static func of(
    _ incident: Incident, known: KnownKeys, isOlder: (IncidentID, IncidentID) -> Bool
  ) -> IncidentMatching {
    var found: Set<IncidentID> = []
    for key in [incident.key] + incident.aliases {
      guard let id = known.incident(of: key) else { continue }
      // A place alone names nothing once a secret is known to stand there.
      if key.namesOneSecret || !known.isNamed(id) { found.insert(id) }
    }
    for place in incident.placeKeys {
      found.formUnion(known.incidents(at: place).filter { !known.isNamed($0) })
    }
    guard let oldest = found.min(by: isOlder) else { return .new }
    let others = found.subtracting([oldest]).sorted(by: isOlder)
    return others.isEmpty ? .known(oldest) : .merge(into: oldest, others: others)
  }
}
