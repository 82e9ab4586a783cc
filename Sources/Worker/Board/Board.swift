import Capabilities
import Chronicle
import Foundation
import Inbox
import Incidents
import JSON
import Journal
import Response
import Secrets

/// What the console shows, published into the exchange file: derived from the journal, redacted. After the first time, only
/// incidents about which something was journalled since are derived again.
final class Board {
  private let installation: Installation
  private let inbox: Inbox
  private let chronicle: FollowedChronicle
  private var summary = WorkSummary()
  private var news = News()

  /// What the journal said since the board was published.
  private struct News {
    var changed: Set<IncidentID> = []
    var planned: Set<IncidentID> = []
    /// Merged into another one.
    var gone: Set<IncidentID> = []
    /// A plan that belongs to no incident was saved.
    var hasFreePlan = false

    mutating func add(_ event: JournalEvent, _ change: Chronicle.Change) {
      guard let id = change.incident else {
        hasFreePlan = hasFreePlan || event.kind == .planSaved
        return
      }
      gone.formUnion(change.gone)
      changed.insert(id)
      if event.kind == .planSaved { planned.insert(id) }
    }
  }

  /// A secret may stand in tens of thousands of places; nobody reads more on a page, and the journal has them all.
  private static let shownPlaces = 500
  /// Of timeline and notes, the last ones.
  private static let shownRows = 1000
  /// Beyond, everything is read at once.
  private static let few = 64

  /// - Parameter chronicle: not looked at yet, so that the board hears of everything.
  init(installation: Installation, inbox: Inbox, chronicle: FollowedChronicle) {
    self.installation = installation
    self.inbox = inbox
    self.chronicle = chronicle
    chronicle.listen { [weak self] event, change in
      self?.summary.add(event)
      self?.news.add(event, change)
    }
  }

  func publish(now: Date) throws {
    let journal = installation.journal
    // Looked at once: what comes while it is published is news of the next time.
    let known = try chronicle.current()
    let changed = news.changed.subtracting(news.gone)
    let records = try records(of: changed, known)
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
    if news.hasFreePlan {
      for plan in try journal.plans() where plan.incident == nil {
        documents.append(("plan", plan.id.rawValue, plan.document))
      }
    }
    for id in news.planned {
      for member in Self.members(of: id, known) {
        for plan in try journal.plans(incident: member) {
          documents.append(("plan", plan.id.rawValue, plan.document))
        }
      }
    }
    var removed = news.gone.map { (kind: "incident", id: $0.rawValue) }
    for id in known.merged.gone { summary.standings[id] = nil }
    let outbox = try journal.outbox()
    documents.append(("outbox", "all", OutboxDocument.of(outbox)))
    documents.append(("summary", "all", summary.document(outbox: outbox)))
    if let storm = known.storm.held {
      documents.append(("storm", "current", Board.document(of: storm)))
    } else {
      removed.append(("storm", "current"))
    }
    try inbox.publish(
      documents.map { (kind: $0.kind, id: $0.id, document: redacted($0.document, kind: $0.kind)) },
      removing: removed
    )
    news = News()
  }

  /// Which incidents it is made of: itself and those merged into it.
  private static func members(of id: IncidentID, _ known: Chronicle) -> [IncidentID] {
    let members = known[id]?.course.members ?? []
    return members.isEmpty ? [id] : members
  }

  private func records(of changed: Set<IncidentID>, _ known: Chronicle) throws -> [IncidentRecord] {
    let journal = installation.journal
    guard changed.count <= Self.few else {
      return IncidentRecord.all(in: try journal.events()).filter { changed.contains($0.id) }
    }
    return try changed.sorted().map { id in
      var events: [JournalEvent] = []
      for member in Self.members(of: id, known) { events += try journal.events(incident: member) }
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
          "at": .string(Timestamp.text($0.at)), "text": .string(PersonsWord($0.body).words ?? ""),
          "role": PersonsWord($0.body).role.map { .string($0.rawValue) } ?? .null,
        ]
      }.suffix(Self.shownRows))
    let places = (record.events(.incidentOpened) + record.events(.incidentUpdated))
      .flatMap { IncidentReport($0.body).places }
    members["places"] = .array(places.prefix(Self.shownPlaces).map(\.body))
    members["places_count"] = .integer(places.count)
    members["locks"] = .array(
      locks.filter { $0.run == status.run?.id }.map {
        [
          "name": .string($0.name), "run": .string($0.run.rawValue),
          "owner": $0.owner.map { .string("\($0)") } ?? .null, "since": .string(Timestamp.text($0.since)),
        ]
      })
    IncidentFacts(installation: installation).add(to: &members, status, record)
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
      installation.voice.say("\(record.id): no page of the post-mortem: \(error.because)")
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
    let redactor = installation.redactor
    if kind == "plan", !redactor.holdsSecret(document: document) { return document }
    return redactor.redact(document: document)
  }
}
