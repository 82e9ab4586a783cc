public import Capabilities
import Cryptography
public import Foundation
import GRDB
public import Incidents
import JSON
import Secrets

/// A message on its way to one tracker: durable before it is sent.
public struct OutboxEntry: Sendable, Hashable {
  public enum State: String, Sendable, Codable, CaseIterable {
    case pending
    /// Being sent now; after a crash it counts as `unknown`.
    case inflight
    case sent
    /// It may have arrived: look it up before sending again.
    case unknown
    /// Given up; a person decides.
    case dead
    /// A person decided that it need not arrive.
    case dropped
  }
  public let tracker: TrackerName
  public let message: TicketMessage
  public let state: State
  /// Sends so far.
  public let attempts: Int
  /// The earliest moment of the next one.
  public let next: Date
  /// The ticket that the tracker made.
  public let remote: TicketRef?
  /// Why it is dead or unknown.
  public let reason: String?

  /// A message whose id begins so is never replaced by a newer one: that a run has failed is not told by what is told next.
  public static let lasting = "lasting-"

  /// It should arrive and has not: counts in the status line.
  public var isUndelivered: Bool { state != .sent && state != .dropped }
}

extension Journal {
  /// Puts a message into the outbox and gives it its sequence, durably.
  ///
  /// A status update that nobody started to send is replaced by a newer one; every other message never is. One whose id begins
  /// with ``OutboxEntry/lasting`` neither is replaced nor replaces.
  /// Enqueueing the same message id again changes nothing: it is the idempotency key. The message carries the journal's
  /// head of this moment into the ticket (``compare(_:isDisputed:)``).
  public func enqueue(_ message: TicketMessage, to tracker: TrackerName, run: RunID? = nil)
    throws(JournalError)
    -> OutboxEntry
  {
    try writing("queue a message for \(tracker)") { db in
      if let row = try Row.fetchOne(db, sql: "SELECT * FROM outbox WHERE id = ?", arguments: [message.id]) {
        return try entry(row)
      }
      let incident = message.incident.rawValue
      if message.event == .updated, !message.id.hasPrefix(OutboxEntry.lasting) {
        let last = try Row.fetchOne(
          db, sql: "SELECT * FROM outbox WHERE tracker = ? AND incident = ? ORDER BY sequence DESC LIMIT 1",
          arguments: [tracker.rawValue, incident])
        if let last, last["event"] == TicketMessage.Event.updated.rawValue, last["state"] == "pending",
          last["attempts"] == 0, !(last["id"] as String).hasPrefix(OutboxEntry.lasting)
        {
          try note(try self.entry(last), as: "replaced", in: db, run: run)
          try db.execute(sql: "DELETE FROM outbox WHERE id = ?", arguments: [last["id"] as String])
        }
      }
      let sequence =
        try Int.fetchOne(
          db, sql: "SELECT coalesce(max(sequence), 0) + 1 FROM outbox WHERE tracker = ? AND incident = ?",
          arguments: [tracker.rawValue, incident]) ?? 1
      let keys = try requireKeys("queue a message for \(tracker)")
      let (last, hash) = try lastLink(db)
      let head = try JournalHead(
        journal: header.id, sequence: last, hash: hash, at: settings.now(), by: keys.identity)
      let text = try document(message.queued(as: sequence, head: head))
      try db.execute(
        sql: """
          INSERT INTO outbox (id, tracker, incident, event, sequence, message, payload_hash, state, attempts, next_at)
          VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', 0, ?)
          """,
        arguments: [
          message.id, tracker.rawValue, incident, message.event.rawValue, sequence, text,
          Hex.text(SHA256.hash(data: Data(text.utf8))), milliseconds(settings.now()),
        ])
      let entry = try entry(message.id, in: db)
      try note(entry, in: db, run: run)
      return entry
    }
  }

  /// The next message of `scope` that may be sent now, marked `inflight` durably: the oldest undelivered one of each
  /// tracker and incident (FIFO), never one behind an undelivered one. Nil when nothing is due.
  ///
  /// An `unknown` one comes back as `unknown` in ``OutboxEntry/state``: look it up first. So does one whose sender has
  /// not said for five minutes how it ended.
  ///
  /// - Parameter trackers: their messages are left.
  public func claimMessage(_ scope: DeliveryScope = .everything, passingOver trackers: Set<TrackerName> = [])
    throws(JournalError) -> OutboxEntry?
  {
    var id: String?
    var incident: String?
    switch scope {
    case .everything: break
    case .incident(let only): incident = only.rawValue
    case .message(let only): id = only
    }
    let (onlyID, onlyIncident) = (id, incident)
    return try writing("take a message from the outbox") { db in
      let now = milliseconds(settings.now())
      let passedOver = JSONValue.array(trackers.sorted().map { .string($0.rawValue) }).canonicalText
      let row = try Row.fetchOne(
        db,
        sql: """
          SELECT * FROM outbox AS mine WHERE state IN ('pending', 'unknown', 'inflight') AND next_at <= ?1
            AND (?2 IS NULL OR id = ?2) AND (?3 IS NULL OR incident = ?3)
            AND tracker NOT IN (SELECT value FROM json_each(?4))
            AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.tracker = mine.tracker
              AND earlier.incident = mine.incident AND earlier.sequence < mine.sequence
              AND earlier.state IN ('pending', 'inflight', 'unknown'))
          ORDER BY next_at, sequence LIMIT 1
          """, arguments: [now, onlyID, onlyIncident, passedOver])
      guard let row else { return nil }
      let claimed = try entry(row)
      try db.execute(
        sql: "UPDATE outbox SET state = 'inflight', attempts = attempts + 1, next_at = ? WHERE id = ?",
        arguments: [now + Self.senderLimit, claimed.message.id])
      return claimed
    }
  }

