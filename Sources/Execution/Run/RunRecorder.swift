import Capabilities
import Chronicle
import Foundation
import Incidents
import JSON
import Journal
import Secrets
import Synchronization

/// Writes a run's events and keeps its history in step with them.
///
/// Facts that can be found out again (reads, verifications, "done") wait in memory for the next commit: the next INTENT,
/// OUTCOME or pause. So a step costs at most two durable commits, and nothing that an effect depends on can be lost.
final class RunRecorder: Sendable {
  private struct State: Sendable {
    var history: RunHistory
    var pending: [NewEvent] = []
    var oldest: Duration = .zero
    /// Everything up to here was read from the journal.
    var synced = 0
    /// What this process itself wrote of the kinds that ``sync()`` looks for, behind `synced`.
    var own: Set<Int> = []

    mutating func remember(_ written: [JournalEvent]) {
      for event in written where RunRecorder.answers.contains(event.kind) { own.insert(event.sequence) }
    }
  }

  let run: RunID
  let incident: IncidentID?
  let tenure: Tenure
  private let journal: Journal
  private let clock: any EngineClock
  private let crashPoint: CrashPointHook
  private let observer: @Sendable (JournalEvent) -> Void
  private let state: Mutex<State>

  init(
    plan: Plan, finalSteps: Set<StepID>, owner: LockOwner, journal: Journal, clock: any EngineClock,
    crashPoint: @escaping CrashPointHook,
    observer: @escaping @Sendable (JournalEvent) -> Void
  ) throws(JournalError) {
    run = plan.run
    incident = plan.incident
    tenure = Tenure(run: plan.run, owner: owner)
    self.journal = journal
    self.clock = clock
    self.crashPoint = crashPoint
    self.observer = observer
    var history = RunHistory(finalSteps: finalSteps)
    var last = 0
    try journal.forEachEvent(run: plan.run) { event in
      history.apply(event.typed, at: event.at)
      last = event.sequence
    }
    state = Mutex(State(history: history, synced: last))
  }

  /// What is known now, with what is still to be written.
  func history<Result>(_ read: (borrowing RunHistory) -> Result) -> Result {
    state.withLock { read($0.history) }
  }

  func record(_ key: StepKey) -> RunHistory.Record { state.withLock { $0.history[key] } }

  func event(_ kind: EventKind, _ body: JSONValue) -> NewEvent {
    NewEvent(kind, run: run, incident: incident, body, at: clock.now)
  }

  /// Remembers a fact for the next commit.
  func note(_ kind: EventKind, _ body: JSONValue) throws {
    try note([event(kind, body)])
  }

  func note(_ events: [NewEvent]) throws {
    guard !events.isEmpty else { return }
    log(events)
    let isFull = state.withLock { state in
      for event in events {
        state.history.apply(TypedEvent(event.kind, event.body), at: event.at ?? clock.now)
      }
      if state.pending.isEmpty { state.oldest = clock.elapsed }
      state.pending += events
      return state.pending.count >= 256 || clock.elapsed - state.oldest > .seconds(2)
    }
    if isFull { try flush() }
  }

  /// Makes everything durable.
  func flush() throws { try commit([]) }

  /// Makes everything durable together with `events` and `secrets`.
  func commit(_ events: [NewEvent], sealing secrets: [SecretRef: Secret] = [:], purpose: String = "outcome")
    throws
  {
    let sealing = secrets.isEmpty ? nil : Sealing(secrets, under: .run(run), purpose: purpose)
    let written = try state.withLock { state -> [JournalEvent] in
      let all = state.pending + events
      guard !all.isEmpty || sealing != nil else { return [] }
      let kinds = all.map(\.kind)
      try crashPoint(.beforeAppend(kinds))
      let written = try journal.append(all, sealing: sealing, under: tenure)
      state.pending = []
      state.remember(written)
      for event in events {
        state.history.apply(TypedEvent(event.kind, event.body), at: event.at ?? clock.now)
      }
      try crashPoint(.afterAppend(kinds, sequence: written.last?.sequence ?? 0))
      return written
    }
    log(events)
    for event in written { observer(event) }
  }

  /// Takes the locks and says that the run starts or goes on.
  func enter(locks: [String], takingOverBecause reason: String?, with events: [NewEvent]) throws {
    let kinds = [EventKind.lockTaken] + events.map(\.kind)
    try crashPoint(.beforeAppend(kinds))
    let written = try journal.takeLocks(
      locks, for: tenure, incident: incident, takingOverBecause: reason, with: events)
    state.withLock { state in
      for event in events {
        state.history.apply(TypedEvent(event.kind, event.body), at: event.at ?? clock.now)
      }
    }
    try crashPoint(.afterAppend(kinds, sequence: written.last?.sequence ?? 0))
    log(events)
    for event in written { observer(event) }
  }

  /// Ends execution: the run waits (locks stay) or is over (locks go).
  func leave(releasing: Bool, with events: [NewEvent]) throws {
    let written = try state.withLock { state -> [JournalEvent] in
      let all = state.pending + events
      let kinds = all.map(\.kind)
      try crashPoint(.beforeAppend(kinds))
      let written = try journal.leave(tenure, incident: incident, releasing: releasing, with: all)
      state.pending = []
      state.remember(written)
      for event in events {
        state.history.apply(TypedEvent(event.kind, event.body), at: event.at ?? clock.now)
      }
      try crashPoint(.afterAppend(kinds, sequence: written.last?.sequence ?? 0))
      return written
    }
    log(events)
    for event in written { observer(event) }
  }

  /// What people (or other processes) may append while the run is executed.
  private static let answers: Set<EventKind> = [
    .planApproved, .planDeclined, .stepManual, .stepSkipped, .decision,
  ]

  /// Reads what people appended meanwhile: approvals, evidence, skips, decisions.
  /// - Returns: true when there was something.
  @discardableResult
  func sync() throws -> Bool {
    let from = state.withLock { $0.synced }
    var found: [JournalEvent] = []
    // What stands before this is read below, so it is never looked at again: a long run asks for each step.
    let head = try journal.head().sequence
    guard head > from else { return false }
    var last = head
    try journal.forEachEvent(
      after: from, run: run, kinds: RunRecorder.answers
    ) { event in
      found.append(event)
      last = max(last, event.sequence)
    }
    return state.withLock { state in
      var isNew = false
      for event in found where state.own.remove(event.sequence) == nil {
        state.history.apply(event.typed, at: event.at)
        isNew = true
      }
      state.synced = max(state.synced, last)
      return isNew
    }
  }

  /// A line of the debug log for each event, at once: facts wait in memory for the next commit.
  private func log(_ events: [NewEvent]) {
    for event in events {
      let line = TypedEvent(event.kind, event.body).logLine(event.kind)
      DebugLog.note(event.kind == .stepFailed ? .warning : .info, "run", "\(run) \(line)")
    }
  }

  func renew() throws { try journal.renewLocks(of: tenure) }

  func crash(_ point: CrashPoint) throws { try crashPoint(point) }
}
