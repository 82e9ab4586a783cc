import Capabilities
public import Foundation
import GRDB
public import Incidents
import JSON

/// The right of one process to execute one run; checked in every transaction that claims it.
public struct Tenure: Sendable, Hashable {
  public let run: RunID
  public let owner: LockOwner
  public init(run: RunID, owner: LockOwner) {
    self.run = run
    self.owner = owner
  }

  /// The lock that every run holds on itself.
  var lock: String { "run/\(run)" }
}

/// A lock as the others see it.
public struct HeldLock: Sendable, Hashable {
  public enum State: String, Sendable, Codable {
    /// A process executes the run now.
    case running
    /// The run waits for a person or a time; no process executes it.
    case waiting
    /// Its process is gone: the run can be resumed.
    case stale
  }
  /// What is locked: a credential's lock text, or `run/<id>`.
  public let name: String
  public let run: RunID
  public let since: Date
  /// Nil while the run waits.
  public let owner: LockOwner?
  public let state: State
}

extension Journal {
  /// Takes `names` and the run itself for `tenure`, all or none, and appends `lock.taken` and `events`.
  ///
  /// Locks belong to runs and outlive processes: a crashed run keeps its targets until it is resumed or aborted,
  /// because its credential may be half-way. Taking what the same run holds already renews it. Safe to repeat.
  ///
  /// - Parameter reason: takes the run from an owner that still counts as alive, and is journalled.
  /// - Throws: `locked` with owner, age and the command that helps.
  public func takeLocks(
    _ names: [String], for tenure: Tenure, incident: IncidentID?, takingOverBecause reason: String? = nil,
    with events: [NewEvent] = []
  ) throws(JournalError) -> [JournalEvent] {
    let names = [tenure.lock] + names.sorted()
    do throws(JournalError) {
      let events = try lock(names, for: tenure, incident: incident, takingOverBecause: reason, with: events)
      DebugLog.note(.info, "lock", "\(tenure.run) holds \(names.joined(separator: ", "))")
      return events
    } catch {
      DebugLog.note(
        .warning, "lock", "\(tenure.run) does not get \(names.joined(separator: ", ")): \(error.because)")
      throw error
    }
  }

  private func lock(
    _ names: [String], for tenure: Tenure, incident: IncidentID?, takingOverBecause reason: String?,
    with events: [NewEvent]
  ) throws(JournalError) -> [JournalEvent] {
    try writing("take the lock \(names.joined(separator: ", "))") { db in
      var isNew = false
      for name in names {
        if let held = try heldLock(name, in: db) {
          guard held.run == tenure.run else { throw refusal(held) }
          if held.owner == tenure.owner { continue }
          guard held.state != .running || reason != nil else { throw refusal(held) }
        }
        isNew = true
        try db.execute(
          sql: """
            INSERT INTO locks (name, run, since, host, boot, pid, started, renewed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (name) DO UPDATE SET host = excluded.host, boot = excluded.boot, pid = excluded.pid,
              started = excluded.started, renewed = excluded.renewed
            """,
          arguments: [
            name, tenure.run.rawValue, Timestamp.text(settings.now()), tenure.owner.host, tenure.owner.boot,
            tenure.owner.pid, tenure.owner.started, renewal,
          ])
      }
      var all = events
      if isNew {
        var body: [String: JSONValue] = [
          "locks": .array(names.map(JSONValue.string)), "owner": .string("\(tenure.owner)"),
        ]
        if let reason { body["reason"] = .string(reason) }
        all.insert(NewEvent(.lockTaken, run: tenure.run, incident: incident, .object(body)), at: 0)
      }
      return try extend(db, with: all)
    }
  }

  /// Tells other hosts that the owner lives. Call it well within the lease.
  public func renewLocks(of tenure: Tenure) throws(JournalError) {
    try writing("renew the locks of \(tenure.run)") { db in
      try check(tenure, in: db)
      try db.execute(
        sql: "UPDATE locks SET renewed = ? WHERE run = ?", arguments: [renewal, tenure.run.rawValue])
    }
  }

