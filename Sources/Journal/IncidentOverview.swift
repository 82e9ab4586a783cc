public import Chronicle
import Foundation
import GRDB
import Incidents

/// What the first screen shows of many incidents.
public struct IncidentOverview: Sendable {
  /// The open ones, the most urgent first: by severity, then since when.
  public let urgent: [IncidentRecord]
  /// How many are open, those included.
  public let open: Int
  public let closed: Int
}

extension Journal {
  /// The most urgent open incidents, without reading the events of any other.
  ///
  /// - Returns: nil when the list of incidents does not fit the journal's last event (an earlier version wrote that, or
  ///   somebody changed the file): then every event must be read.
  public func overview(first limit: Int) throws(JournalError) -> IncidentOverview? {
    try reading("read the open incidents") { db in
      guard let counts = try IncidentList.counts(db, upTo: try lastLink(db).0) else { return nil }
      let ids = try String.fetchAll(
        db,
        sql: """
          SELECT id FROM incidents WHERE owner = id AND opened IS NOT NULL AND is_closed = 0
          ORDER BY severity, detected, opened LIMIT ?
          """, arguments: [limit])
      return IncidentOverview(
        urgent: try ids.map { try record(of: IncidentID($0), in: db) }, open: counts.open,
        closed: counts.closed)
    }
  }

  /// The events of an incident and of all that is part of it, and those of its runs that name none.
  private func record(of id: IncidentID, in db: Database) throws -> IncidentRecord {
    let parts = try String.fetchAll(
      db.cachedStatement(sql: "SELECT id FROM incidents WHERE owner = ?"), arguments: [id.rawValue])
    var events: [JournalEvent] = []
    for part in parts { events += try rows(in: db, "incident = ?", part) }
    let owned = Set(parts)
    for run in Set(events.compactMap(\.run)) {
      let first = try String.fetchOne(
        db.cachedStatement(
          sql: "SELECT incident FROM events WHERE run = ? AND incident IS NOT NULL ORDER BY seq LIMIT 1"),
        arguments: [run.rawValue])
      guard let first, owned.contains(first) else { continue }
      events += try rows(in: db, "run = ? AND incident IS NULL", run.rawValue)
    }
    return IncidentRecord(of: id, in: events.sorted { $0.sequence < $1.sequence })
  }

  private func rows(in db: Database, _ condition: String, _ name: String) throws -> [JournalEvent] {
    let statement = try db.cachedStatement(
      sql: "SELECT seq, at, run, incident, kind, body, hash FROM events WHERE \(condition)")
    return try Row.fetchAll(statement, arguments: [name]).map { try JournalEvent($0) }
  }
}
