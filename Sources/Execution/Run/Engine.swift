public import Capabilities
import Foundation
import Incidents
import JSON
import Journal
public import Playbooks
import Synchronization

/// Executes one approved plan: INTENT, perform, OUTCOME, verify, step by step, and picks up what a crash left.
///
/// It owns the ``ExecutionAuthority``; steps that run at the same time share the engine. One engine executes one run once;
/// make a new one to resume.
public final class Engine: Sendable {
  let playbook: Playbook
  let plan: Plan
  let authority: ExecutionAuthority
  let environment: EngineEnvironment
  let recorder: RunRecorder
  let stop = StopSignal()
  let planned: [StepKey: PlannedStep]
  let session: Mutex<Session>

  /// What one process knows about its execution of the run.
  struct Session: Sendable {
    var waits: [Wait] = []
    var deferred: [Deferred] = []
    var undelivered: [StepID] = []
    /// Steps of `finally` that failed, each with why: the run ends all the same.
    var unfinished: [String] = []
    /// Steps that failed because the world is no longer as it was planned, each with what changed.
    var overtaken: [StepID: (key: StepKey, what: String)] = [:]
    /// When this process started or resumed the run, by the clock that never jumps.
    var began: Duration = .zero
    var started: Duration = .zero
    /// When a call of this process was cut off: what it asked for may still be carried out.
    var cut: [StepKey: Duration] = [:]
    /// The last time that what a credential accepts may have changed; at first the start of the process.
    var changed: Duration = .zero
    /// What was accepted since.
    var accepted: [SecretRef: Duration] = [:]
  }

  /// A notification that did not get through at once: tried again when nothing urgent is left.
  struct Deferred: Sendable {
    let step: Step
    let context: StepContext
  }

  /// - Throws: `.plan` when the playbook is not the planned one or the approval is for another plan; `.journal`.
  public init(playbook: Playbook, plan: Plan, approved: ApprovedPlan, environment: EngineEnvironment)
    throws(ExecutionError)
  {
    try plan.check(playbook)
    guard approved.digest == plan.digest else {
      throw ExecutionError(
        .approval, "run the plan \(plan.id)",
        because: "the approval is for digest \(approved.digest.short), the plan's is \(plan.digest.short)",
        fix: "staunch approve \(plan.digest.short)")
    }
    self.playbook = playbook
    self.plan = plan
    authority = approved.authority()
    self.environment = environment
    planned = Dictionary(plan.steps.map { (StepKey($0.step, $0.item), $0) }) { first, _ in first }
    session = Mutex(Session())
    do throws(JournalError) {
      recorder = try RunRecorder(
        plan: plan, finalSteps: Set(playbook.finally.flatMap(\.withDescendants).map(\.id)),
        owner: environment.owner, journal: environment.journal, clock: environment.clock,
        crashPoint: environment.crashPoint, observer: environment.observer)
    } catch { throw ExecutionError(error) }
  }

  /// Asks the run to end at the next safe point. Safe to call at any time, from a signal handler's task too.
  public func requestStop() { stop.set() }

  /// Starts the run, or goes on with it: settles what a crash left open, then continues where it stood.
  ///
  /// - Parameter reason: takes the run over from a process that still seems to execute it.
  /// - Throws: ``ExecutionError``; or what the crash hook threw. After a throw nothing more is written: resume.
  public func run(takingOverBecause reason: String? = nil) async throws -> RunEnd {
    try await journalled {
      if let end = try self.begin(takingOverBecause: reason) { return end }
      return try await self.whileRenewing { try await self.execute() }
    }
  }

  /// Takes the run back: settles what is open, then undoes effects in reverse order. Says what cannot be undone.
  public func abort(because reason: String, takingOver: String? = nil) async throws -> RunEnd {
    try await journalled {
      if let end = try self.begin(takingOverBecause: takingOver) { return end }
      if self.recorder.history({ $0.abortReason }) == nil {
        try self.recorder.commit([
          self.recorder.event(.decision, ["what": "abort", "reason": .string(reason), "role": "responder"])
        ])
      }
      return try await self.whileRenewing { try await self.takeBack() }
    }
  }

