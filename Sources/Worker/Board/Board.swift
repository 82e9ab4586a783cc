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

    init(changed: Set<IncidentID> = [], planned: Set<IncidentID> = []) {
      self.changed = changed
      self.planned = planned
    }

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
  /// Messages that have arrived: the last ones. All others are shown.
  private static let shownMessages = 200
  private static let shownWaiting = 1000
  /// Incidents of one commit.
  private static let most = 500

  /// Incidents that could not be derived, for example because an event of theirs cannot be read.
  private var troubles = Troubles<IncidentID>(first: 60, longest: 3600)

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

  /// Publishes what is new, at most ``most`` incidents of it in one commit: the endpoint writes to the same file.
  ///
  /// - Returns: true when there is more.
  func publish(now: Date) throws -> Bool {
    let journal = installation.journal
    // Looked at once: what comes while it is published is news of the next time.
    let known = try chronicle.current()
    for id in known.merged.gone { summary.standings[id] = nil }
    let all = news.changed.union(troubles.due(at: now)).subtracting(news.gone).sorted()
    let changed = all.prefix(Self.most)
    let planned = Set(news.planned.map { known.owner(of: $0) })
    let locks = changed.isEmpty ? [] : try journal.locks()
    var documents: [Document] = []
    for id in changed {
      let hasPlan = planned.contains(id) || troubles.isDue(id, at: now)
      try attempt(id, at: now) {
        documents += try self.documents(of: id, known, locks, withPlans: hasPlan, now: now)
      }
    }
    if news.hasFreePlan {
      for plan in try journal.plans() where plan.incident == nil {
        documents.append((kind: "plan", id: plan.id.rawValue, document: plan.document))
      }
    }
    documents.append((kind: "outbox", id: "all", document: try outbox()))
    documents.append(
      (kind: "summary", id: "all", document: summary.document(messages: try journal.outboxCounts())))
    var removed = news.gone.map { (kind: "incident", id: $0.rawValue) }
    if let storm = known.storm.held {
      documents.append((kind: "storm", id: "current", document: StormDocument.of(storm, known)))
    } else {
      removed.append((kind: "storm", id: "current"))
    }
    if let released = known.storm.released {
      documents.append((kind: "storm", id: "released", document: StormDocument.of(released, known)))
    }
    try inbox.publish(
      documents.map { (kind: $0.kind, id: $0.id, document: redacted($0.document, kind: $0.kind)) },
      removing: removed
    )
    let rest = Set(all.dropFirst(Self.most))
    news = News(changed: rest, planned: planned.intersection(rest))
    return !rest.isEmpty
  }

  private typealias Document = (kind: String, id: String, document: JSONValue)

  /// What has not arrived, and the last of what has.
  private func outbox() throws -> JSONValue {
    let waiting = try installation.journal.outbox(undelivered: true)
    let last = try installation.journal.outbox(last: Self.shownMessages).filter { !$0.isUndelivered }
    var document = OutboxDocument.of(waiting.prefix(Self.shownWaiting) + last).object ?? [:]
    document["undelivered"] = .integer(waiting.count)
    return .object(document)
  }

  /// Which incidents it is made of: itself and those merged into it.
  private static func members(of id: IncidentID, _ known: Chronicle) -> [IncidentID] {
    let members = known[id]?.course.members ?? []
    return members.isEmpty ? [id] : members
  }

  /// Trouble with one incident is said, and the board shows the others; that one is tried again later.
  private func attempt(_ id: IncidentID, at now: Date, _ derive: () throws -> Void) throws {
    do {
      try derive()
      troubles.clear(id)
    } catch let error as JournalError where error.isOfWholeJournal {
      throw error
    } catch {
      let words = installation.voice.words(for: error)
      if troubles.note(id, "\(words.what): \(words.because)", at: now) {
        installation.voice.say("\(id): the board does not show what is new of it:")
        installation.voice.tell(error)
      }
    }
  }

  /// When an incident that could not be derived is tried again.
  func due(after now: Date) -> Date? { troubles.next(after: now) }

  private func documents(
    of id: IncidentID, _ known: Chronicle, _ locks: [HeldLock], withPlans: Bool, now: Date
  ) throws -> [Document] {
    let journal = installation.journal
    let members = Self.members(of: id, known)
    var events: [JournalEvent] = []
    for member in members { events += try journal.events(incident: member) }
    let record = IncidentRecord(of: id, in: events.sorted { $0.sequence < $1.sequence })
    let plans = withPlans ? try members.flatMap { try journal.plans(incident: $0) } : []
    var documents = plans.map { plan -> Document in
      (kind: "plan", id: plan.id.rawValue, document: plan.document)
    }
    guard !record.events.isEmpty else { return documents }
    let status = IncidentStatus(of: record, now: now)
    summary.standings[record.id] = WorkSummary.Standing(
      state: status.state.rawValue, severity: status.severity.rawValue, run: status.run?.state.rawValue)
    documents.append(
      (kind: "incident", id: record.id.rawValue, document: incident(status, record, locks)))
    if let document = postMortem(of: record) {
      documents.append((kind: "postmortem", id: record.id.rawValue, document: document))
    }
    return documents
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

  /// A plan stays as it is, for its digest is signed; what would hold a secret is not shown as it is all the same.
  private func redacted(_ document: JSONValue, kind: String) -> JSONValue {
    let redactor = installation.redactor
    if kind == "plan", !redactor.holdsSecret(document: document) { return document }
    return redactor.redact(document: document)
  }
}