  /// Records how a claimed message ended.
  public func settle(
    _ id: String, as state: OutboxEntry.State, remote: TicketRef? = nil, reason: String? = nil,
    next: Date? = nil, run: RunID? = nil
  ) throws(JournalError) -> OutboxEntry {
    try writing("record the delivery of \(id)") { db in
      try db.execute(
        sql: """
          UPDATE outbox SET state = ?, dropped = ?, remote_id = coalesce(?, remote_id),
            remote_url = coalesce(?, remote_url), reason = ?, next_at = coalesce(?, next_at) WHERE id = ?
          """,
        arguments: [
          (state == .dropped ? OutboxEntry.State.dead : state).rawValue, state == .dropped, remote?.id,
          remote?.url, reason.map(settings.redactor.redact),
          next.map(milliseconds), id,
        ])
      let entry = try entry(id, in: db)
      try note(entry, in: db, run: run)
      return entry
    }
  }

  /// Makes undelivered messages due now, because a person asks for it. What was given up is looked up before it is sent
  /// again.
  ///
  /// - Parameter ids: only these; empty: all of them.
  public func makeDue(_ ids: [String] = []) throws(JournalError) {
    try writing("make messages due") { db in
      try db.execute(
        sql: """
          UPDATE outbox SET next_at = ?1, state = CASE state WHEN 'dead' THEN 'unknown' ELSE state END
          WHERE state IN ('pending', 'unknown', 'dead') AND NOT dropped
            AND (?2 OR id IN (SELECT value FROM json_each(?3)))
          """,
        arguments: [
          milliseconds(settings.now()), ids.isEmpty,
          JSONValue.array(ids.map { .string($0) }).canonicalText,
        ])
    }
  }

  /// After a crash: what was being sent is `unknown` now. Call it once, when no other process delivers.
  public func recoverOutbox() throws(JournalError) {
    try writing("recover the outbox") { db in
      try db.execute(
        sql:
          "UPDATE outbox SET state = 'unknown', reason = 'the sender stopped while sending', next_at = ? WHERE state = 'inflight'",
        arguments: [milliseconds(settings.now())])
    }
  }

  /// Messages, oldest first.
  public func outbox(incident: IncidentID? = nil, undelivered: Bool = false) throws(JournalError)
    -> [OutboxEntry]
  {
    try reading("read the outbox") { db in
      // A question for each: with one for all, SQLite uses no index.
      let undeliveredOnly = "state IN ('pending', 'inflight', 'unknown', 'dead')"
      let order = "ORDER BY incident, tracker, sequence"
      let rows =
        if let incident {
          try Row.fetchAll(
            db.cachedStatement(
              sql: "SELECT * FROM outbox WHERE incident = ?1 AND (NOT ?2 OR state <> 'sent') \(order)"),
            arguments: [incident.rawValue, undelivered])
        } else if undelivered {
          try Row.fetchAll(db, sql: "SELECT * FROM outbox WHERE \(undeliveredOnly) \(order)")
        } else {
          try Row.fetchAll(db, sql: "SELECT * FROM outbox \(order)")
        }
      return try rows.map { try entry($0) }.filter { !undelivered || $0.isUndelivered }
    }
  }

  /// The messages that were queued last, at most `limit`, oldest first: what a tracker was told lately.
  public func outbox(last limit: Int) throws(JournalError) -> [OutboxEntry] {
    try reading("read the outbox") { db in
      try Row.fetchAll(db, sql: "SELECT * FROM outbox ORDER BY rowid DESC LIMIT ?", arguments: [limit])
        .map { try entry($0) }.reversed()
    }
  }

  /// The message with this id; nil: it was never queued, or a newer one took its place.
  public func outboxEntry(_ id: String) throws(JournalError) -> OutboxEntry? {
    try reading("find the message \(id)") { db in
      try Row.fetchOne(db.cachedStatement(sql: "SELECT * FROM outbox WHERE id = ?"), arguments: [id])
        .map { try entry($0) }
    }
  }

