import Foundation
import GRDB
public import JSON
import Synchronization

/// A read-only document that the worker publishes for the console, redacted already.
public struct BoardDocument: Sendable, Hashable {
  /// `incident`, `plan`, `postmortem`, `summary` or `storm`.
  public let kind: String
  public let id: String
  /// The board's version when this document last changed.
  public let version: Int
  public let document: JSONValue
}

extension Inbox {
  /// Publishes documents, and removes others, in one commit. One that did not change keeps its version. An incident's row of
  /// the list is written with it; the outbox is kept message by message (``messages(undeliveredOnly:limit:offset:)``).
  ///
  /// - Returns: the board's version; higher than before when something changed.
  @discardableResult
  public func publish(
    _ documents: [(kind: String, id: String, document: JSONValue)],
    removing removed: [(kind: String, id: String)] = []
  ) throws(InboxError) -> Int {
    let published = messages.withLock { $0 }
    let (version, kept) = try writing("publish to the board") { db in
      let before = try Int.fetchOne(db, sql: Inbox.boardCounter) ?? 0
      // The endpoint can write the counter: one at its end would end us.
      let version = (0..<Int.max / 2).contains(before) ? before + 1 : 1
      var isChanged = false
      var kept = published
      for (kind, id, document) in documents {
        let document = Inbox.readable(document)
        if kind == Inbox.outbox {
          let (next, isNew) = try kept.write(document, version: version, in: db)
          kept = next
          isChanged = isChanged || isNew
          continue
        }
        try db.execute(
          sql: """
            INSERT INTO board (kind, id, version, document) VALUES (?, ?, ?, ?)
            ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, document = excluded.document
            WHERE document <> excluded.document
            """, arguments: [kind, id, version, document.canonicalText])
        guard db.changesCount > 0 else { continue }
        isChanged = true
        if kind == Inbox.incident { try IncidentRow.put(id, document, version: version, in: db) }
      }
      for (kind, id) in removed {
        try db.execute(sql: "DELETE FROM board WHERE kind = ? AND id = ?", arguments: [kind, id])
        isChanged = isChanged || db.changesCount > 0
        if kind == Inbox.incident {
          try db.execute(sql: "DELETE FROM incidents WHERE id = ?", arguments: [id])
        }
      }
      guard isChanged else { return (version - 1, kept) }
      try db.execute(sql: "UPDATE counters SET value = ? WHERE name = 'board'", arguments: [version])
      return (version, kept)
    }
    messages.withLock { $0 = kept }
    return version
  }

  /// Kinds of which the board keeps a list beside, or instead of, the document.
  private static let incident = "incident"
  private static let outbox = "outbox"

  /// One document, or nil.
  public func document(kind: String, id: String) throws(InboxError) -> BoardDocument? {
    try reading("read the board") { db in
      try Row.fetchOne(
        db, sql: "SELECT * FROM board WHERE kind = ? AND id = ?", arguments: [kind, id]
      ).map(Inbox.document)
    }
  }

  /// Every document of a kind, by id.
  public func documents(kind: String) throws(InboxError) -> [BoardDocument] {
    try reading("read the board") { db in
      try Row.fetchAll(db, sql: "SELECT * FROM board WHERE kind = ? ORDER BY id", arguments: [kind])
        .map(Inbox.document)
    }
  }

  /// Rises with every change of the board.
  public func boardVersion() throws(InboxError) -> Int {
    try reading("read the board") { db in
      try Int.fetchOne(db, sql: Inbox.boardCounter) ?? 0
    }
  }

  /// A number of another type counts as none: the endpoint can write it.
  private static let boardCounter =
    "SELECT value FROM counters WHERE name = 'board' AND typeof(value) = 'integer'"

  /// Text of a leak may hold U+0000, which our JSON refuses: stored as it is, the whole document could not be read back.
  private static func readable(_ value: JSONValue) -> JSONValue {
    switch value {
    case .string(let text): .string(readable(text))
    case .array(let elements): .array(elements.map(readable))
    case .object(let members):
      .object(
        Dictionary(
          members.map { (readable($0.key), readable($0.value)) }, uniquingKeysWith: { one, _ in one }))
    case .null, .boolean, .integer, .number: value
    }
  }

  private static func readable(_ text: String) -> String {
    text.unicodeScalars.contains("\0") ? text.replacing("\0", with: "\u{FFFD}") : text
  }

  private static func document(_ row: Row) throws -> BoardDocument {
    let text = try row.decode(String.self, forColumn: "document")
    let value: JSONValue
    do { value = try JSONValue(parsing: text, limits: .own) } catch {
      throw InboxError(.corrupt, "read the board", because: "a document is no JSON: \(error)")
    }
    return BoardDocument(
      kind: try row.decode(String.self, forColumn: "kind"), id: try row.decode(String.self, forColumn: "id"),
      version: try row.decode(Int.self, forColumn: "version"), document: value)
  }
}
