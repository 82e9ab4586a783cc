/// Incidents that turned out to be one: which of them goes on.
public struct MergedIncidents: Sendable {
  /// Merged incidents → the one that they are part of now.
  private var owners: [IncidentID: IncidentID] = [:]

  public init() {}

  /// The incident that `id` is part of: itself unless it was merged.
  public func owner(of id: IncidentID) -> IncidentID {
    var id = id
    while let next = owners[id] { id = next }
    return id
  }

  /// Those that are part of another one.
  public var gone: [IncidentID] { Array(owners.keys) }

  /// From now on `other` is part of `id`. What is part of another one already stays there.
  /// - Returns: the incident that goes, with all that is part of it; nil when none does.
  @discardableResult
  public mutating func merge(_ other: IncidentID, into id: IncidentID) -> IncidentID? {
    let into = owner(of: id)
    guard owners[other] == nil, other != into else { return nil }
    owners[other] = into
    return other
  }
}
