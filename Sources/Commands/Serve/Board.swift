import Secrets
import Foundation
import Incidents
import Inbox
import JSON
import Journal

/// What the console shows, published into the exchange file: derived from the journal, redacted, only what changed.
struct Board {
  let installation: Installation
  let inbox: Inbox

  func publish(now: Date) throws {
    let journal = installation.journal
    let events = try journal.events()
    let locks = try journal.locks()
    let records = IncidentRecord.all(in: events)
    var documents: [(kind: String, id: String, document: JSONValue)] = []
    let statuses = IncidentStatus.derive(events: events, now: now)
    for status in statuses {
      var members = status.json.object ?? [:]
      // It changes with every look; the reader takes the time from `detected`.
      members["since_detection_ms"] = nil
      if let record = records.first(where: { $0.id == status.id }) {
        members["timeline"] = .array(
          Timeline(of: record, repositories: []).rows.map {
            ["at": .string(Timestamp.text($0.at)), "text": .string($0.text)]
          })
      }
      members["notes"] = .array(
        events.filter { $0.kind == .noted && $0.incident == status.id }.map {
          [
            "at": .string(Timestamp.text($0.at)), "text": $0.body["text"] ?? "",
            "role": $0.body["role"] ?? .null,
          ]
        })
      members["places"] = .array(
        events.filter { [.incidentOpened, .incidentUpdated].contains($0.kind) && $0.incident == status.id }
          .flatMap { $0.body["locations"]?.array ?? [] })
      members["locks"] = .array(
        locks.filter { $0.run == status.run?.id }.map {
          [
            "name": .string($0.name), "run": .string($0.run.rawValue),
            "owner": $0.owner.map { .string("\($0)") } ?? .null, "since": .string(Timestamp.text($0.since)),
          ]
        })
      documents.append(("incident", status.id.rawValue, .object(members)))
    }
    for plan in try journal.plans() { documents.append(("plan", plan.id.rawValue, plan.document)) }
    documents.append(("outbox", "all", TicketList.document(try journal.outbox())))
    documents.append(("summary", "all", summary(statuses, outbox: try journal.outbox())))
    var removed: [(kind: String, id: String)] = []
    if let reason = try Storm(journal: journal, configuration: installation.configuration).held() {
      documents.append(("storm", "current", ["reason": .string(reason)]))
    } else {
      removed.append(("storm", "current"))
    }
    try inbox.publish(
      try documents.map { (kind: $0.kind, id: $0.id, document: try redacted($0.document)) }, removing: removed
    )
  }

  /// Counts for the endpoint's metrics.
  private func summary(_ statuses: [IncidentStatus], outbox: [OutboxEntry]) -> JSONValue {
    func counts(_ words: [String]) -> JSONValue {
      .object(Dictionary(words.map { ($0, 1) }, uniquingKeysWith: +).mapValues { .integer($0) })
    }
    return [
      "incidents_by_state": counts(statuses.map(\.state.rawValue)),
      "incidents_by_severity": counts(statuses.map(\.severity.rawValue)),
      "runs_by_state": counts(statuses.compactMap { $0.run?.state.rawValue }),
      "outbox_by_state": counts(outbox.map(\.state.rawValue)),
    ]
  }

  private func redacted(_ document: JSONValue) throws -> JSONValue {
    try JSONValue(parsing: installation.assembly.redactor.redact(document.canonicalText))
  }
}
