public import Capabilities
import Foundation
import GRDB
public import Incidents
import JSON
public import Secrets
import Synchronization

/// Whose sealing key a secret lies under: it is unreadable once that key was destroyed.
public enum SealingScope: Sendable, Hashable, CustomStringConvertible {
  /// Values that a run obtained or generated.
  case run(RunID)
  /// The leaked value that a report brought, before any run.
  case incident(IncidentID)

  public var description: String {
    switch self {
    case .run(let id): id.rawValue
    case .incident(let id): id.rawValue
    }
  }
}

/// Sealing keys that were unwrapped by this process, by key id.
final class OpenSealingKeys: Sendable {
  private let keys = Mutex<[String: SealingKey]>([:])

  func key(_ id: String, orUnwrap unwrap: () throws -> SealingKey) throws -> SealingKey {
    if let key = keys.withLock({ $0[id] }) { return key }
    let key = try unwrap()
    keys.withLock { $0[id] = key }
    return key
  }

  func forget(_ id: String) { keys.withLock { $0[id] = nil } }
}

extension Journal: SecretResolver {
  /// Seals `secrets` under `scope`, durably, and says so in the log.
  public func seal(
    _ secrets: [SecretRef: Secret], under scope: SealingScope, purpose: String, run: RunID? = nil,
    incident: IncidentID? = nil
  ) throws(JournalError) {
    let sealing = Sealing(secrets, under: scope, purpose: purpose)
    try writing("seal \(secrets.keys.map(\.rawValue).sorted().joined(separator: ", "))") { db in
      let like = NewEvent(.secretSealed, run: run, incident: incident, [:])
      _ = try extend(db, with: try seal(sealing, in: db, like: like))
    }
  }

  /// Opens the secret behind `ref`, and registers it with the redactor.
  ///
  /// - Throws: `notFound`, `shredded`, `unsealable`.
  public func open(_ ref: SecretRef) throws(JournalError) -> Secret {
    let operation = "open the sealed value \"\(ref)\""
    let keys = try requireKeys(operation)
    let row = try reading(operation) { db in
      try Row.fetchOne(
        db,
        sql: """
          SELECT ref, box, sealed.scope AS scope, key_id, wrapped FROM sealed JOIN sealing_keys USING (scope) WHERE ref = ?
          """, arguments: [ref.rawValue])
    }
    guard let row else {
      throw JournalError(.notFound, operation, because: "nothing was sealed under this name")
    }
    let scope: String = row["scope"]
    guard (row["wrapped"] as Data?) != nil else {
      throw JournalError(
        .shredded, operation, because: "the key of \(scope) was destroyed after the value had served")
    }
    do {
      let secret = try openSealed(row, keys)
      settings.redactor.register(secret)
      return secret
    } catch {
      throw JournalError(
        .unsealable, operation, because: "it does not open with this operator key, or it was changed",
        fix: "restore operator.key of the state directory in which it was sealed")
    }
  }

  /// Opens the box of a row with `ref`, `box`, `scope`, `key_id` and `wrapped`.
  func openSealed(_ row: Row, _ keys: JournalKeys) throws -> Secret {
    let (id, scope): (String, String) = (row["key_id"], row["scope"])
    let key = try openKeys.key(id) {
      try SealingKey.unwrap(
        SealedSecret(keyID: keys.operatorKey.id, box: row["wrapped"] ?? Data()), id: id,
        under: keys.operatorKey)
    }
    return try key.open(
      SealedSecret(keyID: id, box: row["box"]),
      context: Journal.context(SecretRef(row["ref"] as String), scope: scope))
  }

  public func secret(_ ref: SecretRef) async throws(CapabilityError) -> Secret {
    do { return try open(ref) } catch {
      switch error.code {
      case .notFound: throw CapabilityError(.notFound, error.operation, because: error.because)
      case .missing, .notAJournal, .newer, .corrupt, .altered, .readOnly, .diskFull, .inputOutput, .busy,
        .permissions,
        .locked, .superseded, .shredded, .unsealable, .invalid:
        throw CapabilityError(.refused, error.operation, because: error.because, fix: error.fix)
      }
    }
  }

