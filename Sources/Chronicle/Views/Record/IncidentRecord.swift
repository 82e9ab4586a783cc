public import Incidents
import JSON

/// The events of one incident, in the journal's order: what timeline, metrics, status and post-mortem are derived from.
///
/// An event belongs to an incident when it names it, or names an incident merged into it, or names none but happened in
/// one of its runs.
public struct IncidentRecord: Sendable, Hashable {
  public let id: IncidentID
  public let events: [JournalEvent]
  /// The journal's last event when the record was taken, of whatever incident: nil in an empty journal.
  public let head: JournalEvent?

  /// The record of `id`; without events when the journal knows no such incident.
  public init(of id: IncidentID, in journal: [JournalEvent]) {
    self =
      IncidentRecord.all(in: journal).first { $0.id == id }
      ?? IncidentRecord(id: id, events: [], head: journal.last)
  }

  /// One record per incident that was opened, in the order of opening; merged ones are part of the one they merged into.
  public static func all(in journal: [JournalEvent]) -> [IncidentRecord] {
    let merged = MergedIncidents(in: journal)
    var order: [IncidentID] = []
    var incidentOfRun: [RunID: IncidentID] = [:]
    for event in journal {
      guard let named = event.incident else { continue }
      let id = merged.owner(of: named)
      if event.kind == .incidentOpened, id == named { order.append(id) }
      if let run = event.run, incidentOfRun[run] == nil { incidentOfRun[run] = id }
    }
    var grouped: [IncidentID: [JournalEvent]] = [:]
    for event in journal {
      let id = event.incident.map { merged.owner(of: $0) } ?? event.run.flatMap { incidentOfRun[$0] }
      if let id { grouped[id, default: []].append(event) }
    }
    var seen: Set<IncidentID> = []
    return order.filter { seen.insert($0).inserted }
      .map { IncidentRecord(id: $0, events: grouped[$0] ?? [], head: journal.last) }
  }

  private init(id: IncidentID, events: [JournalEvent], head: JournalEvent?) {
    self.id = id
    self.events = events
    self.head = head
  }

  /// The events of one kind.
  public func events(_ kind: EventKind) -> [JournalEvent] { events.filter { $0.kind == kind } }

  /// Its reports and every other word about it, in order.
  public var reports: [(event: JournalEvent, report: IncidentReport)] {
    events.compactMap { event in
      switch event.typed {
      case .incidentOpened(let report), .incidentUpdated(let report): return (event: event, report: report)
      default: return nil  // no word about what leaked, and where
      }
    }
  }

  /// True when any run of the incident is a drill: everything derived from it carries the mark.
  public var isDrill: Bool {
    events.contains { event in
      if case .runStarted(let start) = event.typed, start.isDrill { return true }
      return event.run?.rawValue.hasPrefix("DRILL-") == true
    }
  }
}

extension JournalEvent {
  /// The step that the event is about.
  public var step: StepID? { typed.step }
  /// The `for_each` item, from 0.
  public var item: Int? { typed.item }
  /// `credential.issue` …
  public var action: String? { body["action"]?.string }
  /// As whom somebody acted.
  public var role: RoleName? { body["role"]?.string.map { RoleName($0) } }
  /// Why, in the words of whoever did it.
  public var reason: String? { body["reason"]?.string }
}

extension JournalEvent {
  /// The incidents that this event makes part of its own.
  public var mergedIncidents: [IncidentID] {
    if case .incidentUpdated(let report) = typed { report.merged } else { [] }
  }
}

extension MergedIncidents {
  /// Which incidents of `journal` turned out to be one, by these events.
  public init(in journal: [JournalEvent]) {
    self.init()
    for event in journal {
      guard let id = event.incident else { continue }
      for other in event.mergedIncidents { merge(other, into: id) }
    }
  }
}
