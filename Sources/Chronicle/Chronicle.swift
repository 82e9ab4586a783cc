public import Foundation
public import Incidents

/// What the journal's events come to: every incident with what was merged into it, the runs that the worker carries out, the
/// storm that is held. The one fold of these; whoever needs more of an event listens to ``Change``.
///
/// It is fed one event after the other, so that what follows the journal pays for what is new, and it reads events of every
/// version (``TypedEvent``).
public struct Chronicle: Sendable {
  /// The events that say something about incidents; others need not be read for ``incidents``.
  public static let incidentKinds: Set<EventKind> = [
    .incidentOpened, .incidentUpdated, .incidentState, .secretSealed, .keyDestroyed, .planSaved,
  ]

  /// Incidents that go on, each with those that are part of it.
  public private(set) var incidents: [IncidentID: IncidentCourse] = [:]
  /// Which incidents turned out to be one.
  public private(set) var merged = MergedIncidents()
  /// The runs that the worker carries out.
  public private(set) var workersRuns = WorkersRuns()
  /// What was opened since a person has last looked at a storm, and the storm that is held.
  public private(set) var storm = StormCourse()

  public init() {}

  /// What these events come to, in the journal's order: those of one incident for what is asked about that one alone.
  public init(of events: [JournalEvent]) {
    for event in events { take(event) }
  }

  /// The incident that `id` is part of now: itself unless it was merged.
  public func owner(of id: IncidentID) -> IncidentID { merged.owner(of: id) }

  /// The incident, or the one that it is part of; nil: nothing is known of it.
  public subscript(_ id: IncidentID) -> (id: IncidentID, course: IncidentCourse)? {
    let id = owner(of: id)
    return incidents[id].map { (id, $0) }
  }

  /// What an event changed: for those who follow the journal and keep something of their own.
  public struct Change: Sendable, Hashable {
    /// The incident that the event is about, after its merges; nil: it names none.
    public internal(set) var incident: IncidentID?
    /// Incidents that became part of it.
    public internal(set) var gone: [IncidentID] = []
    /// A leaked value that was not known before was sealed.
    public internal(set) var bringsValue = false
    /// Places that were not known before.
    public internal(set) var places: [IncidentReport.ReportedLocation] = []
  }

  /// Takes in the next event of the journal.
  @discardableResult
  public mutating func take(_ event: JournalEvent) -> Change {
    workersRuns.take(event)
    storm.take(event)
    guard let named = event.incident else { return Change() }
    let id = merged.owner(of: named)
    var change = Change(incident: id)
    guard Self.incidentKinds.contains(event.kind) else { return change }
    // Taken out while it changes: what it holds is not copied.
    var course = incidents.removeValue(forKey: id) ?? IncidentCourse()
    switch event.typed {
    case .incidentOpened(let report):
      course.note(opening: event, of: id)
      take(report, of: event, &course, &change, in: id)
    case .incidentUpdated(let report): take(report, of: event, &course, &change, in: id)
    case .incidentState(let state): course.note(state, event)
    case .secretSealed: change.bringsValue = course.note(value: event)
    case .keyDestroyed: course.values.take(event)
    case .planSaved: course.note(plan: event)
    default: break  // the kinds above say it all
    }
    incidents[id] = course
    return change
  }

  /// Openings that no window of the breaker reaches any more.
  public mutating func forgetOpenings(at now: Date) { storm.forget(at: now) }

  private mutating func take(
    _ report: IncidentReport, of event: JournalEvent, _ course: inout IncidentCourse, _ change: inout Change,
    in id: IncidentID
  ) {
    for other in report.merged {
      guard let from = merged.merge(other, into: id) else { continue }
      change.gone.append(from)
      course.join(incidents.removeValue(forKey: from), of: from)
    }
    change.places = course.note(report, event)
  }
}
