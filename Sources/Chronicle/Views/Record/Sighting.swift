public import Incidents
public import JSON
import Secrets

/// A report of what is known already: the same values at the same places, seen again (`incident.updated`, member `seen`).
///
/// It brings nothing, and says when it was seen: what was clean or proven dead before that has to be looked at again. One
/// for each report and incident, whatever it counts.
public struct Sighting: Sendable, Hashable {
  /// Who saw it, as the journal calls them.
  public let sources: [String]
  public let validity: Validity
  /// How many places, and the repositories that they name.
  public let places: Int
  public let repositories: [RepositoryName]
  /// A place names no repository: it may be any.
  public let isUnnamed: Bool

  /// - Parameter incident: as the report has it.
  public init(_ incident: Incident) {
    sources = incident.sources.map(\.rawValue).sorted()
    validity = incident.validity
    places = incident.occurrences.count + incident.furtherFindings
    repositories = incident.repositories.map { RepositoryName($0) }
    isUnnamed = incident.occurrences.contains { place in
      let repository = place.location.repository
      return (repository?.name ?? repository?.id) == nil && [.commit, .file].contains(place.location.place)
    }
  }

  /// Reads what ``json`` wrote.
  init?(_ json: JSONValue?) {
    guard let json else { return nil }
    sources = (json["source"]?.array ?? []).compactMap(\.string)
    validity = json["validity"]?.string.flatMap(Validity.init) ?? .unknown
    places = json["places"]?.integer ?? 0
    repositories = (json["repositories"]?.array ?? []).compactMap { $0.string.map { RepositoryName($0) } }
    isUnnamed = json["unnamed"]?.boolean ?? false
  }

  /// The member `seen`.
  public var json: JSONValue {
    [
      "source": .array(sources.map { .string($0) }), "validity": .string(validity.rawValue),
      "places": .integer(places), "repositories": .array(repositories.map { .string($0.rawValue) }),
      "unnamed": .boolean(isUnnamed),
    ]
  }

  /// `seen again by gitleaks in 3 known places, validity active`.
  public var text: String {
    let who = sources.isEmpty ? "" : " by " + sources.joined(separator: ", ")
    let what = places == 0 ? "" : " in \(places) known place\(places == 1 ? "" : "s")"
    return "seen again\(who)\(what), validity \(validity.rawValue)"
  }
}

extension JournalEvent {
  /// What was seen again; nil for every other event.
  public var sighting: Sighting? {
    if case .incidentUpdated(let report) = typed { report.seen } else { nil }
  }
}
