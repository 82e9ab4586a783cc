import Foundation
import GRDB
import Incidents
public import JSON

/// A piece of the outbox.
public struct MessagePage: Sendable, Hashable {
  /// As `ticket list --json` gives them.
  public let messages: [JSONValue]
  public let total: Int
}

/// How many messages stand where.
public struct MessageCounts: Sendable, Hashable {
  /// Not provably arrived, and nobody has given them up.
  public var undelivered = 0
  public var arrived = 0
  public var dropped = 0
  public init() {}
}

extension Inbox {
  /// Messages: those on their way first, then those that arrived, the latest first.
  public func messages(undeliveredOnly: Bool = false, limit: Int, offset: Int) throws(InboxError)
    -> MessagePage
  {
    let condition = undeliveredOnly ? "place = 0" : "1"
    return try reading("read the outbox") { db in
      let total = try Int.fetchOne(db, sql: "SELECT count(*) FROM messages WHERE \(condition)") ?? 0
      let texts = try String.fetchAll(
        db,
        sql: "SELECT document FROM messages WHERE \(condition) ORDER BY place, at DESC, id LIMIT ? OFFSET ?",
        arguments: [min(max(1, limit), Inbox.longestPage), max(0, offset)])
      return MessagePage(messages: try texts.map { try JSONValue(parsing: $0, limits: .own) }, total: total)
    }
  }

  public func messageCounts() throws(InboxError) -> MessageCounts {
    try reading("count the messages") { db in
      func count(_ place: Int) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT count(*) FROM messages WHERE place = ?", arguments: [place]) ?? 0
      }
      var counts = MessageCounts()
      counts.undelivered = try count(0)
      counts.arrived = try count(1)
      counts.dropped = try count(2)
      return counts
    }
  }
}

/// What the worker has published of its outbox: so that of thousands of messages only those are written that changed.
struct PublishedMessages: Sendable {
  /// By key the hash of a message's document; nil: not known yet.
  private var known: [String: Int]?

  /// Writes what differs. - Returns: what is to be kept when the transaction has succeeded, and whether something changed.
  func write(_ document: JSONValue, version: Int, in db: Database) throws -> (PublishedMessages, Bool) {
    var before = known ?? [:]
    if known == nil {
      for key in try String.fetchAll(db, sql: "SELECT CAST(id AS TEXT) FROM messages") { before[key] = 0 }
    }
    var now: [String: Int] = [:]
    var isChanged = false
    let put = try db.cachedStatement(
      sql: """
        INSERT INTO messages (id, version, place, at, document) VALUES (?, ?, ?, ?, ?)
          ON CONFLICT (id) DO UPDATE SET version = excluded.version, place = excluded.place, at = excluded.at,
            document = excluded.document WHERE document <> excluded.document
        """)
    for message in document["messages"]?.array ?? [] {
      let key = "\(message["tracker"]?.string ?? "") \(message["id"]?.string ?? "")"
      now[key] = message.hashValue
      guard before.removeValue(forKey: key) != message.hashValue else { continue }
      let at = message["next"]?.string.flatMap(Timestamp.date) ?? .distantPast
      try put.execute(arguments: [
        key, version, Self.place(message["state"]?.string), Inbox.milliseconds(at), message.canonicalText,
      ])
      isChanged = isChanged || db.changesCount > 0
    }
    for key in before.keys {
      try db.execute(sql: "DELETE FROM messages WHERE id = ?", arguments: [key])
      isChanged = isChanged || db.changesCount > 0
    }
    return (PublishedMessages(known: now), isChanged)
  }

  private static func place(_ state: String?) -> Int {
    switch state {
    case "sent": 1
    case "dropped": 2
    default: 0  // what is not known to have arrived is on its way
    }
  }

  init() {}
  private init(known: [String: Int]) { self.known = known }
}
