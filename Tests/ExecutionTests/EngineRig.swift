import Capabilities
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import Secrets
import Synchronization
import TestSupport

/// A journal in a fresh directory, actions made of closures, virtual time, and one approver.
final class EngineRig: Sendable {
  /// The head of a playbook with one credential; steps follow.
  static let header = """
    playbook: 1
    id: test
    title: Test
    inputs:
      credential: {type: credential, default: cred}
      leaked: {type: secret, default: null}
      names: {type: list<consumer>, default: [a, b, c]}
    """ + "\n"

  let directory: TemporaryDirectory
  let clock: VirtualClock
  let identity = LocalIdentity()
  let journal: Journal
  let actions = Mutex<[String: AnyAction]>([:])
  /// Outside calls in order: `action step phase`.
  let calls = Mutex<[String]>([])

  init(seed: UInt64 = 1) throws {
    directory = try TemporaryDirectory(inMemory: true)
    clock = VirtualClock(seed: seed)
    journal = try EngineRig.open(directory, clock, identity)
  }

  static func open(_ directory: TemporaryDirectory, _ clock: VirtualClock, _ identity: LocalIdentity) throws
    -> Journal
  {
    let key = try StateDirectory(directory.path("state")).operatorKey()
    return try Journal.open(
      path: directory.path("journal.sqlite"), keys: JournalKeys(identity: identity, operatorKey: key),
      settings: JournalSettings(now: { clock.now }))
  }

  /// Adds an action that looks.
  func read(
    _ signature: ActionSignature,
    _ body: @escaping @Sendable (ActionCall) async throws(CapabilityError) -> ActionResult
  ) {
    let action = ClosureRead(signature: signature) { call async throws(CapabilityError) in
      self.calls.withLock {
        $0.append("\(signature.id) \(call.step)\(call.item.map { "[\($0)]" } ?? "") read")
      }
      return try await body(call)
    }
    actions.withLock { $0[signature.id] = .read(action) }
  }

  /// Adds an action that changes something.
  func effect(
    _ signature: ActionSignature, phases: [String] = ["perform"],
    plan: @escaping @Sendable (ActionCall) -> PlannedEffect = {
      PlannedEffect(will: "do it", target: "\($0.step)", reversible: true)
    },
    patience: Duration? = nil,
    settle: @escaping @Sendable (ActionCall, Preparation) async throws(CapabilityError) -> Settlement = {
      _, _ in
      .unknown(reason: "nobody can tell")
    },
    lateness: Duration = .zero,
    leftovers: @escaping @Sendable (ActionCall, [Preparation]) -> [Leftover] = { _, _ in [] },
    glance: @escaping @Sendable () -> JSONValue? = { nil },
    outlook: (@Sendable () async throws(CapabilityError) -> [String: JSONValue])? = nil,
    _ perform: @escaping @Sendable (ActionCall, String) async throws(CapabilityError) -> ActionResult
  ) {
    let action = ClosureEffect(
      signature: signature, phases: phases, patience: patience, onPlan: plan, onSettle: settle,
      lateness: lateness, onLeftovers: leftovers, onGlance: glance, onOutlook: outlook
    ) { call, phase async throws(CapabilityError) in
      self.calls.withLock {
        $0.append("\(signature.id) \(call.step)\(call.item.map { "[\($0)]" } ?? "") \(phase)")
      }
      return try await perform(call, phase)
    }
    actions.withLock { $0[signature.id] = .effect(action) }
  }

  func load(_ source: String) throws -> Playbook {
    try Playbook.load(source: source, file: "test.yaml", catalogue: ActionSignature.builtin)
  }

  func plan(_ playbook: Playbook, _ inputs: [String: Value] = [:], run: RunID = "run-00000001") async throws
    -> Plan
  {
    let planner = Planner(actions: actions.withLock { $0 }, secrets: journal, clock: clock)
    let plan = try await planner.plan(
      playbook, inputs: inputs, incident: "inc-00000001", id: "plan-1", run: run)
    try plan.save(in: journal)
    return plan
  }

  var policy: ExecutionPolicy {
    get throws {
      ExecutionPolicy(trusted: [
        try ApproverIdentity(rawKey: identity.publicKey, roles: ["responder", "repository-admin"])
      ])
    }
  }

