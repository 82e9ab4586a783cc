public import Foundation
import GRDB
import Synchronization

extension Inbox {
  /// So often the worker leaves a sign of life, at most.
  public static let beat: TimeInterval = 10
  /// A worker that has left none for so long is dead, or hangs.
  public static let longestSilence: TimeInterval = 60

  /// The worker's sign of life: it has come round, and what it decided is published. Called as often as it comes round; one
  /// in ten seconds is written.
  public func beat(at now: Date) throws(InboxError) {
    let distance = now.timeIntervalSince(beaten.withLock { $0 })
    // A clock that was set back must not keep it silent.
    guard distance >= Inbox.beat || distance < 0 else { return }
    try writing("leave a sign of life") { db in
      try db.execute(
        sql: "UPDATE counters SET value = ? WHERE name = 'worker'", arguments: [Inbox.milliseconds(now)])
    }
    beaten.withLock { $0 = now }
  }

  /// When the worker last left a sign of life; nil: it never did.
  public func lastBeat() throws(InboxError) -> Date? {
    try reading("look for the worker's sign of life") { db in
      let value = try Int.fetchOne(
        db, sql: "SELECT value FROM counters WHERE name = 'worker' AND typeof(value) = 'integer'")
      return value.flatMap { $0 > 0 ? Inbox.date($0) : nil }
    }
  }
}
