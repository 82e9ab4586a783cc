import Foundation
import GRDB
import Incidents
import JSON

extension Inbox {
  /// The most rows that one call gives.
  public static let longestPage = 200

  /// A page of the list, by its number of rows before it.
  public func incidents(_ query: IncidentQuery, limit: Int, offset: Int) throws(InboxError) -> IncidentPage {
    try page(query, limit: limit, offset: offset, after: nil)
  }

  /// What comes behind `after`; from the beginning without it.
  /// - Throws: `invalid` when the cursor belongs to another order.
  public func incidents(_ query: IncidentQuery, limit: Int, after: IncidentCursor? = nil) throws(InboxError)
    -> IncidentPage
  {
    guard after.map({ $0.order == query.order }) ?? true else {
      throw InboxError(.invalid, "read the list of incidents", because: "the cursor belongs to another order")
    }
    return try page(query, limit: limit, offset: 0, after: after)
  }

  /// Every state at once. Cheap: an index holds it.
  public func incidentCounts() throws(InboxError) -> IncidentCounts {
    try reading("count the incidents") { db in
      var counts = IncidentCounts()
      let rows = try Row.fetchAll(
        db,
        sql:
          "SELECT place, count(*) AS n, sum(alive) AS alive, sum(asks) AS asks FROM incidents GROUP BY place")
      for row in rows {
        let number = try row.decode(Int.self, forColumn: "n")
        guard let state = IncidentQuery.State(rawValue: try row.decode(Int.self, forColumn: "place")) else {
          continue
        }
        switch state {
        case .open: counts.open = number
        case .contained: counts.contained = number
        case .closed: counts.closed = number
        }
        guard state != .closed else { continue }
        counts.alive += try row.decode(Int.self, forColumn: "alive")
        counts.asks += try row.decode(Int.self, forColumn: "asks")
      }
      return counts
    }
  }

  /// Kinds of credentials that leaked, by name; at most 200.
  public func incidentKinds() throws(InboxError) -> [String] {
    try reading("read the kinds") { db in
      try String.fetchAll(db, sql: "SELECT DISTINCT kind FROM incidents ORDER BY kind LIMIT 200")
    }
  }

  /// The version of one document; nil when there is none.
  public func version(kind: String, id: String) throws(InboxError) -> Int? {
    try reading("read the board") { db in
      try Int.fetchOne(
        db, sql: "SELECT version FROM board WHERE kind = ? AND id = ?", arguments: [kind, id])
    }
  }

  private func page(_ query: IncidentQuery, limit: Int, offset: Int, after: IncidentCursor?)
    throws(InboxError) -> IncidentPage
  {
    let limit = min(max(1, limit), Inbox.longestPage)
    let (condition, values) = query.condition
    let columns = query.order.columns
    let direction = query.order.isDescending ? " DESC" : ""
    var sql =
      "SELECT id, version, place, severity, detected, codename, summary FROM incidents WHERE \(condition)"
    var arguments = values
    if let after {
      let marks = columns.map { _ in "?" }.joined(separator: ", ")
      sql += " AND (\(columns.joined(separator: ", "))) \(query.order.isDescending ? "<" : ">") (\(marks))"
      arguments += after.databaseValues
    }
    sql += " ORDER BY " + columns.map { $0 + direction }.joined(separator: ", ") + " LIMIT ? OFFSET ?"
    // One more than asked for: then it is known whether another page comes.
    arguments += [(limit + 1).databaseValue, max(0, offset).databaseValue]
    return try reading("read the list of incidents") { db in
      let total =
        try Int.fetchOne(
          db, sql: "SELECT count(*) FROM incidents WHERE \(condition)", arguments: StatementArguments(values))
        ?? 0
      let rows = try Row.fetchAll(db, sql: sql, arguments: StatementArguments(arguments))
      let shown = rows.prefix(limit)
      let next = try rows.count > limit ? shown.last.map { try Inbox.cursor(at: $0, query.order) } : nil
      return IncidentPage(entries: try shown.map(Inbox.entry), total: total, next: next)
    }
  }

  private static func entry(_ row: Row) throws -> IncidentPage.Entry {
    let text = try row.decode(String.self, forColumn: "summary")
    let summary: JSONValue
    do { summary = try JSONValue(parsing: text, limits: .own) } catch {
      throw InboxError(.corrupt, "read the list of incidents", because: "a row is no JSON: \(error)")
    }
    return IncidentPage.Entry(
      id: try row.decode(String.self, forColumn: "id"),
      version: try row.decode(Int.self, forColumn: "version"),
      summary: summary)
  }

