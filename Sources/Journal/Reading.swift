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
  ///
  /// - Parameter passingOver: hears of an event that cannot be read, by its number and its incident, and the reading goes on;
  ///   nil: such an event ends the reading with an error.
  public func forEachEvent(
    after sequence: Int = 0, run: RunID? = nil, incident: IncidentID? = nil, kinds: Set<EventKind> = [],
    limit: Int? = nil, passingOver: ((Int, IncidentID?) -> Void)? = nil,
    _ body: (JournalEvent) throws -> Void
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
      while let row = try rows.next() {
        let event: JournalEvent
        do { event = try JournalEvent(row) } catch {
          guard let passingOver else { throw error }
          let named: String? = row[3]
          passingOver(row[0], named.map { IncidentID($0) })
          continue
        }
        try body(event)
      }
    }
  }

  /// The record of the incident that `incident` is part of, with the events of all that were merged into it.
  ///
  /// Reads the events of that incident alone, however many others the journal holds, where the list of incidents goes up to the
  /// last event and says what these events say.
  public func record(of incident: IncidentID) throws(JournalError) -> IncidentRecord {
    try reading("read the incident \(incident)") { db in
      if let parts = try IncidentList.parts(of: incident, in: db, upTo: try lastLink(db).0) {
        let events = try events(ofAll: parts.all, in: db)
        let merged = MergedIncidents(in: events)
        let isWhole = events.allSatisfy { Set($0.mergedIncidents).isSubset(of: parts.all) }
        // The list is a summary: where it says something else than the events, they are read.
        if isWhole, parts.all.allSatisfy({ merged.owner(of: $0) == parts.owner }) {
          return IncidentRecord(of: parts.owner, in: events)
        }
      }
      let merged = MergedIncidents(in: try merges(in: db))
      let owner = merged.owner(of: incident)
      let parts = Set([owner] + merged.gone.filter { merged.owner(of: $0) == owner })
      return IncidentRecord(of: owner, in: try events(ofAll: parts, in: db))
    }
  }

  /// In the journal's order.
  private func events(ofAll incidents: Set<IncidentID>, in db: Database) throws -> [JournalEvent] {
    let statement = try db.cachedStatement(
      sql: "SELECT seq, at, run, incident, kind, body, hash FROM events WHERE incident = ? ORDER BY seq")
    var events: [JournalEvent] = []
    for incident in incidents {
      events += try Row.fetchAll(statement, arguments: [incident.rawValue]).map { try JournalEvent($0) }
    }
    return incidents.count > 1 ? events.sorted { $0.sequence < $1.sequence } : events
  }

  /// Every event that says which incidents are one.
  private func merges(in db: Database) throws -> [JournalEvent] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT seq, at, run, incident, kind, body, hash FROM events
        WHERE kind = ? AND body LIKE '%"merged":%' ORDER BY seq
        """, arguments: [EventKind.incidentUpdated.rawValue]
    ).map { try JournalEvent($0) }
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
