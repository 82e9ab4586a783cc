import Incidents
import JSON

/// What the reports of an incident brought, and when: a fresh clone says nothing about a place that was reported, or seen
/// again, after it was scanned, nor about a value that it was not scanned for.
struct LaterReports: Sendable {
  /// The leaked values that are known so far.
  private(set) var values = LeakedValues()
  /// The last event that brought another value; it concerns every repository.
  private var value: JournalEvent?
  /// The last report of a place, new or seen again, by the name that it has for the repository.
  private var named: [RepositoryName: JournalEvent] = [:]
  /// The last report of a place in a repository that it does not name; it may be any.
  private var unnamed: JournalEvent?
  /// Opened again, and the report that did it is still to come.
  private var isOpenedAgain = false

  /// Takes in an event of the incident.
  mutating func take(_ event: JournalEvent) {
    if values.take(event) { value = event }
    switch event.typed {
    case .incidentState(let change): isOpenedAgain = change.state == .open
    case .incidentOpened(let report), .incidentUpdated(let report): note(report, event)
    default: break  // no report
    }
  }

  private mutating func note(_ report: IncidentReport, _ event: JournalEvent) {
    if let sighting = event.sighting {
      for name in sighting.repositories { named[name] = event }
      if sighting.isUnnamed { unnamed = event }
      return
    }
    // What was merged, said or introduced is no report.
    guard report.namesPlaces else { return }
    let places = report.places
    // A known place was seen again.
    for place in places {
      if let name = place.repositoryName {
        named[name] = event
      } else if place.isOfRepository {
        unnamed = event
      }
    }
    if places.isEmpty, isOpenedAgain { unnamed = event }
    isOpenedAgain = false
  }

  /// The last report that concerns `repository`.
  ///
  /// - Parameters:
  ///   - all: the repositories of the incident's plans and acts.
  ///   - unlisted: reported ones that are none of these. What is neither is one of them under another name.
  func last(in repository: RepositoryName, of all: [RepositoryName], unlisted: [RepositoryName])
    -> JournalEvent?
  {
    func concerns(_ name: RepositoryName) -> Bool {
      if all.contains(name) { return name == repository }
      if unlisted.contains(name) { return false }
      let last = LaterReports.lastPart(of: name)
      let alike = all.filter { LaterReports.lastPart(of: $0) == last }
      return alike.isEmpty || alike.contains(repository)
    }
    let places = named.filter { concerns($0.key) }.map(\.value)
    return (places + [unnamed, value].compactMap { $0 }).max { $0.sequence < $1.sequence }
  }

  static func lastPart(of name: RepositoryName) -> String {
    let last = name.rawValue.split(separator: "/").last.map { String($0) } ?? name.rawValue
    return last.lowercased()
  }
}