  /// Destroys the sealing key of `scope`: everything sealed under it is unreadable from now on (crypto-shred).
  ///
  /// The wrapped key is overwritten in the file and the write-ahead log is emptied. Safe to repeat.
  public func destroyKey(of scope: SealingScope, run: RunID? = nil, incident: IncidentID? = nil)
    throws(JournalError)
  {
    let operation = "destroy the sealing key of \(scope)"
    let destroyed = try writing(operation) { db -> String? in
      let found = try String.fetchOne(
        db, sql: "SELECT key_id FROM sealing_keys WHERE scope = ? AND wrapped IS NOT NULL",
        arguments: ["\(scope)"])
      guard let found else { return nil }
      try db.execute(
        sql: "UPDATE sealing_keys SET wrapped = NULL, destroyed_at = ? WHERE scope = ?",
        arguments: [Timestamp.text(settings.now()), "\(scope)"])
      try db.execute(sql: "DELETE FROM sealed WHERE scope = ?", arguments: ["\(scope)"])
      _ = try extend(
        db, with: [NewEvent(.keyDestroyed, run: run, incident: incident, ["key_id": .string(found)])])
      return found
    }
    guard let destroyed else { return }
    openKeys.forget(destroyed)
    try emptyWriteAheadLog(operation)
  }

  /// The names of the scopes whose key still exists.
  public func liveSealingScopes() throws(JournalError) -> Set<String> {
    try reading("list the sealing keys") { db in
      Set(try String.fetchAll(db, sql: "SELECT scope FROM sealing_keys WHERE wrapped IS NOT NULL"))
    }
  }

  /// What was overwritten or removed leaves the write-ahead log too.
  func emptyWriteAheadLog(_ operation: String) throws(JournalError) {
    do {
      // A reader may keep frames alive; the next checkpoint takes them then. What remains is still wrapped.
      try database.writeWithoutTransaction { db in _ = try db.checkpoint(.passive) }
      try database.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
    } catch let error as DatabaseError
      where error.resultCode == .SQLITE_BUSY || error.resultCode == .SQLITE_LOCKED
    {
      return
    } catch {
      throw JournalError(error, operation, path: path)
    }
  }

  /// Seals inside the caller's transaction. - Returns: the events that say so.
  func seal(_ sealing: Sealing, in db: Database, like event: NewEvent?) throws -> [NewEvent] {
    let (key, scope) = try sealingKey(sealing.scope, in: db)
    var events: [NewEvent] = []
    for (ref, secret) in sealing.secrets.sorted(by: { $0.key < $1.key }) {
      settings.redactor.register(secret)
      let sealed = try key.seal(secret, context: Journal.context(ref, scope: scope))
      try db.execute(
        sql: """
          INSERT INTO sealed (ref, scope, box) VALUES (?, ?, ?)
          ON CONFLICT (ref) DO UPDATE SET box = excluded.box WHERE scope = excluded.scope
          """, arguments: [ref.rawValue, scope, sealed.box])
      guard db.changesCount == 1 else {
        throw JournalError(
          .invalid, "seal \"\(ref)\"", because: "another run or incident sealed a value under this name")
      }
      events.append(
        NewEvent(
          .secretSealed, run: event?.run, incident: event?.incident,
          ["key": .string(ref.rawValue), "purpose": .string(sealing.purpose)], at: event?.at))
    }
    return events
  }

  private func sealingKey(_ scope: SealingScope, in db: Database) throws -> (SealingKey, String) {
    let keys = try requireKeys("seal a value")
    let name = "\(scope)"
    let row = try Row.fetchOne(
      db, sql: "SELECT key_id, wrapped FROM sealing_keys WHERE scope = ?", arguments: [name])
    if let row {
      let id: String = row["key_id"]
      guard let wrapped: Data = row["wrapped"] else {
        // A closed incident whose secret was reported again: what was destroyed stays so, what comes now gets a new key.
        if case .incident = scope { return (try newKey(of: name, keys, in: db), name) }
        throw JournalError(
          .shredded, "seal a value", because: "the sealing key of \(name) was destroyed already")
      }
      let key = try openKeys.key(id) {
        try SealingKey.unwrap(
          SealedSecret(keyID: keys.operatorKey.id, box: wrapped), id: id, under: keys.operatorKey)
      }
      return (key, name)
    }
    return (try newKey(of: name, keys, in: db), name)
  }

  private func newKey(of name: String, _ keys: JournalKeys, in db: Database) throws -> SealingKey {
    let key = SealingKey(id: "\(name)/\(settings.newID())")
    let wrapped = try key.wrap(under: keys.operatorKey)
    try db.execute(
      sql: """
        INSERT INTO sealing_keys (scope, key_id, wrapped) VALUES (?, ?, ?)
        ON CONFLICT (scope) DO UPDATE SET key_id = excluded.key_id, wrapped = excluded.wrapped, destroyed_at = NULL
        """, arguments: [name, key.id, wrapped.box])
    return key
  }

  /// Authenticated with each box, so that one cannot be moved to another name or scope.
  private static func context(_ ref: SecretRef, scope: String) -> String { "sealed/\(scope)/\(ref)" }
}
