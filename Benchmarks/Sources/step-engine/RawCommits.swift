import Foundation
import GRDB

/// What SQLite alone needs: rows of the journal's size, one durable transaction each.
enum RawCommits {
  static func seconds(count: Int, at path: String) throws -> Double {
    let pool = try DatabasePool(path: path)
    try pool.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA synchronous = FULL")
      try db.execute(
        sql: "CREATE TABLE events (seq INTEGER PRIMARY KEY, body TEXT NOT NULL, hash TEXT NOT NULL) STRICT")
    }
    let body = String(repeating: "x", count: 420)
    let hash = String(repeating: "0", count: 64)
    let clock = ContinuousClock()
    let spent = try clock.measure {
      for _ in 0..<count {
        try pool.write { db in
          try db.cachedStatement(sql: "INSERT INTO events (body, hash) VALUES (?, ?)").execute(
            arguments: [body, hash])
        }
      }
    }
    try pool.close()
    return spent / .seconds(1)
  }
}