  /// How many messages are in each state. ``OutboxEntry/State/dropped`` is counted apart from what was given up.
  public func outboxCounts() throws(JournalError) -> [OutboxEntry.State: Int] {
    try reading("count the outbox") { db in
      let rows = try Row.fetchAll(
        db, sql: "SELECT state, dropped, count(*) AS count FROM outbox GROUP BY state, dropped")
      var counts: [OutboxEntry.State: Int] = [:]
      for row in rows {
        guard let state = OutboxEntry.State(rawValue: row["state"]) else { continue }
        let isDropped: Bool = row["dropped"]
        counts[state == .dead && isDropped ? .dropped : state, default: 0] += row["count"]
      }
      return counts
    }
  }

  /// When the next try of any message is due; nil when none waits.
  ///
  /// - Parameter after: only what is due later than that.
  public func nextDelivery(after: Date = .distantPast) throws(JournalError) -> Date? {
    try reading("read the outbox") { db in
      let next = try Int.fetchOne(
        db.cachedStatement(
          sql: "SELECT min(next_at) FROM outbox WHERE state IN ('pending', 'unknown') AND next_at > ?"),
        arguments: [after == .distantPast ? Int.min : milliseconds(after)])
      return next.map { Date(timeIntervalSince1970: Double($0) / 1000) }
    }
  }

  /// Trackers for which ``claimMessage(_:passingOver:)`` would find a message now.
  public func trackersWithDueMessages() throws(JournalError) -> [TrackerName] {
    try reading("read the outbox") { db in
      try String.fetchAll(
        db.cachedStatement(
          sql: """
            SELECT DISTINCT tracker FROM outbox AS mine
            WHERE state IN ('pending', 'unknown', 'inflight') AND next_at <= ?
              AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.tracker = mine.tracker
                AND earlier.incident = mine.incident AND earlier.sequence < mine.sequence
                AND earlier.state IN ('pending', 'inflight', 'unknown'))
            """), arguments: [milliseconds(settings.now())]
      ).map { TrackerName($0) }.sorted()
    }
  }

  /// The ticket that an earlier message made at `tracker` for `incident`.
  public func ticket(of incident: IncidentID, at tracker: TrackerName) throws(JournalError) -> TicketRef? {
    try reading("find the ticket of \(incident)") { db in
      try Row.fetchOne(
        db,
        sql: """
          SELECT remote_id, remote_url FROM outbox WHERE tracker = ? AND incident = ? AND remote_id IS NOT NULL
          ORDER BY sequence LIMIT 1
          """, arguments: [tracker.rawValue, incident.rawValue]
      ).map { TicketRef(id: $0["remote_id"], url: $0["remote_url"]) }
    }
  }

  /// After so many milliseconds without a word the sender counts as gone.
  private static let senderLimit = 300_000

  private func milliseconds(_ date: Date) -> Int { Int((date.timeIntervalSince1970 * 1000).rounded(.up)) }

  private func document(_ message: TicketMessage) throws -> String {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Title and text are for people; ids, event and severity are read again.
    return settings.redactor.redact(
      document: try JSONValue(parsing: try encoder.encode(message), limits: .own)
    )
    .canonicalText
  }

  private func note(_ entry: OutboxEntry, as given: String? = nil, in db: Database, run: RunID?) throws {
    let word = given ?? (entry.state == .pending ? "queued" : entry.state.rawValue)
    var body: [String: JSONValue] = [
      "tracker": .string(entry.tracker.rawValue), "message_id": .string(entry.message.id),
      "sequence": .integer(entry.message.sequence), "state": .string(word),
      "attempt": .integer(entry.attempts),
      "event": .string(entry.message.event.rawValue),
    ]
    if let remote = entry.remote { body["remote"] = .string(remote.id) }
    _ = try extend(
      db, with: [NewEvent(.message, run: run, incident: entry.message.incident, .object(body))])
  }

  private func entry(_ id: String, in db: Database) throws -> OutboxEntry {
    guard let row = try Row.fetchOne(db, sql: "SELECT * FROM outbox WHERE id = ?", arguments: [id]) else {
      throw JournalError(
        .notFound, "find the message \(id)", because: "the outbox does not hold it",
        fix: "staunch ticket list")
    }
    return try entry(row)
  }

  private func entry(_ row: Row) throws -> OutboxEntry {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    let text: String = row["message"]
    let next: Int = row["next_at"]
    let remote: String? = row["remote_id"]
    guard var state = OutboxEntry.State(rawValue: row["state"]) else {
      throw JournalError(.corrupt, "read the outbox", because: "a message has an unknown state")
    }
    // A file of before version 2 that is only read has no such column.
    if state == .dead, row["dropped"] as Bool? == true { state = .dropped }
    return OutboxEntry(
      tracker: TrackerName(row["tracker"]),
      message: try decoder.decode(TicketMessage.self, from: Data(text.utf8)), state: state,
      attempts: row["attempts"], next: Date(timeIntervalSince1970: Double(next) / 1000),
      remote: remote.map { TicketRef(id: $0, url: row["remote_url"]) }, reason: row["reason"])
  }
}