  private static func cursor(at row: Row, _ order: IncidentQuery.Order) throws -> IncidentCursor {
    let values = try order.columns.map { column -> JSONValue in
      column == "id" || column == "codename"
        ? .string(try row.decode(String.self, forColumn: column))
        : .integer(try row.decode(Int.self, forColumn: column))
    }
    return IncidentCursor(order: order, values: values)
  }
}

/// The row of the list beside an incident's document: written in the document's transaction, so that they cannot differ.
enum IncidentRow {
  /// What a list shows; the rest of a document can be a hundred times as long.
  private static let shown: Set<String> = [
    "id", "codename", "kind", "severity", "state", "drill", "detected", "contained", "unproven_values", "run",
    "plan", "step", "next", "undelivered", "places_count", "handle", "exposure", "assigned", "failed",
  ]
  /// Of lists within it, the first ones.
  private static let few = 8
  private static let longestWords = 4000
  private static let longestText = 400

  static func put(_ id: String, _ document: JSONValue, version: Int, in db: Database) throws {
    let state = document["state"]?.string.flatMap(IncidentQuery.State.init(word:)) ?? .open
    let severity = document["severity"]?.string.flatMap { Int($0.dropFirst(3)) } ?? 1
    let detected = document["detected"]?.string.flatMap(Timestamp.date) ?? .distantPast
    let credentials = document["credentials"]?.array ?? []
    let isAlive = credentials.contains {
      $0["subject"]?.string != "replacement" && $0["state"]?.string == "alive"
    }
    let plan = document["plan"]
    let waits = (document["waiting"]?.array ?? []).contains {
      ["approval", "manual", "decision"].contains($0["for"]?.string ?? "")
    }
    let isOpenPlan =
      plan?["id"]?.string != nil && plan?["approved"]?.boolean != true && plan?["obstacle"]?.string == nil
    try db.cachedStatement(
      sql: """
        INSERT OR REPLACE INTO incidents
          (id, version, place, severity, detected, codename, kind, alive, asks, assigned, words, summary)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
    ).execute(arguments: [
      id, version, state.rawValue, severity, Inbox.milliseconds(detected),
      document["codename"]?.string ?? id, document["kind"]?.string ?? "unknown", isAlive ? 1 : 0,
      state != .closed && (waits || isOpenPlan) ? 1 : 0, document["assigned"]?.string ?? "",
      words(id, document), summary(document).canonicalText,
    ])
  }

  /// In lower case, what a search looks in.
  private static func words(_ id: String, _ document: JSONValue) -> String {
    var words = [id] + ["codename", "kind", "handle", "assigned"].compactMap { document[$0]?.string }
    words += (document["credentials"]?.array ?? []).compactMap { $0["id"]?.string }
    for place in document["places"]?.array ?? [] {
      words += [place.string, place["repository"]?.string, place["path"]?.string].compactMap { $0 }
      if words.count > 200 { break }
    }
    var seen: Set<String> = []
    return String(
      words.filter { seen.insert($0).inserted }.joined(separator: "\n").lowercased().prefix(longestWords))
  }

  private static func summary(_ document: JSONValue) -> JSONValue {
    var members = (document.object ?? [:]).filter { shown.contains($0.key) }.mapValues(short)
    for name in ["credentials", "waiting"] {
      if let list = document[name]?.array { members[name] = .array(list.prefix(few).map(short)) }
    }
    if let steps = document["steps"]?.array {
      let over = steps.count { ["done", "skipped"].contains($0["state"]?.string ?? "") }
      members["progress"] = ["finished": .integer(over), "steps": .integer(steps.count)]
    }
    let places = document["places"]?.array ?? []
    var repositories: [String] = []
    for name in places.lazy.compactMap({ $0["repository"]?.string }) where !repositories.contains(name) {
      repositories.append(name)
      if repositories.count == few { break }
    }
    members["repositories"] = .array(repositories.map { short(.string($0)) })
    return .object(members)
  }

  private static func short(_ value: JSONValue) -> JSONValue {
    switch value {
    case .string(let text): .string(text.count > longestText ? text.prefix(longestText) + "…" : text)
    case .object(let members): .object(members.mapValues(short))
    case .array(let elements): .array(elements.prefix(few).map(short))
    case .null, .boolean, .integer, .number: value
    }
  }
}