  func environment(
    attendant: any Attendant = NoAttendant(), crashPoint: @escaping CrashPointHook = { _ in }
  ) throws -> EngineEnvironment {
    EngineEnvironment(
      journal: journal, actions: actions.withLock { $0 }, policy: try policy, attendant: attendant,
      clock: clock,
      owner: LockOwner.current, initiator: identity.fingerprint, crashPoint: crashPoint)
  }

  func engine(
    _ playbook: Playbook, _ plan: Plan, attendant: any Attendant = NoAttendant(),
    crashPoint: @escaping CrashPointHook = { _ in }
  ) throws -> Engine {
    let approver = Approver(journal: journal, policy: try policy)
    try approver.record(try identity.approve(plan.digest, role: "responder", at: clock.now), for: plan)
    return try Engine(
      playbook: playbook, plan: plan, approved: try approver.approved(plan, mode: .live),
      environment: try environment(attendant: attendant, crashPoint: crashPoint))
  }

  /// Plans and runs in virtual time.
  func run(_ source: String, _ inputs: [String: Value] = [:], attendant: any Attendant = NoAttendant()) throws
    -> RunEnd
  {
    let playbook = try load(source)
    return try inVirtualTime(seed: 1, clock) {
      let plan = try await self.plan(playbook, inputs)
      return try await self.engine(playbook, plan, attendant: attendant).run()
    }
  }

  /// Virtual sleep; ends early when cancelled.
  func nap(_ duration: Duration) async {
    do { try await clock.sleep(for: duration) } catch { return }
  }

  /// A call that never answers.
  func hang() async throws(CapabilityError) {
    do { try await clock.sleep(for: .seconds(1_000_000)) } catch {
      throw CapabilityError(.cancelled, "hang", because: "cancelled")
    }
  }

  /// Kinds of the run's events, in order.
  var kinds: [String] {
    get throws { try journal.events(run: "run-00000001").map(\.kind.rawValue) }
  }
}

struct ClosureRead: ReadAction {
  let signature: ActionSignature
  let body: @Sendable (ActionCall) async throws(CapabilityError) -> ActionResult
  func read(_ call: ActionCall) async throws(CapabilityError) -> ActionResult { try await body(call) }
}

struct ClosureEffect: EffectAction {
  let signature: ActionSignature
  let phases: [String]
  let patience: Duration?
  let onPlan: @Sendable (ActionCall) -> PlannedEffect
  let onSettle: @Sendable (ActionCall, Preparation) async throws(CapabilityError) -> Settlement
  let lateness: Duration
  let onLeftovers: @Sendable (ActionCall, [Preparation]) -> [Leftover]
  let onGlance: @Sendable () -> JSONValue?
  let onOutlook: (@Sendable () async throws(CapabilityError) -> [String: JSONValue])?
  let onPerform: @Sendable (ActionCall, String) async throws(CapabilityError) -> ActionResult

  func lateness(_ call: ActionCall) throws(CapabilityError) -> Duration { lateness }
  func leftovers(_ call: ActionCall, _ prepared: [Preparation]) async throws(CapabilityError) -> [Leftover] {
    onLeftovers(call, prepared)
  }
  func glance(_ call: ActionCall) async throws(CapabilityError) -> JSONValue? { onGlance() }
  var foreseen: Set<String> { onOutlook == nil ? [] : ["unfetched"] }
  func outlook(_ call: ActionCall) async throws(CapabilityError) -> [String: JSONValue] {
    try await onOutlook?() ?? [:]
  }
  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect { onPlan(call) }
  func patience(for call: ActionCall) async -> Duration? { patience }
  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult { try await onPerform(call, phase) }
  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement { try await onSettle(call, prepared) }
}

/// Says yes to every gate, as the responder.
struct YesAttendant: Attendant {
  var isPerson: Bool { false }
  let identity: LocalIdentity
  let clock: VirtualClock
  func approvals(for request: ApprovalRequest) async -> [Approval] {
    do {
      return [try identity.approve(request.digest, step: request.step, role: "responder", at: clock.now)]
    } catch { return [] }
  }
  func evidence(for request: ManualRequest) async -> [String: Value]? { nil }
  func decision(on question: UnknownOutcome) async -> UnknownOutcomeResponse { .ask }
}

/// Dies at the given crash point, and stays dead: nothing is written afterwards.
final class CrashAt: Sendable {
  private let left: Mutex<Int>
  init(_ moment: Int) { left = Mutex(moment) }

  var hook: CrashPointHook {
    { _ in
      let left = self.left.withLock { left in
        left -= 1
        return left
      }
      if left < 0 { throw SimulatedCrash() }
    }
  }
}
