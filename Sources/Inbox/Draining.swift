import Foundation
import GRDB
import JSON
import Secrets

extension Inbox {
  /// The oldest deliveries that wait, at most `limit`. The worker's: it needs the private key.
  ///
  /// One whose body does not open is set to failed and left out: it must not block what comes after it.
  ///
  /// - Parameter others: sequences of those that are at work already, or are to be tried later; they are not opened.
  public func pendingDeliveries(limit: Int, besides others: Set<Int> = []) throws(InboxError) -> [Delivery] {
    let operation = "read the deliveries"
    guard let key else {
      throw InboxError(.key, operation, because: "the exchange file was opened without the worker's key")
    }
    let rows = try reading(operation) { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT sequence, is_id_signed, received_at, place, state, encapsulated_key,
            substr(route, 1, ?1) AS route, substr(source, 1, ?1) AS source, substr(id, 1, ?1) AS id,
            substr(body_digest, 1, ?1) AS body_digest, substr(event, 1, ?1) AS event,
            substr(content_type, 1, ?1) AS content_type, substr(spool, 1, 64) AS spool,
            CASE WHEN length(box) <= ?2 THEN box END AS box
          FROM deliveries WHERE state = 'pending' AND sequence NOT IN (SELECT value FROM json_each(?4))
          ORDER BY sequence LIMIT ?3
          """, arguments: [Inbox.longestWord, Inbox.largestBody, limit, Inbox.list(others)])
    }
    var deliveries: [Delivery] = []
    for row in rows {
      do {
        deliveries.append(try delivery(row, key: key))
      } catch {
        try refuse(
          row["sequence"],
          reason:
            "the body does not open: it was changed, or sealed to another inbox.key (\(type(of: error)))")
      }
    }
    return deliveries
  }

  /// As SQLite's `json_each` reads it.
  static func list(_ numbers: Set<Int>) -> String {
    JSONValue.array(numbers.sorted().map { .integer($0) }).canonicalText
  }

  /// Records that a delivery was taken in.
  ///
  /// - Parameters:
  ///   - outcome: one line for people, for example `incident INC-1`; never a secret.
  ///   - dropBody: removes the body; false only while somebody must still look at it.
  /// - Throws: `notFound`. Safe to repeat.
  public func finish(_ sequence: Int, outcome: String, dropBody: Bool = true) throws(InboxError) {
    try end(sequence, state: "done", outcome: outcome, dropBody: dropBody)
  }

  /// Records that a delivery could not be taken in; its body stays, sealed, until it is pruned.
  public func fail(_ sequence: Int, reason: String) throws(InboxError) {
    try end(sequence, state: "failed", outcome: reason, dropBody: false)
  }

  /// ``fail(_:reason:)`` for a row that cannot be read. One with values of types that the table does not take cannot be
  /// changed either, because SQLite then checks all of it: it is removed.
  private func refuse(_ sequence: Int, reason: String) throws(InboxError) {
    do throws(InboxError) {
      try fail(sequence, reason: reason)
    } catch {
      guard error.code == .invalid else { throw error }
      try writing("remove the delivery \(sequence)") { db in
        try db.execute(sql: "DELETE FROM deliveries WHERE sequence = ?", arguments: [sequence])
      }
    }
  }

  /// How many deliveries are in each state.
  public func counts() throws(InboxError) -> (pending: Int, done: Int, failed: Int) {
    try reading("count the deliveries") { db in
      func count(_ condition: String) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT count(*) FROM deliveries WHERE \(condition)") ?? 0
      }
      return (
        try count("state = 'pending'"), try count("state = 'done'"),
        try count("state NOT IN ('pending', 'done')")
      )
    }
  }

  /// How many deliveries wait for the worker. Cheap: for metrics.
  public func pendingCount() throws(InboxError) -> Int {
    try reading("count the deliveries") { db in
      try Int.fetchOne(db, sql: "SELECT count(*) FROM deliveries WHERE state = 'pending'") ?? 0
    }
  }

  private func end(_ sequence: Int, state: String, outcome: String, dropBody: Bool) throws(InboxError) {
    let spool = try writing("finish the delivery \(sequence)") { db in
      let row = try Row.fetchOne(
        db,
        sql:
          "SELECT CASE WHEN typeof(spool) = 'text' THEN spool END AS spool FROM deliveries WHERE sequence = ?",
        arguments: [sequence])
      guard let row else {
        throw InboxError(
          .notFound, "finish the delivery \(sequence)", because: "the exchange file does not hold it")
      }
      try db.execute(
        sql: "UPDATE deliveries SET state = ?, outcome = ? WHERE sequence = ?",
        arguments: [state, outcome, sequence])
      guard dropBody else { return nil as String? }
      try db.execute(
        sql: """
          UPDATE deliveries SET box = NULL, encapsulated_key = NULL, place = NULL, spool = NULL WHERE sequence = ?
          """, arguments: [sequence])
      return row["spool"]
    }
    // No directory, no file to remove.
    if let spool, let directory = try? SpoolDirectory(spoolDirectory) { directory.remove(spool) }
  }

  /// A body beyond this was not stored by the endpoint's own rules. Bytes; larger ones are spooled.
  static let largestBody = 64 << 20
  /// The same of a spooled body.
  static let largestSpool = 2 << 30
  /// Route, id and event; longer ones are cut, and then their box does not open.
  private static let longestWord = 4096
  /// The instants that a text can name, years 1 to 9999. Milliseconds since 1970.
  static let instants = -62_135_596_800_000...253_402_300_799_000

  /// Columns are decoded, not cast: the endpoint can store a value of any type in any of them, whatever the table declares
  /// (SQLite checks types when it writes, by the schema that the writer has read).
  private func delivery(_ row: Row, key: InboxPrivateKey) throws -> Delivery {
    let route = try row.decode(String.self, forColumn: "route")
    let source = try row.decode(String.self, forColumn: "source")
    let id = try row.decode(String.self, forColumn: "id")
    let digest = try row.decode(String.self, forColumn: "body_digest")
    let milliseconds = try row.decode(Int.self, forColumn: "received_at")
    guard Inbox.instants.contains(milliseconds) else {
      throw InboxError(.corrupt, "read a delivery", because: "it came at no time")
    }
    let body: Secret
    if let spool = try row.decode(String?.self, forColumn: "spool") {
      body = try SealedBody.read(
        try SpoolDirectory(spoolDirectory).file(spool, most: Inbox.largestSpool), with: key)
    } else {
      let box = try row.decode(Data?.self, forColumn: "box") ?? Data()
      var opened = try BatchSeal.open(
        box, place: try row.decode(Int?.self, forColumn: "place") ?? -1,
        encapsulatedKey: try row.decode(Data?.self, forColumn: "encapsulated_key") ?? Data(),
        context: Inbox.sealingContext(
          route: route, source: source, id: id, digest: digest, milliseconds: milliseconds),
        with: key)
      // The copy that the cryptographic library made must not stay in memory.
      defer { opened.resetBytes(in: opened.startIndex..<opened.endIndex) }
      body = Secret(SecretBytes(copying: opened))
    }
    return Delivery(
      sequence: row["sequence"], route: route, source: source, id: id,
      isIDSigned: try row.decode(Int.self, forColumn: "is_id_signed") == 1, bodyDigest: digest,
      event: try row.decode(String?.self, forColumn: "event"),
      contentType: try row.decode(String?.self, forColumn: "content_type"),
      receivedAt: Inbox.date(milliseconds), body: body)
  }
}
