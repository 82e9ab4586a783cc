public import Foundation
import GRDB

/// A delivery that was not taken: when, by which route, why, and who asked. Nothing of its body.
public struct RefusedDelivery: Sendable, Hashable {
  public var at: Date
  public var route: String
  /// One word, as in the metrics: `signature_mismatch`.
  public var reason: String
  public var because: String
  /// The sender's address.
  public var client: String
  /// The request's id in the log.
  public var request: String
  /// How many others were left out before it: whoever floods must not fill the disk.
  public var leftOut: Int

  public init(
    at: Date, route: String, reason: String, because: String, client: String, request: String,
    leftOut: Int = 0
  ) {
    self.at = at
    self.route = route
    self.reason = reason
    self.because = because
    self.client = client
    self.request = request
    self.leftOut = leftOut
  }
}

extension Inbox {
  /// The most refusals that are kept.
  public static let mostRefusals = 10_000

  /// Writes refusals down in one commit, and forgets the oldest beyond 10,000.
  public func append(_ refusals: [RefusedDelivery]) async throws(InboxError) {
    guard !refusals.isEmpty else { return }
    _ = try await commits.append(bytes: refusals.count * 256) { db, _ in
      for refusal in refusals {
        try db.execute(
          sql: """
            INSERT INTO refusals (at, route, reason, because, client, request, left_out)
              VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
          arguments: [
            Inbox.milliseconds(refusal.at), refusal.route, refusal.reason,
            String(refusal.because.prefix(500)),
            refusal.client, refusal.request, refusal.leftOut,
          ])
      }
      try db.execute(
        sql: "DELETE FROM refusals WHERE sequence <= (SELECT max(sequence) FROM refusals) - ?",
        arguments: [Inbox.mostRefusals])
      return .duplicate
    }
  }

  /// The last refusals, the newest first. A row that cannot be read is left out: the endpoint writes them.
  public func refusals(limit: Int) throws(InboxError) -> [(sequence: Int, refusal: RefusedDelivery)] {
    try refusals("1", [], limit: limit)
  }

  /// One refusal; nil when there is none of this number.
  public func refusal(_ sequence: Int) throws(InboxError) -> RefusedDelivery? {
    try refusals("sequence = ?", [sequence.databaseValue], limit: 1).first?.refusal
  }

  private func refusals(_ condition: String, _ values: [DatabaseValue], limit: Int) throws(InboxError)
    -> [(sequence: Int, refusal: RefusedDelivery)]
  {
    try reading("read the refusals") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT sequence, at, left_out, substr(route, 1, 4096) AS route, substr(reason, 1, 100) AS reason,
            substr(because, 1, 500) AS because, substr(client, 1, 100) AS client, substr(request, 1, 100) AS request
          FROM refusals WHERE \(condition) ORDER BY sequence DESC LIMIT ?
          """, arguments: StatementArguments(values + [max(0, limit).databaseValue])
      ).compactMap { row in
        guard let at = Int.fromDatabaseValue(row["at"]), Inbox.instants.contains(at) else { return nil }
        func text(_ name: String) -> String { String.fromDatabaseValue(row[name]) ?? "" }
        return (
          row["sequence"],
          RefusedDelivery(
            at: Inbox.date(at), route: text("route"), reason: text("reason"), because: text("because"),
            client: text("client"), request: text("request"),
            leftOut: Int.fromDatabaseValue(row["left_out"]) ?? 0)
        )
      }
    }
  }
}
