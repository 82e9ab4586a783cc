public import Incidents
public import JSON

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
    let owner = owners(in: journal)
    var order: [IncidentID] = []
    var incidentOfRun: [RunID: IncidentID] = [:]
    for event in journal {
      guard let named = event.incident, let id = owner[named] else { continue }
      if event.kind == .incidentOpened, id == named { order.append(id) }
      if let run = event.run, incidentOfRun[run] == nil { incidentOfRun[run] = id }
    }
    var grouped: [IncidentID: [JournalEvent]] = [:]
    for event in journal {
      let id = event.incident.map { owner[$0] ?? $0 } ?? event.run.flatMap { incidentOfRun[$0] }
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

  /// For every incident that was opened, the one that it is part of now: itself unless it was merged.
  private static func owners(in journal: [JournalEvent]) -> [IncidentID: IncidentID] {
    var owner: [IncidentID: IncidentID] = [:]
    for event in journal {
      guard let id = event.incident else { continue }
      if event.kind == .incidentOpened, owner[id] == nil { owner[id] = id }
      if event.kind == .incidentUpdated, let merged = event.body["merged"]?.array {
        let into = owner[id] ?? id
        let names = Set(merged.compactMap { $0.string.map { IncidentID($0) } }).subtracting([into])
        for name in names where owner[name] == nil { owner[name] = into }
        for (key, value) in owner where names.contains(value) { owner[key] = into }
      }
    }
    return owner
  }

  /// The events of one kind.
  public func events(_ kind: EventKind) -> [JournalEvent] { events.filter { $0.kind == kind } }

  /// Its reports and every other word about it, in order.
  public var reports: [(event: JournalEvent, report: IncidentReport)] {
    events.compactMap { event in
      switch event.typed {
      case .incidentOpened(let report), .incidentUpdated(let report): (event, report)
      default: nil  // no word about what leaked, and where
      }
    }
  }

  /// True when any run of the incident is a drill: everything derived from it carries the mark.
  public var isDrill: Bool {
    events.contains { event in
      event.run?.rawValue.hasPrefix("DRILL-") == true
        || event.kind == .runStarted
          && (event.text("mode") == "drill" || event.body["drill"]?.boolean == true)
    }
  }

  /// The text of `member` in the last event that opened or updated the incident and has it.
  public func current(_ member: String) -> String? {
    events.last { ($0.kind == .incidentOpened || $0.kind == .incidentUpdated) && $0.text(member) != nil }?
      .text(member)
  }
}

extension JournalEvent {
  /// The text of a member of the body; names and handles without their tag (`{"$credential": "x"}` is `x`).
  public func text(_ member: String) -> String? {
    guard let value = body[member] else { return nil }
    if let text = value.string { return text }
    return value.untagged
  }

  /// A member of the body as one line for people, lists included; nil when it is absent.
  public func line(_ member: String) -> String? { body[member].map(\.readable) }

  /// What a verification found. A step's own `expect` is noted as `held`: the answer is the expected one.
  public var verifiedAnswer: String? {
    let result = text("result")
    return result == "held" ? text("expect") ?? result : result
  }

  /// The step that the event is about.
  public var step: StepID? { text("step").map { StepID($0) } }
  /// `credential.issue` …
  public var action: String? { text("action") }
  /// As whom somebody acted.
  public var role: RoleName? { text("role").map { RoleName($0) } }
  /// Why, in the words of whoever did it.
  public var reason: String? { text("reason") }
  /// The `for_each` item, from 0.
  public var item: Int? { body["item"]?.integer }
}

extension JournalEvent {
  /// The incidents that this event makes part of its own (`incident.updated`, member `merged`).
  public var mergedIncidents: [IncidentID] {
    (body["merged"]?.array ?? []).compactMap { $0.string.map { IncidentID($0) } }
  }
}
