public import Chronicle
import Foundation
import GRDB
public import Incidents
import JSON

extension Journal {
  /// Events in order.
  ///
  /// - Parameters:
  ///   - after: only those behind this sequence; 0 for all.
  ///   - limit: at most this many.
  public func events(
    after sequence: Int = 0, run: RunID? = nil, incident: IncidentID? = nil, kinds: Set<EventKind> = [],
    limit: Int? = nil
  ) throws(JournalError) -> [JournalEvent] {
    var events: [JournalEvent] = []
    try forEachEvent(after: sequence, run: run, incident: incident, kinds: kinds, limit: limit) { event in
      events.append(event)
    }
    return events
  }

  /// Calls `body` for each event in order, holding one at a time: a long run does not have to fit in memory.
  public func forEachEvent(
    after sequence: Int = 0, run: RunID? = nil, incident: IncidentID? = nil, kinds: Set<EventKind> = [],
    limit: Int? = nil, _ body: (JournalEvent) throws -> Void
  ) throws(JournalError) {
    try reading("read the journal") { db in
      var conditions = ["seq > ?"]
      var arguments: StatementArguments = [sequence]
      if let run {
        conditions.append("run = ?")
        arguments += [run.rawValue]
      }
      if let incident {
        conditions.append("incident = ?")
        arguments += [incident.rawValue]
      }
      if !kinds.isEmpty {
        let words = kinds.map(\.rawValue).sorted()
        conditions.append("kind IN (\(words.map { _ in "?" }.joined(separator: ",")))")
        arguments += StatementArguments(words)
      }
      let sql = """
        SELECT seq, at, run, incident, kind, body, hash FROM events
        WHERE \(conditions.joined(separator: " AND ")) ORDER BY seq \(limit.map { "LIMIT \($0)" } ?? "")
        """
      let rows = try Row.fetchCursor(db, sql: sql, arguments: arguments)
      while let row = try rows.next() { try body(try JournalEvent(row)) }
    }
  }

  /// The record of the incident that `incident` is part of, with the events of all that were merged into it.
  public func record(of incident: IncidentID) throws(JournalError) -> IncidentRecord {
    let operation = "read the incident \(incident)"
    var merged = MergedIncidents()
    let merges = try reading(operation) { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT seq, at, run, incident, kind, body, hash FROM events
          WHERE kind = ? AND body LIKE '%"merged":%' ORDER BY seq
          """, arguments: [EventKind.incidentUpdated.rawValue]
      ).map { try JournalEvent($0) }
    }
    for event in merges {
      guard let into = event.incident else { continue }
      for other in event.mergedIncidents { merged.merge(other, into: into) }
    }
    let owner = merged.owner(of: incident)
    let parts = merged.gone.filter { merged.owner(of: $0) == owner }
    var events: [JournalEvent] = []
    for part in [owner] + parts { events += try self.events(incident: part) }
    events.sort { $0.sequence < $1.sequence }
    return IncidentRecord(of: owner, in: events)
  }

  /// Sequence and hash of the last event: what is posted to the ticket; (0, start of the chain) when empty.
  public func head() throws(JournalError) -> (sequence: Int, hash: String) {
    let link = try reading("read the journal's head") { db in try lastLink(db) }
    return (link.0, link.1)
  }

  /// Whether `question`, a SELECT of ours without arguments, finds a row.
  func holds(_ question: String) throws(JournalError) -> Bool {
    try reading("read the journal") { db in try Row.fetchOne(db, sql: question) != nil }
  }
}

extension JournalEvent {
  /// Columns: `seq, at, run, incident, kind, body, hash`.
  /// - Throws: `corrupt`.
  init(_ row: Row) throws {
    let sequence: Int = row[0]
    let text: String = row[5]
    do {
      guard let at = Timestamp.date(row[1]), let kind = EventKind(rawValue: row[4]) else {
        throw Unreadable()
      }
      let run: String? = row[2]
      let incident: String? = row[3]
      self.init(
        sequence: sequence, at: at, run: run.map { RunID($0) }, incident: incident.map { IncidentID($0) },
        kind: kind, body: try JSONValue(parsing: text, limits: .own), hash: row[6])
    } catch {
      throw JournalError(
        .corrupt, "read the journal", because: "event \(sequence) cannot be read",
        fix: "see what was changed: staunch journal verify")
    }
  }

  private struct Unreadable: Error {}
}
