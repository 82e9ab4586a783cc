import Chronicle
import Foundation
import GRDB
import Incidents

// The list in the database: table `incidents`, and `listed` in the head.
extension IncidentList {
  /// How many incidents are open and closed; nil when the table does not go up to event `sequence`, or does not know of every
  /// opening.
  static func counts(_ db: Database, upTo sequence: Int) throws -> (open: Int, closed: Int)? {
    // A journal of an earlier version, opened for reading.
    guard try db.tableExists("incidents"), try isListed(db, upTo: sequence) else { return nil }
    let opened = try Int.fetchOne(
      db, sql: "SELECT count(*) FROM events WHERE kind = ?", arguments: [EventKind.incidentOpened.rawValue])
    let row = try Row.fetchOne(
      db,
      sql: """
        SELECT coalesce(sum(openings), 0), coalesce(sum(listed AND NOT is_closed), 0),
          coalesce(sum(listed AND is_closed), 0)
        FROM (SELECT openings, is_closed, owner = id AND opened IS NOT NULL AS listed FROM incidents)
        """)
    guard let row else { return nil }
    let (counted, open, closed): (Int, Int, Int) = (row[0], row[1], row[2])
    return counted == opened ? (open: open, closed: closed) : nil
  }

  /// Whether the head says so.
  static func isListed(_ db: Database, upTo sequence: Int) throws -> Bool {
    guard let row = try Row.fetchOne(db.cachedStatement(sql: "SELECT listed FROM head")) else {
      return sequence == 0
    }
    let listed: Int? = row[0]
    return listed == sequence
  }

  /// The incident that `id` is part of, and all that are part of it; nil when the table does not go up to event `sequence`.
  static func parts(of id: IncidentID, in db: Database, upTo sequence: Int) throws -> (
    owner: IncidentID, all: Set<IncidentID>
  )? {
    // A journal of an earlier version, opened for reading.
    guard try db.tableExists("incidents"), try isListed(db, upTo: sequence) else { return nil }
    let kept = try String.fetchOne(
      db.cachedStatement(sql: "SELECT owner FROM incidents WHERE id = ?"), arguments: [id.rawValue])
    let owner = kept ?? id.rawValue
    let parts = try String.fetchAll(
      db.cachedStatement(sql: "SELECT id FROM incidents WHERE owner = ?"), arguments: [owner])
    return (IncidentID(owner), Set((parts + [owner]).map { IncidentID($0) }))
  }

  /// Takes events in that were just appended.
  static func follow(_ events: [JournalEvent], in db: Database) throws {
    let own = events.filter { $0.incident != nil && kinds.contains($0.kind) }
    guard !own.isEmpty else { return }
    var list = try IncidentList(around: own, in: db)
    for event in own { list.take(event) }
    try list.save(in: db)
  }

  /// Makes the table anew from the events.
  static func remake(in db: Database) throws {
    let list = try IncidentList(ofEventsIn: db)
    try db.execute(sql: "DELETE FROM incidents")
    try list.save(in: db)
  }

  /// Whether the table says what the events say. Reads all of both.
  static func fits(_ db: Database) throws -> Bool {
    var kept = IncidentList()
    let rows = try Row.fetchCursor(db, sql: "SELECT * FROM incidents")
    while let row = try rows.next() { kept.set(IncidentID(row["id"]), Entry(row)) }
    return try kept.entries == IncidentList(ofEventsIn: db).entries
  }

  private init(ofEventsIn db: Database) throws {
    self.init()
    let words = Self.kinds.map(\.rawValue).sorted()
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT seq, at, run, incident, kind, body, hash FROM events
        WHERE kind IN (\(words.map { _ in "?" }.joined(separator: ","))) ORDER BY seq
        """, arguments: StatementArguments(words))
    while let row = try rows.next() { take(try JournalEvent(row)) }
  }

  private init(around events: [JournalEvent], in db: Database) throws {
    self.init()
    let named = Set(events.compactMap(\.incident) + events.flatMap(\.mergedIncidents))
    for id in named { try load(id, in: db) }
    for id in Set(entries.values.map(\.owner)) { try load(id, in: db) }
    for id in Array(entries.keys) {
      let parts = try String.fetchAll(
        db.cachedStatement(sql: "SELECT id FROM incidents WHERE owner = ? AND owner <> id"),
        arguments: [id.rawValue])
      for part in parts { try load(IncidentID(part), in: db) }
    }
  }

  private mutating func load(_ id: IncidentID, in db: Database) throws {
    let statement = try db.cachedStatement(
      sql: """
        SELECT owner, opened, first, detected, openings, severity, severity_from, is_closed, state_from
        FROM incidents WHERE id = ?
        """)
    guard let row = try Row.fetchOne(statement, arguments: [id.rawValue]) else { return }
    set(id, Entry(row))
  }

  private func save(in db: Database) throws {
    let statement = try db.cachedStatement(
      sql: """
        INSERT OR REPLACE INTO incidents
        (id, owner, opened, first, detected, openings, severity, severity_from, is_closed, state_from)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """)
    for (id, entry) in entries {
      try statement.execute(arguments: [
        id.rawValue, entry.owner.rawValue, entry.opened, entry.first, entry.detected, entry.openings,
        entry.severity.rawValue, entry.severityFrom, entry.isClosed, entry.stateFrom,
      ])
    }
  }
}

extension IncidentList.Entry {
  fileprivate init(_ row: Row) {
    self.init(owner: IncidentID(row["owner"]))
    opened = row["opened"]
    first = row["first"]
    detected = row["detected"]
    openings = row["openings"]
    severity = Severity(rawValue: row["severity"]) ?? .sev1
    severityFrom = row["severity_from"]
    isClosed = row["is_closed"]
    stateFrom = row["state_from"]
  }
}
