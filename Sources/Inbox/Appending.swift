import Foundation
import GRDB

extension Inbox {
  /// Stores a delivery, sealed, and returns when it is durable.
  ///
  /// - Parameter deadline: when the caller must know; nil: it waits as long as it takes.
  /// - Returns: `.duplicate` when the route has seen the id, or, when the id is not signed, the same body.
  /// - Throws: `busy`, `diskFull`, `readOnly`, `inputOutput`: nothing was stored; `late`: it may be stored yet. The sender must be
  ///   told 503: when it comes again, it is stored, or a duplicate.
  public func append(_ delivery: NewDelivery, by deadline: ContinuousClock.Instant? = nil)
    async throws(InboxError) -> Acceptance
  {
    try await commits.append(bytes: delivery.body.count, by: deadline) { db, seal in
      let milliseconds = Inbox.milliseconds(delivery.receivedAt)
      guard try Inbox.isNew(delivery, milliseconds, in: db) else { return .duplicate }
      let sealed = try seal.seal(delivery.body, context: delivery.sealingContext(milliseconds))
      return try Inbox.insert(
        delivery, milliseconds, key: sealed.encapsulatedKey, place: sealed.place, box: sealed.box, in: db)
    }
  }

  /// Stores a delivery whose body was spooled by ``spool()``. `delivery.body` is not looked at.
  public func append(
    _ delivery: NewDelivery, body: SealedBody, by deadline: ContinuousClock.Instant? = nil
  ) async throws(InboxError) -> Acceptance {
    try body.keep()
    let name = body.name
    let path = spoolDirectory + "/" + name
    return try await commits.append(bytes: 0, by: deadline) { db, _ in
      let milliseconds = Inbox.milliseconds(delivery.receivedAt)
      guard try Inbox.isNew(delivery, milliseconds, in: db) else { return .duplicate }
      return try Inbox.insert(delivery, milliseconds, spool: name, in: db)
    } settled: { result in
      // What came of it decides, also when the caller has given up waiting: a stored delivery needs its file.
      if case .success(.accepted) = result { return }
      unlink(path)
    }
  }

  /// Whether a route has seen this sender's id within ``memory``.
  public func knows(_ id: String, of route: String) throws(InboxError) -> Bool {
    try reading("look for a delivery") { db in
      try Int.fetchOne(
        db, sql: "SELECT 1 FROM replay WHERE route = ? AND key = ?", arguments: [route, "i" + id]) != nil
    }
  }

  /// A file to seal a large body into while it arrives; removed unless it is appended.
  public func spool() throws(InboxError) -> SealedBody {
    do {
      let mode = Int(ExchangeFile.mode(in: URL(filePath: path).deletingLastPathComponent().path)) | 0o100
      try FileManager.default.createDirectory(
        atPath: spoolDirectory, withIntermediateDirectories: true,
        attributes: [.posixPermissions: mode & 0o020 != 0 ? 0o770 : 0o700])
      return try SealedBody(directory: spoolDirectory, recipient: recipient)
    } catch {
      throw InboxError(error, "spool a body", path: path)
    }
  }

  /// Writes and syncs a counter: proves that an append would be durable now.
  public func probe() async throws(InboxError) {
    _ = try await commits.append(bytes: 0) { db, _ in
      try db.execute(sql: "UPDATE counters SET value = value + 1 WHERE name = 'probe'")
      return .duplicate
    }
  }

  static func milliseconds(_ date: Date) -> Int { Int((date.timeIntervalSince1970 * 1000).rounded()) }
  static func date(_ milliseconds: Int) -> Date { Date(timeIntervalSince1970: Double(milliseconds) / 1000) }

  /// Remembers the delivery's keys. False when one is known: then none is added.
  private static func isNew(_ delivery: NewDelivery, _ milliseconds: Int, in db: Database) throws -> Bool {
    var keys = ["i" + delivery.id]
    if !delivery.isIDSigned { keys.append("d" + delivery.bodyDigest) }
    let known = try db.cachedStatement(sql: "SELECT 1 FROM replay WHERE route = ? AND key = ?")
    for key in keys where try Int.fetchOne(known, arguments: [delivery.route, key]) != nil { return false }
    let insert = try db.cachedStatement(sql: "INSERT INTO replay (route, key, seen_at) VALUES (?, ?, ?)")
    for key in keys { try insert.execute(arguments: [delivery.route, key, milliseconds]) }
    return true
  }

  private static func insert(
    _ delivery: NewDelivery, _ milliseconds: Int, key: Data? = nil, place: Int? = nil, box: Data? = nil,
    spool: String? = nil, in db: Database
  ) throws -> Acceptance {
    try db.cachedStatement(
      sql: """
        INSERT INTO deliveries (route, source, id, is_id_signed, body_digest, event, content_type, received_at,
          encapsulated_key, place, box, spool) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
    ).execute(arguments: [
      delivery.route, delivery.source, delivery.id, delivery.isIDSigned ? 1 : 0, delivery.bodyDigest,
      delivery.event, delivery.contentType, milliseconds, key, place, box, spool,
    ])
    return .accepted(sequence: Int(db.lastInsertedRowID))
  }
}
