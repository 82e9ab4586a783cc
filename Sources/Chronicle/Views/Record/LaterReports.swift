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
    switch event.kind {
    case .incidentState: isOpenedAgain = event.text("state") == "open"
    case .incidentUpdated where event.sighting != nil:
      for name in event.sighting?.repositories ?? [] { named[name] = event }
      if event.sighting?.isUnnamed == true { unnamed = event }
    case .incidentOpened, .incidentUpdated:
      // What was merged, said or introduced is no report.
      guard let places = event.body["locations"]?.array else { return }
      // A known place was seen again.
      for place in places { note(place, event) }
      if places.isEmpty, isOpenedAgain { unnamed = event }
      isOpenedAgain = false
    default: break  // no report
    }
  }

  private mutating func note(_ place: JSONValue, _ event: JournalEvent) {
    if let name = LaterReports.repository(of: place) {
      named[name] = event
    } else if place["commit"] != nil || ["commit", "file"].contains(place["place"]?.string) {
      unnamed = event
    }
  }

  /// What a report calls the repository of a place.
  static func repository(of place: JSONValue) -> RepositoryName? {
    let repository = place["repository"]
    let word = repository?["name"]?.string ?? repository?["id"]?.string ?? repository?.string
    return word.map { RepositoryName($0) }
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

  private static func lastPart(of name: RepositoryName) -> String {
    let last = name.rawValue.split(separator: "/").last.map { String($0) } ?? name.rawValue
    return last.lowercased()
  }
}
