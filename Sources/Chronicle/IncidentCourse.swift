public import Foundation
public import Incidents
public import JSON

/// One incident as the journal tells it, with those that are part of it.
public struct IncidentCourse: Sendable {
  /// The event that closed it.
  public struct Closing: Sendable, Hashable {
    public let at: Date
    public let sequence: Int
    /// When the keys of its values are destroyed; nil: it was closed before that was written down.
    public let valuesUntil: Date?
  }

  /// The incidents that it is made of, in the order in which they were opened.
  public private(set) var members: [IncidentID] = []
  /// The event that opened it: the lower, the older.
  public private(set) var opened = Int.max
  /// Its reports by their events: those of an incident that was merged into it stand between its own.
  private var reports: [Int: JSONValue] = [:]
  /// When the first of its reports came, and the last.
  public private(set) var first = Date.distantFuture
  public private(set) var last = Date.distantPast
  /// The last event that brought a place or the value.
  public private(set) var sequence = 0
  /// Its leaked values; none while nobody knows one.
  public internal(set) var values = LeakedValues()
  /// Keys of its places.
  public private(set) var places: Set<String> = []
  /// It has a plan that was made since it was opened (again), and since its last value came.
  public private(set) var isPlanned = false
  /// When it was closed, and by which event; nil while it is not.
  public private(set) var closed: Closing?
  /// The event that said it is contained; nil when there is none, or a later one took it back.
  public private(set) var contained: Int?
  /// What it is called, of all that its reports say.
  public private(set) var identity = IncidentIdentity()
  /// The first commit with the secret, as the repository's own history shows.
  private var introduced: Date?
  /// When its first report says that it was detected; else when that came.
  public private(set) var detected: Date?
  /// The deliveries that brought it (``IncidentReport/deliveryName``).
  public private(set) var deliveries: Set<String> = []

  public init() {}

  public var isClosed: Bool { closed != nil }

  /// Its reports in the order of the journal, as ``Incident/init(id:journalled:)`` reads them.
  public var bodies: [JSONValue] { reports.sorted { $0.key < $1.key }.map(\.value) }

  /// The first commit with the secret, by the dates that its reports claim and what the repository's own history shows.
  public var firstSeen: Date? {
    let claimed = reports.values.flatMap { IncidentReport($0).places.compactMap(\.committed) }
    return (claimed + [introduced].compactMap { $0 }).min()
  }

  /// What brought it: deliveries, and reports that people handed in.
  public var origins: Set<JSONValue> {
    Set(
      reports.values.flatMap { body in
        let report = IncidentReport(body)
        return [report.delivery, report.report].compactMap { $0 }
      }
    ).subtracting([.null])
  }

  mutating func note(opening event: JournalEvent, of id: IncidentID) {
    if !members.contains(id) { members.append(id) }
    opened = event.sequence
  }

  /// - Returns: the places that were not known.
  mutating func note(_ report: IncidentReport, _ event: JournalEvent) -> [IncidentReport.ReportedLocation] {
    values.take(event)
    identity.take(report, at: event.sequence)
    if let name = report.deliveryName { deliveries.insert(name) }
    detected = detected ?? report.detected ?? event.at
    introduced = [introduced, report.introduction?.authored].compactMap { $0 }.min()
    let new = report.places.filter { place in place.key.map { places.insert($0).inserted } ?? false }
    if report.key != nil {
      first = min(first, event.at)
      last = event.at
      sequence = event.sequence
      reports[event.sequence] = event.body
    }
    return new
  }

  mutating func note(_ change: IncidentStateChange, _ event: JournalEvent) {
    let isOpenAgain = isClosed && change.state != .closed
    if isOpenAgain { isPlanned = false }
    closed =
      change.state == .closed
      ? Closing(at: event.at, sequence: event.sequence, valuesUntil: change.valuesUntil) : nil
    switch change.state {
    case .contained: contained = event.sequence
    case .open: contained = nil
    case .closed, nil: break  // whoever closes it says nothing of its proof
    }
  }

  /// - Returns: whether it is another value: no plan of before stops it or cleans it away.
  mutating func note(value event: JournalEvent) -> Bool {
    guard values.take(event) else { return false }
    sequence = event.sequence
    isPlanned = false
    return true
  }

  mutating func note(plan event: JournalEvent) { isPlanned = true }

  /// Takes in the incident `id`, which turned out to be this one; nil: nothing is known of it but its name.
  mutating func join(_ gone: IncidentCourse?, of id: IncidentID) {
    guard let gone else { return members.append(id) }
    members += gone.members.isEmpty ? [id] : gone.members
    reports.merge(gone.reports) { own, _ in own }
    first = min(first, gone.first)
    values.join(gone.values)
    places.formUnion(gone.places)
    isPlanned = isPlanned || gone.isPlanned
    identity.join(gone.identity)
    deliveries.formUnion(gone.deliveries)
    introduced = [introduced, gone.introduced].compactMap { $0 }.min()
  }
}
