import Capabilities
import Chronicle
import Foundation
import Inbox
import Incidents
import JSON
import Journal
import Secrets

/// What the console shows, published into the exchange file: derived from the journal, redacted. After the first time, only
/// incidents about which something was journalled since are derived again.
final class Board {
  private let installation: Installation
  private let inbox: Inbox
  private var seen = 0
  private var summary = WorkSummary()
  /// Which incidents each one is made of: itself and those merged into it.
  private var members: [IncidentID: Set<IncidentID>] = [:]
  private var merged = MergedIncidents()

  /// A secret may stand in tens of thousands of places; nobody reads more on a page, and the journal has them all.
  private static let shownPlaces = 500
  /// Of timeline and notes, the last ones.
  private static let shownRows = 1000
  /// Beyond, everything is read at once.
  private static let few = 64

  private let storm: Storm

  init(installation: Installation, inbox: Inbox, storm: Storm) {
    self.installation = installation
    self.inbox = inbox
    self.storm = storm
  }

  func publish(now: Date) throws {
    let journal = installation.journal
    let head = try journal.head().sequence
    var changed: Set<IncidentID> = []
    var planned: Set<IncidentID> = []
    // Merged into another one since the last look.
    var gone: Set<IncidentID> = []
    // Plans that belong to no incident.
    var hasFreePlan = false
    try journal.forEachEvent(after: seen) { event in
      summary.add(event)
      guard let named = event.incident else {
        hasFreePlan = hasFreePlan || event.kind == .planSaved
        return
      }
      if event.kind == .incidentOpened { members[named, default: []].insert(named) }
      let id = merged.owner(of: named)
      for other in event.mergedIncidents {
        guard let from = merged.merge(other, into: id) else { continue }
        members[id, default: [id]].formUnion(members.removeValue(forKey: from) ?? [from])
        gone.insert(from)
      }
      changed.insert(id)
      if event.kind == .planSaved { planned.insert(id) }
    }
    changed.subtract(gone)
    let records = try records(of: changed)
    let locks = changed.isEmpty ? [] : try journal.locks()
    var documents: [(kind: String, id: String, document: JSONValue)] = []
    for record in records where !record.events.isEmpty {
      let status = IncidentStatus(of: record, now: now)
      summary.standings[record.id] = WorkSummary.Standing(
        state: status.state.rawValue, severity: status.severity.rawValue, run: status.run?.state.rawValue)
      documents.append(("incident", record.id.rawValue, incident(status, record, locks)))
      if let document = postMortem(of: record) {
        documents.append(("postmortem", record.id.rawValue, document))
      }
    }
    if hasFreePlan {
      for plan in try journal.plans() where plan.incident == nil {
        documents.append(("plan", plan.id.rawValue, plan.document))
      }
    }
    for id in planned {
      for member in members[merged.owner(of: id)] ?? [id] {
        for plan in try journal.plans(incident: member) {
          documents.append(("plan", plan.id.rawValue, plan.document))
        }
      }
    }
    var removed = gone.map { (kind: "incident", id: $0.rawValue) }
    for id in merged.gone { summary.standings[id] = nil }
    let outbox = try journal.outbox()
    documents.append(("outbox", "all", TicketList.document(outbox)))
    documents.append(("summary", "all", summary.document(outbox: outbox)))
    if let storm = try storm.current() {
      documents.append(("storm", "current", Board.document(of: storm)))
    } else {
      removed.append(("storm", "current"))
    }
    try inbox.publish(
      documents.map { (kind: $0.kind, id: $0.id, document: redacted($0.document, kind: $0.kind)) },
      removing: removed
    )
    seen = head
  }

  private func records(of changed: Set<IncidentID>) throws -> [IncidentRecord] {
    let journal = installation.journal
    guard changed.count <= Self.few else {
      return IncidentRecord.all(in: try journal.events()).filter { changed.contains($0.id) }
    }
    return try changed.sorted().map { id in
      var events: [JournalEvent] = []
      for member in members[id] ?? [id] { events += try journal.events(incident: member) }
      return IncidentRecord(of: id, in: events.sorted { $0.sequence < $1.sequence })
    }
  }

  private func incident(_ status: IncidentStatus, _ record: IncidentRecord, _ locks: [HeldLock]) -> JSONValue
  {
    var members = status.json.object ?? [:]
    // It changes with every look; the reader takes the time from `detected`.
    members["since_detection_ms"] = nil
    members["timeline"] = .array(
      Timeline(of: record, repositories: []).rows.map {
        ["at": .string(Timestamp.text($0.at)), "text": .string($0.text)]
      }.suffix(Self.shownRows))
    members["notes"] = .array(
      record.events(.noted).map {
        [
          "at": .string(Timestamp.text($0.at)), "text": $0.body["text"] ?? "",
          "role": $0.body["role"] ?? .null,
        ]
      }.suffix(Self.shownRows))
    let places = (record.events(.incidentOpened) + record.events(.incidentUpdated))
      .flatMap { $0.body["locations"]?.array ?? [] }
    members["places"] = .array(Array(places.prefix(Self.shownPlaces)))
    members["places_count"] = .integer(places.count)
    members["locks"] = .array(
      locks.filter { $0.run == status.run?.id }.map {
        [
          "name": .string($0.name), "run": .string($0.run.rawValue),
          "owner": $0.owner.map { .string("\($0)") } ?? .null, "since": .string(Timestamp.text($0.since)),
        ]
      })
    return .object(members)
  }

  /// The draft that a run or a person has written; nil while there is none.
  private func postMortem(of record: IncidentRecord) -> JSONValue? {
    let writer = installation.postMortems
    var document: [String: JSONValue] = [:]
    do {
      guard let markdown = try writer.earlier(at: writer.path(of: record.id))?.text else { return nil }
      document["markdown"] = .string(markdown)
      document["html"] = .string(try writer.page(record.id, document: markdown))
    } catch {
      // The text itself is there; a marker that a person has lost must not keep it from the console.
      installation.assembly.console.say("\(record.id): no page of the post-mortem: \(error.because)")
    }
    return document.isEmpty ? nil : .object(document)
  }

  private static func document(of storm: StormCourse.Held) -> JSONValue {
    [
      "id": .string(storm.id), "reason": .string(storm.reason), "since": .string(Timestamp.text(storm.since)),
      "text": .string("\(storm.incidents) new incidents: \(storm.reason). Nothing starts by itself."),
    ]
  }

  /// A plan stays as it is, for its digest is signed; what would hold a secret is not shown as it is all the same.
  private func redacted(_ document: JSONValue, kind: String) -> JSONValue {
    let redactor = installation.assembly.redactor
    if kind == "plan", !redactor.holdsSecret(document: document) { return document }
    return redactor.redact(document: document)
  }
}