  /// Gives up execution but keeps the run's locks (it waits), or frees them (it ended), with `events`, in one commit.
  public func leave(_ tenure: Tenure, incident: IncidentID?, releasing: Bool, with events: [NewEvent])
    throws(JournalError) -> [JournalEvent]
  {
    DebugLog.note(
      .info, "lock", "\(tenure.run) \(releasing ? "lets its locks go" : "keeps its locks and waits")")
    return try writing("leave \(tenure.run)") { db in
      try check(tenure, in: db)
      var all = events
      if releasing {
        let names = try String.fetchAll(
          db, sql: "SELECT name FROM locks WHERE run = ? ORDER BY name", arguments: [tenure.run.rawValue])
        try db.execute(sql: "DELETE FROM locks WHERE run = ?", arguments: [tenure.run.rawValue])
        all.append(
          NewEvent(
            .lockReleased, run: tenure.run, incident: incident,
            ["locks": .array(names.map(JSONValue.string)), "owner": .string("\(tenure.owner)")]))
      } else {
        try db.execute(
          sql: """
            UPDATE locks SET host = NULL, boot = NULL, pid = NULL, started = NULL, renewed = NULL WHERE run = ?
            """, arguments: [tenure.run.rawValue])
      }
      return try extend(db, with: all)
    }
  }

  /// Every lock that is held, by name.
  public func locks() throws(JournalError) -> [HeldLock] {
    try reading("read the locks") { db in
      try Row.fetchAll(db, sql: "SELECT * FROM locks ORDER BY name").map(heldLock)
    }
  }

  /// - Throws: `superseded` when another process executes the run, or the run's lock was given up.
  func check(_ tenure: Tenure, in db: Database) throws {
    let statement = try db.cachedStatement(
      sql: "SELECT host, boot, pid, started FROM locks WHERE name = ?")
    let row = try Row.fetchOne(statement, arguments: [tenure.lock])
    let owner = row.flatMap(owner(of:))
    guard owner == tenure.owner else {
      throw JournalError(
        .superseded, "write for \(tenure.run)",
        because: owner.map { "\($0) took the run over" } ?? "this process no longer holds the run",
        fix: "staunch status")
    }
  }

  private var renewal: Int { Int(settings.now().timeIntervalSince1970 * 1000) }

  private func heldLock(_ name: String, in db: Database) throws -> HeldLock? {
    try Row.fetchOne(db, sql: "SELECT * FROM locks WHERE name = ?", arguments: [name]).map(heldLock)
  }

  private func owner(of row: Row) -> LockOwner? {
    guard let host: String = row["host"] else { return nil }
    return LockOwner(host: host, boot: row["boot"] ?? "", pid: row["pid"] ?? 0, started: row["started"] ?? "")
  }

  private func heldLock(_ row: Row) -> HeldLock {
    let owner = owner(of: row)
    let state: HeldLock.State
    if let owner {
      let renewed: Int = row["renewed"] ?? 0
      let isLeased = !owner.isOnThisMachine && renewal - renewed < settings.lease.milliseconds
      state = settings.isAlive(owner) || isLeased ? .running : .stale
    } else {
      state = .waiting
    }
    let since: String = row["since"]
    return HeldLock(
      name: row["name"], run: RunID(row["run"]), since: Timestamp.date(since) ?? .distantPast, owner: owner,
      state: state)
  }

  private func refusal(_ held: HeldLock) -> JournalError {
    // A clock that was set back makes no negative age.
    let minutes = max(0, Int(settings.now().timeIntervalSince(held.since) / 60))
    let age = "for \(minutes) min"
    if held.run.isByHand, held.state != .running {
      return JournalError(
        .locked, "take the lock \(held.name)",
        because: "\(held.run), a command that was interrupted, holds it \(age)",
        fix: "repeat that command: it finds out how it ended, and gives the lock back")
    }
    switch held.state {
    case .running:
      return JournalError(
        .locked, "take the lock \(held.name)",
        because: "\(held.owner.map { "\($0)" } ?? "another process") executes \(held.run) \(age)",
        fix:
          "watch it: staunch status; or take it over: staunch resume \(held.run) --take-over --reason 'why'"
      )
    case .waiting:
      return JournalError(
        .locked, "take the lock \(held.name)", because: "\(held.run) holds it \(age) and waits",
        fix: "see what it waits for: staunch status; or end it: staunch abort \(held.run) --reason 'why'")
    case .stale:
      return JournalError(
        .locked, "take the lock \(held.name)",
        because: "\(held.run) holds it \(age), and its process is gone",
        fix: "finish it: staunch resume \(held.run); or end it: staunch abort \(held.run) --reason 'why'")
    }
  }
}