  /// - Returns: the end, when the run is over already.
  private func begin(takingOverBecause reason: String?) throws -> RunEnd? {
    let ended = recorder.history { $0.ended }
    switch ended {
    case .done, .aborted:
      // A crash may have come between the end and the destruction of the key.
      if ended == .done { try shred() }
      return recorder.history { $0.end }
    case .failed, .waiting, nil: break
    }
    session.withLock { session in
      session.began = environment.clock.elapsed
      session.changed = session.began
      session.started = session.began
    }
    let event: NewEvent
    if recorder.history({ $0.isStarted }) {
      event = recorder.event(
        .runResumed,
        [
          "reason": .string(
            reason ?? (ended == nil ? "its process ended" : "after it was \(ended?.rawValue ?? "")")),
          "owner": .string("\(environment.owner)"),
        ])
    } else {
      event = recorder.event(
        .runStarted,
        [
          "mode": .string(authority.mode.rawValue), "plan": .string(plan.id.rawValue),
          "digest": .string(plan.digest.rawValue), "playbook": .string(plan.playbook.rawValue),
          "tool_version": .string(environment.toolVersion), "drill": .boolean(authority.mode == .drill),
        ])
    }
    let opening = recorder.history { $0.isStarted } ? [] : environment.opening
    try recorder.enter(locks: plan.locks, takingOverBecause: reason, with: opening + [event])
    return nil
  }

  private func execute() async throws -> RunEnd {
    let results = StepResults()
    let context = StepContext(frame: Frame(inputs: plan.inputs, items: [:], item: nil), results: results)
    var flow: Flow
    repeat {
      session.withLock { $0.waits = [] }
      flow = try await sequence(playbook.steps, context)
      // An answer that arrived while other branches were busy is taken at once.
      guard case .waits = flow, try recorder.sync() else { break }
    } while true
    switch flow {
    case .waits: return try endWaiting(nil)
    case .stopped: return try endWaiting("stopped on request")
    case .aborting: return try await takeBack()
    case .failed(let step, let why), .drifted(let step, let why):
      let isDrift = try noteOvertaken(step) || flow.isDrift
      return try await closing(context, mayWait: false)
        ?? end(.failed, reason: "\(step): \(why)", isDrift: isDrift)
    case .goOn:
      if let end = try await closing(context, mayWait: true) { return end }
      // A policy may have covered the steps and not what comes last: then the run is not over.
      guard authority.actions == nil || session.withLock({ $0.waits.isEmpty }) else {
        return try endWaiting(nil)
      }
      guard let remaining = try await sweep() else { return try endWaiting("stopped on request") }
      return try end(.done, reason: nil, remaining: remaining)
    }
  }

  /// Writes down, as a drift, that only another plan helps the step that ended the run.
  private func noteOvertaken(_ step: StepID) throws -> Bool {
    guard let found = session.withLock({ $0.overtaken[step] }) else { return false }
    try recorder.note(.driftFound, found.key.body(["what": .string(found.what)]))
    return true
  }

  /// Late notifications, then each step of `finally`; a failure there is in the journal and passed over.
  ///
  /// - Parameter mayWait: a step of `finally` that waits for a person keeps the run waiting; a run that failed has ended
  ///   all the same, and its resume asks again.
  /// - Returns: the end, when it came before everything was tried: a stop, an abort, a wait.
  private func closing(_ context: StepContext, mayWait: Bool) async throws -> RunEnd? {
    var last = context
    last.isFinal = true
    var flow = try await deliverDeferred()
    for step in playbook.finally where flow.goesOn || flow.isWaiting {
      switch try await run(step, last) {
      case .goOn: break
      case .failed(let step, let why), .drifted(let step, let why): noteUnfinished(step, why)
      case .waits: flow = .waits
      case .stopped: flow = .stopped
      case .aborting: flow = .aborting
      }
    }
    switch flow {
    case .stopped: return try endWaiting("stopped on request")
    case .aborting: return try await takeBack()
    case .waits: return mayWait ? try endWaiting(nil) : nil
    case .goOn, .failed, .drifted: return nil
    }
  }

