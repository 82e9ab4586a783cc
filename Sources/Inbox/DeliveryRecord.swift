public import Foundation
import GRDB

/// A delivery without its body: what came, when, and what became of it.
public struct DeliveryRecord: Sendable, Hashable {
  public enum State: String, Sendable, CaseIterable { case pending, done, failed }
  public let sequence: Int
  public let route: String
  public let source: String
  public let id: String
  public let event: String?
  public let contentType: String?
  public let receivedAt: Date
  public let state: State
  /// One line of the worker's; nil while it waits.
  public let outcome: String?
  /// Whether the body is still there, so that it can be taken in again.
  public let hasBody: Bool
}

/// What became of ``Inbox/replay(_:)``.
public enum Replay: Sendable, Hashable {
  /// It waits for the worker again.
  case waits
  /// It waited already.
  case waited
  /// The body was removed when it was taken in: only its sender can send it again.
  case bodyIsGone
  case unknown
}

extension Inbox {
  /// The last deliveries, the newest first; a row whose columns are of other types is left out: the endpoint writes them.
  public func deliveries(_ state: DeliveryRecord.State? = nil, limit: Int) throws(InboxError)
    -> [DeliveryRecord]
  {
    try records(
      state == nil ? "1" : "state = ?", state.map { [$0.rawValue.databaseValue] } ?? [], limit: limit)
  }

  /// One delivery; nil when there is none of this number.
  public func delivery(_ sequence: Int) throws(InboxError) -> DeliveryRecord? {
    try records("sequence = ?", [sequence.databaseValue], limit: 1).first
  }

  /// Lets the worker take a delivery in once more. Safe to repeat: incidents and places have keys.
  public func replay(_ sequence: Int) throws(InboxError) -> Replay {
    try writing("replay the delivery \(sequence)") { db in
      let row = try Row.fetchOne(
        db,
        sql: """
          SELECT state, box IS NOT NULL OR spool IS NOT NULL AS has_body FROM deliveries WHERE sequence = ?
          """, arguments: [sequence])
      guard let row else { return .unknown }
      guard String.fromDatabaseValue(row["state"]) != DeliveryRecord.State.pending.rawValue else {
        return .waited
      }
      guard row["has_body"] as Bool else { return .bodyIsGone }
      try db.execute(
        sql: "UPDATE deliveries SET state = 'pending', outcome = NULL WHERE sequence = ?",
        arguments: [sequence])
      return .waits
    }
  }

  /// When the oldest delivery that still waits came; nil when none waits. Cheap: for metrics.
  public func oldestPending() throws(InboxError) -> Date? {
    try reading("look for the oldest delivery") { db in
      let milliseconds = try Int.fetchOne(
        db,
        sql: """
          SELECT received_at FROM deliveries WHERE state = 'pending' AND typeof(received_at) = 'integer'
            ORDER BY sequence LIMIT 1
          """)
      return milliseconds.flatMap { Inbox.instants.contains($0) ? Inbox.date($0) : nil }
    }
  }

  private func records(_ condition: String, _ values: [DatabaseValue], limit: Int) throws(InboxError)
    -> [DeliveryRecord]
  {
    try reading("read the deliveries") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT sequence, received_at, state, substr(route, 1, 4096) AS route, substr(source, 1, 100) AS source,
            substr(id, 1, 4096) AS id, substr(event, 1, 500) AS event, substr(content_type, 1, 500) AS content_type,
            substr(outcome, 1, 4096) AS outcome, box IS NOT NULL OR spool IS NOT NULL AS has_body
          FROM deliveries WHERE \(condition) ORDER BY sequence DESC LIMIT ?
          """, arguments: StatementArguments(values + [max(0, limit).databaseValue])
      ).compactMap { row in
        guard let at = Int.fromDatabaseValue(row["received_at"]), Inbox.instants.contains(at),
          let state = String.fromDatabaseValue(row["state"]).flatMap(DeliveryRecord.State.init)
        else { return nil }
        func text(_ name: String) -> String? { String.fromDatabaseValue(row[name]) }
        return DeliveryRecord(
          sequence: row["sequence"], route: text("route") ?? "", source: text("source") ?? "",
          id: text("id") ?? "", event: text("event"), contentType: text("content_type"),
          receivedAt: Inbox.date(at), state: state, outcome: text("outcome"), hasBody: row["has_body"])
      }
    }
  }
}
