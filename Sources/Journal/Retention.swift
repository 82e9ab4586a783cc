import Capabilities
public import Foundation
import GRDB
import Incidents
import JSON

extension Journal {
  /// Removes events older than `date`, together with plans and sealed values nobody needs, and keeps the chain provable:
  /// a signed checkpoint takes the place of what was removed. Export first; this cannot be undone.
  ///
  /// Stops before the first event of a run that may still go on (it holds a lock, or was started or resumed and has not
  /// ended since) or of an incident that is not closed.
  /// - Returns: how many events were removed.
  @discardableResult
  public func prune(before date: Date) throws(JournalError) -> Int {
    let operation = "remove old events"
    let keys = try requireKeys(operation)
    let removed = try writing(operation) { db in
      let limit = try String.fetchOne(
        db, sql: "SELECT at FROM events WHERE at >= ? ORDER BY seq LIMIT 1", arguments: [Timestamp.text(date)]
      )
      let firstKept =
        try Int.fetchOne(
          db, sql: "SELECT min(seq) FROM events WHERE at >= ?", arguments: [limit ?? "9999"])
        ?? (try lastLink(db).0 + 1)
      let openRun = try Int.fetchOne(
        db,
        sql: """
          SELECT min(seq) FROM events WHERE run IN (
            SELECT run FROM locks
            UNION
            SELECT run FROM events AS word
            WHERE seq = (SELECT max(seq) FROM events
                WHERE run = word.run AND kind IN ('run.started', 'run.resumed', 'run.ended'))
              AND NOT (kind = 'run.ended' AND json_extract(body, '$.state') IN ('done', 'failed', 'aborted')))
          """)
      let openIncident = try Int.fetchOne(
        db,
        sql: """
          SELECT min(seq) FROM events WHERE incident IS NOT NULL AND incident NOT IN (
            SELECT incident FROM events WHERE kind = 'incident.state' AND incident IS NOT NULL
              AND json_extract(body, '$.state') = 'closed')
          """)
      let last = min(firstKept, openRun ?? .max, openIncident ?? .max) - 1
      guard
        let hash = try String.fetchOne(db, sql: "SELECT hash FROM events WHERE seq = ?", arguments: [last])
      else { return 0 }
      let signature = try keys.identity.sign(
        HashChain.signedHead(journal: header.id, sequence: last, hash: hash))
      try db.execute(
        sql: "INSERT INTO checkpoints (seq, hash, identity, signature) VALUES (?, ?, ?, ?)",
        arguments: [last, hash, keys.identity.fingerprint, signature])
      try db.execute(sql: "DELETE FROM events WHERE seq <= ?", arguments: [last])
      let removed = db.changesCount
      try IncidentList.remake(in: db)
      try db.execute(
        sql: """
          DELETE FROM plans WHERE created < ? AND id NOT IN (
            SELECT json_extract(body, '$.plan') FROM events WHERE json_extract(body, '$.plan') IS NOT NULL)
          """, arguments: [Timestamp.text(date)])
      try removeOrphans(in: db)
      return removed
    }
    try emptyWriteAheadLog(operation)
    return removed
  }

  /// Sealed values, their keys and delivered messages of incidents and runs of which no event is left. `secure_delete`
  /// overwrites them in the file.
  private func removeOrphans(in db: Database) throws {
    let known = """
      (SELECT incident FROM events WHERE incident IS NOT NULL UNION SELECT run FROM events WHERE run IS NOT NULL
        UNION SELECT run FROM locks)
      """
    let keys = try String.fetchAll(
      db, sql: "SELECT key_id FROM sealing_keys WHERE wrapped IS NOT NULL AND scope NOT IN \(known)")
    try db.execute(sql: "DELETE FROM sealed WHERE scope NOT IN \(known)")
    try db.execute(sql: "DELETE FROM sealing_keys WHERE scope NOT IN \(known)")
    try db.execute(
      sql: "DELETE FROM outbox WHERE state IN ('sent', 'dead') AND incident NOT IN \(known)")
    guard !keys.isEmpty else { return }
    for key in keys { openKeys.forget(key) }
    _ = try extend(db, with: keys.map { NewEvent(.keyDestroyed, ["key_id": .string($0)]) })
  }
}
