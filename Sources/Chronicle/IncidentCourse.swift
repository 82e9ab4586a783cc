public import Foundation
public import Incidents
public import JSON

/// One incident as the journal tells it, with those that are part of it.
public struct IncidentCourse: Sendable {
  /// The event that closed it.
  public struct Closing: Sendable, Hashable {
    public let at: Date
    public let sequence: Int
  }

  /// The incidents that it is made of, in the order in which they were opened.
  public private(set) var members: [IncidentID] = []
  /// The event that opened it: the lower, the older.
  public private(set) var opened = Int.max
  /// Its reports, in order, as ``Incident/init(id:journalled:)`` reads them.
  public private(set) var bodies: [JSONValue] = []
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

  public init() {}

  public var isClosed: Bool { closed != nil }

  /// What brought it: deliveries, and reports that people handed in.
  public var reports: Set<JSONValue> {
    Set(
      bodies.flatMap { body in
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
    let new = report.places.filter { place in place.key.map { places.insert($0).inserted } ?? false }
    if report.key != nil {
      first = min(first, event.at)
      last = event.at
      sequence = event.sequence
      bodies.append(event.body)
    }
    return new
  }

  mutating func note(_ change: IncidentStateChange, _ event: JournalEvent) {
    let isOpenAgain = isClosed && change.state != .closed
    if isOpenAgain { isPlanned = false }
    closed = change.state == .closed ? Closing(at: event.at, sequence: event.sequence) : nil
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
    bodies += gone.bodies
    first = min(first, gone.first)
    values.join(gone.values)
    places.formUnion(gone.places)
    isPlanned = isPlanned || gone.isPlanned
  }
}
