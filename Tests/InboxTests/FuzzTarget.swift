import Foundation
import GRDB
import JSON
import Secrets

@testable import Inbox

/// Puts any values into the exchange file, as a taken-over endpoint can: of any type in any column (SQLite checks a table's
/// types when rows are written, and only with the writer's own schema), as decisions, deliveries, spooled bodies, board
/// and counters. The worker must come through, and what cannot be read must not stand in the way again.
///
/// The first byte chooses the place; then fields follow, each a tag (n, i, r, t, b), a length and its bytes.
/// Shared by `Benchmarks/fuzz/run` and by the test that replays its corpus.
final class FuzzTarget: Sendable {
  struct Fault: Error, CustomStringConvertible { let description: String }

  private let inbox: Inbox
  private let key = InboxPrivateKey()
  private let stranger: DatabaseQueue
  private let spool: String
  private static let name = "0f0e0d0c-0b0a-4900-8807-060504030201"

  init(directory: String) throws {
    let path = directory + "/exchange.sqlite"
    _ = try Inbox.open(path: path, sealingTo: key.publicKey)
    spool = path + ".spool"
    try FileManager.default.createDirectory(atPath: spool, withIntermediateDirectories: true)
    // Without a new schema number the other connections do not look again; this one keeps the schema it has read.
    let setter = try DatabaseQueue(path: path)
    let ours = try setter.read { db in
      try Row.fetchAll(db, sql: "SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    }
    try setter.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA writable_schema = ON")
      for row in ours {
        let lax = (row["sql"] as String).replacing(/CHECK \([^)]*\)\)|NOT NULL/, with: "")
          .replacing("STRICT, ", with: "").replacing("STRICT", with: "")
          .replacing(" TEXT", with: "").replacing(" BLOB", with: "")
          .replacing("INTEGER PRIMARY KEY", with: "KEY").replacing(" INTEGER", with: "")
          .replacing("KEY AUTOINCREMENT", with: "INTEGER PRIMARY KEY AUTOINCREMENT")
        try db.execute(
          sql: "UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?",
          arguments: [lax, row["name"] as String])
      }
    }
    stranger = try DatabaseQueue(path: path)
    try stranger.write { db in
      // Reads the schema.
      try db.execute(sql: "INSERT INTO deliveries (sequence, state) VALUES (1, 'x')")
      try db.execute(sql: "DELETE FROM deliveries")
    }
    try setter.writeWithoutTransaction { db in
      for row in ours {
        try db.execute(
          sql: "UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?",
          arguments: [row["sql"] as String, row["name"] as String])
      }
    }
    try setter.close()
    inbox = try Inbox.open(path: path, key: key)
  }

  func exercise(_ bytes: [UInt8]) throws {
    guard let place = bytes.first else { return }
    let values = Self.values(bytes.dropFirst())
    func value(_ index: Int) -> DatabaseValue { index < values.count ? values[index] : .null }
    switch place {
    case UInt8(ascii: "D"): try decision(value(0))
    case UInt8(ascii: "R"): try row((0..<11).map(value))
    case UInt8(ascii: "B"): try sealed(values)
    case UInt8(ascii: "S"): try spooled(Array(bytes.dropFirst()))
    case UInt8(ascii: "C"): try counters(value(0), value(1))
    case UInt8(ascii: "P"): try board((0..<4).map(value))
    default: try decision(String(decoding: bytes, as: UTF8.self).databaseValue)
    }
  }

  private static func values(_ bytes: ArraySlice<UInt8>) -> [DatabaseValue] {
    var rest = bytes
    var values: [DatabaseValue] = []
    while let tag = rest.popFirst(), values.count < 16 {
      let count = Int(rest.popFirst() ?? 0)
      let field = rest.prefix(count)
      rest = rest.dropFirst(count)
      let number = field.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      switch tag {
      case UInt8(ascii: "i"): values.append(Int64(bitPattern: number).databaseValue)
      case UInt8(ascii: "r"): values.append(Double(bitPattern: number).databaseValue)
      case UInt8(ascii: "t"): values.append(String(decoding: field, as: UTF8.self).databaseValue)
      case UInt8(ascii: "b"): values.append(Data(field).databaseValue)
      default: values.append(.null)
      }
    }
    return values
  }

  /// Puts rows in, lets the worker look twice, and takes them out.
  private func attack(_ sql: String, _ values: [DatabaseValue], _ look: () throws -> Void) throws {
    do {
      try stranger.write { db in try db.execute(sql: sql, arguments: StatementArguments(values)) }
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
      return  // A key without a value: no file can hold it, whoever writes it.
    }
    do throws(InboxError) {
      do { try look() } catch let error as InboxError { throw error } catch { fatalError("\(error)") }
    } catch {}  // a file that is refused is an answer
    try stranger.write { db in
      for table in ["decisions", "deliveries", "board", "replay"] {
        try db.execute(sql: "DELETE FROM \(table)")
      }
    }
  }

  private func decision(_ document: DatabaseValue) throws {
    try attack("INSERT INTO decisions (sequence, document, state) VALUES (1, ?, 'pending')", [document]) {
      let found = try inbox.pendingDecisions()
      let waiting = try stranger.read { db in
        try Int.fetchOne(db, sql: "SELECT count(*) FROM decisions WHERE state = 'pending'") ?? 0
      }
      guard found.count == waiting else { throw Fault(description: "a bad decision stays in the way") }
      _ = try inbox.outcome(ofDecision: 1)
      _ = try inbox.prune(now: Date(timeIntervalSince1970: 1_790_000_000))
    }
  }

  private func row(_ values: [DatabaseValue]) throws {
    try attack(
      """
      INSERT INTO deliveries (sequence, route, source, id, is_id_signed, body_digest, event, content_type, received_at,
        encapsulated_key, place, box, spool, state) VALUES (7, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, 'pending')
      """, values, look)
  }

  /// A body that opens, so that what is read after it is reached.
  private func sealed(_ values: [DatabaseValue]) throws {
    func text(_ index: Int) -> String {
      index < values.count ? String.fromDatabaseValue(values[index]) ?? "" : ""
    }
    let milliseconds = values.count > 6 ? Int.fromDatabaseValue(values[6]) ?? 0 : 0
    var seal = try BatchSeal(to: key.publicKey)
    let box = try seal.seal(
      Array(text(5).utf8),
      context: Inbox.sealingContext(
        route: text(0), source: text(1), id: text(2), digest: text(3), milliseconds: milliseconds))
    let signed = values.count > 7 ? values[7] : 1.databaseValue
    try row([
      text(0).databaseValue, text(1).databaseValue, text(2).databaseValue, signed, text(3).databaseValue,
      text(4).databaseValue, .null, milliseconds.databaseValue, seal.encapsulatedKey.databaseValue,
      box.place.databaseValue, box.box.databaseValue,
    ])
  }

  private func spooled(_ bytes: [UInt8]) throws {
    let file = spool + "/" + Self.name
    try Data(bytes).write(to: URL(filePath: file))
    try attack(
      """
      INSERT INTO deliveries (sequence, route, source, id, is_id_signed, body_digest, received_at, spool, state)
        VALUES (7, '/r', 'report', '1', 1, 'd', 1, ?, 'pending')
      """, [Self.name.databaseValue], look)
  }

  private func look() throws {
    let found = try inbox.pendingDeliveries(limit: 9)
    let waiting = try stranger.read { db in
      try Int.fetchOne(db, sql: "SELECT count(*) FROM deliveries WHERE state = 'pending'") ?? 0
    }
    guard found.count == waiting else { throw Fault(description: "a bad delivery stays in the way") }
    _ = try inbox.counts()
    _ = try inbox.pendingCount()
    try inbox.finish(7, outcome: "done")
    _ = try inbox.prune(now: Date(timeIntervalSince1970: 1_790_000_000))
  }

  private func counters(_ name: DatabaseValue, _ number: DatabaseValue) throws {
    try attack("UPDATE counters SET value = ? WHERE name = 'board' OR name = ?", [number, name]) {
      _ = try inbox.publish([(kind: "summary", id: "1", document: [:])])
      _ = try inbox.boardVersion()
    }
    try stranger.write { db in try db.execute(sql: "UPDATE counters SET value = 0") }
  }

  private func board(_ values: [DatabaseValue]) throws {
    try attack("INSERT INTO board (kind, id, version, document) VALUES (?, ?, ?, ?)", values) {
      _ = try inbox.documents(kind: "summary")
      _ = try inbox.document(kind: "summary", id: "1")
      _ = try inbox.publish([(kind: "summary", id: "1", document: ["a": 1])])
    }
  }
}
