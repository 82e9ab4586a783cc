public import Foundation
import GRDB

extension Inbox {
  /// How long a delivery is remembered: longer than GitHub Enterprise redelivers (7 days), SNS and PagerDuty retry.
  public static let memory: TimeInterval = 8 * 86400
  /// The most keys that are remembered.
  public static let mostKeys = 1_000_000

  /// Forgets what is older than 8 days, the oldest beyond 1,000,000 keys, and spool files that nothing refers to.
  ///
  /// Pending deliveries stay however old they are. Safe to repeat; the receiver calls it hourly.
  /// - Returns: how many keys were forgotten.
  @discardableResult
  public func prune(now: Date, mostKeys: Int = Inbox.mostKeys) throws(InboxError) -> Int {
    let oldest = Inbox.milliseconds(now.addingTimeInterval(-Inbox.memory))
    let (forgotten, spools) = try writing("prune the exchange file") { db in
      try db.execute(sql: "DELETE FROM replay WHERE seen_at < ?", arguments: [oldest])
      var forgotten = db.changesCount
      let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM replay") ?? 0
      if count > mostKeys {
        try db.execute(
          sql: """
            DELETE FROM replay WHERE (route, key) IN (SELECT route, key FROM replay ORDER BY seen_at LIMIT ?)
            """, arguments: [count - mostKeys])
        forgotten += db.changesCount
      }
      try db.execute(
        sql: "DELETE FROM deliveries WHERE state <> 'pending' AND received_at < ?", arguments: [oldest])
      try db.execute(
        sql: """
          DELETE FROM decisions WHERE state = 'done'
            AND sequence < (SELECT max(sequence) FROM decisions) - 100000
          """)
      try db.execute(sql: "DELETE FROM refusals WHERE at < ?", arguments: [oldest])
      let spools = try String.fetchAll(db, sql: "SELECT spool FROM deliveries WHERE typeof(spool) = 'text'")
      return (forgotten, Set(spools))
    }
    removeOrphans(keeping: spools, olderThan: now.addingTimeInterval(-86400))
    return forgotten
  }

  /// A file that is younger may still be arriving.
  private func removeOrphans(keeping names: Set<String>, olderThan date: Date) {
    // No directory: nothing was ever spooled.
    guard let directory = try? SpoolDirectory(spoolDirectory) else { return }
    directory.removeOrphans(keeping: names, olderThan: date, in: spoolDirectory)
  }
}