  /// A step of `finally` failed: nothing is held up, but whoever reads the end of the run must see it.
  func noteUnfinished(_ step: StepID, _ why: String) {
    session.withLock { $0.unfinished.append("\(step): \(why)") }
  }

  func endWaiting(_ reason: String?) throws -> RunEnd {
    var waits = session.withLock { $0.waits }
    if let reason {
      waits.append(Wait(subject: .resume, step: nil, item: nil, prompt: reason, until: nil))
    }
    let text = waits.map { wait in
      wait.step.map { "\(StepKey($0, wait.item)): \(wait.prompt)" } ?? wait.prompt
    }
    let sentence = text.joined(separator: "; ")
    try recorder.leave(
      releasing: false,
      with: [recorder.event(.runEnded, ["state": "waiting", "reason": .string(sentence)])])
    return RunEnd(.waiting, reason: sentence, waits: waits, undelivered: session.withLock { $0.undelivered })
  }

  func end(_ state: RunEnd.State, reason: String?, isDrift: Bool = false, remaining: [String] = []) throws
    -> RunEnd
  {
    var body: [String: JSONValue] = ["state": .string(state.rawValue)]
    if let reason { body["reason"] = .string(reason) }
    let undelivered = session.withLock { $0.undelivered }
    if !undelivered.isEmpty { body["undelivered"] = .array(undelivered.map { .string($0.rawValue) }) }
    let unfinished = session.withLock { $0.unfinished }
    if !unfinished.isEmpty { body["unfinished"] = .array(unfinished.map(JSONValue.string)) }
    if isDrift { body["drift"] = true }
    if !remaining.isEmpty { body["remaining"] = .array(remaining.map(JSONValue.string)) }
    // A failed run that changed something keeps its targets until it is resumed or aborted: they may be half-way. One
    // that stopped because the world is no longer as it was planned can only be replaced: another plan may have them. An
    // effect by hand is one: it was done or it was not, unless nobody knows.
    let isHalfWay = recorder.history { history in
      (isDrift || plan.run.isByHand ? history.openActions : Array(history.actions))
        .contains { !isNotification($0) }
    }
    let releases = state != .failed || !isHalfWay
    try recorder.leave(releasing: releases, with: [recorder.event(.runEnded, .object(body))])
    if state == .done { try shred() }
    return RunEnd(
      state, reason: reason, isDrift: isDrift, undelivered: undelivered, unfinished: unfinished,
      remaining: remaining)
  }

  func isNotification(_ action: String) -> Bool {
    environment.actions[action]?.signature.effect == .notify
  }

  /// Makes what the run sealed unreadable: it has served. Safe to repeat.
  private func shred() throws {
    guard environment.shredsWhenDone else { return }
    try environment.journal.destroyKey(of: .run(plan.run), run: plan.run, incident: plan.incident)
  }

  /// Puts the journal's errors into the room's words.
  private func journalled(_ body: () async throws -> RunEnd) async throws -> RunEnd {
    do { return try await body() } catch let error as JournalError { throw ExecutionError(error) }
  }

  /// Keeps the lease of the run's locks while `body` runs.
  private func whileRenewing(_ body: @escaping @Sendable () async throws -> RunEnd) async throws -> RunEnd {
    try await withThrowingTaskGroup(of: RunEnd?.self) { group in
      group.addTask { try await body() }
      group.addTask {
        while !Task.isCancelled {
          do { try await self.environment.clock.sleep(for: .seconds(20)) } catch { return nil }
          // A failing renewal is found by the next append, which refuses to write without the lock.
          do { try self.recorder.renew() } catch { return nil }
        }
        return nil
      }
      var end: RunEnd?
      while end == nil, let next = try await group.next() { end = next }
      group.cancelAll()
      guard let end else {
        throw ExecutionError(.run, "run \(self.plan.run)", because: "the engine stopped without an end")
      }
      return end
    }
  }
}
