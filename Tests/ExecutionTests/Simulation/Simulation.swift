import Capabilities
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import Secrets
import Synchronization

#if canImport(TestSupport)
  import TestSupport
#endif

/// One incident from a seed: plan, run, crash, resume, answer, abort — until it ends; then the invariants.
final class Simulation: Sendable {
  struct Violation: Error, CustomStringConvertible {
    let seed: UInt64
    let text: String
    let playbook: String
    let events: [String]
    var description: String {
      """
      seed \(seed): \(text)
      replay: make simulate RUNS=1 SEED=\(seed)
      \(playbook)

      """ + events.joined(separator: "\n")
    }
  }

  let seed: UInt64
  let directory: TemporaryDirectory
  let clock: VirtualClock
  let journal: Journal
  let identity = LocalIdentity()
  let world: SimulatedWorld
  /// The shape that is played; nil: a class of the step protocol's table.
  let shape: SimulatedShape?
  /// The process that lives now; all others are dead.
  private let process: Mutex<Int>
  private let random: Mutex<SeededRandom>
  private let report = Mutex(SimulationReport())

  static let run: RunID = "run-simulate"

  /// - Parameter sabotage: makes the world break one promise, to show that its invariant notices.
  init(seed: UInt64, sabotage: SimulatedWorld.Sabotage? = nil) throws {
    self.seed = seed
    directory = try TemporaryDirectory(inMemory: true)
    let clock = VirtualClock(seed: seed)
    self.clock = clock
    process = Mutex(1)
    let alive = LivingProcess()
    let key = try StateDirectory(directory.path("state")).operatorKey()
    journal = try Journal.open(
      path: directory.path("journal.sqlite"), keys: JournalKeys(identity: identity, operatorKey: key),
      settings: JournalSettings(now: { clock.now }, isAlive: { alive.pid.withLock { $0 } == $0.pid }))
    living = alive
    let world = SimulatedWorld(
      seed: seed, issuing: SimulatedWorld.Issuing.allCases[Int(seed % 3)], clock: clock, journal: journal,
      sabotage: sabotage)
    self.world = world
    random = Mutex(SeededRandom(seed &+ 99))
    // Three of ten seeds play the classes of the table, the others a shape each.
    let names = SimulatedShape.Name.allCases
    let index = Int(seed / 3 % 10)
    let name = sabotage == nil ? (index < names.count ? names[index] : nil) : sabotage?.shape
    shape = name.map { SimulatedShape($0, seed: seed / 30, world: world, sabotage: sabotage) }
  }

  /// The value that leaked.
  var leaked: String { shape?.leaked ?? SimulatedWorld.leaked }
  /// True while any node accepts it, or may.
  var isLeakedAccepted: Bool { shape?.isLeakedAccepted ?? world.acceptsAnywhere(SimulatedWorld.leaked) }

  private let living: LivingProcess

  func play() throws -> SimulationReport {
    var generator = RandomPlaybook(seed: seed)
    let text = generator.text()
    do {
      try play(text, consumers: generator.consumers)
    } catch {
      let events = (try? journal.events()) ?? []  // for the message only
      throw Violation(
        seed: seed, text: "\(error)", playbook: text,
        events: events.map { "\($0.sequence) \($0.kind.rawValue) \($0.body.canonicalText)" })
    }
    let faults = world.read(\.faults)
    let intents = world.read(\.intentsChecked)
    let trace = SimulationReport.trace(of: try journal.events())
    let count = try journal.head().sequence
    return report.withLock { report in
      report.runs = 1
      report.faults.merge(faults) { $0 + $1 }
      report.checks["no effect without intent", default: 0] += intents
      report.events = count
      report.trace = trace
      return report
    }
  }

  private func play(_ text: String, consumers: Int) throws {
    let playbook = try Playbook.load(source: text, file: "random.yaml", catalogue: ActionSignature.builtin)
    try journal.seal(
      ["leaked": Secret(leaked)], under: .incident("inc-simulate"), purpose: "leaked")
    let inputs: [String: Value] = [
      "credential": .credential("cred"), "leaked": .secret("leaked"), "store": .store("vault"),
      "consumers": .list((0..<consumers).map { .consumer(ConsumerName("c\($0)")) }),
    ]
    let clock = clock
    let actions = SimulatedActions.all(world).merging(shape?.actions(now: { clock.now }) ?? [:]) { _, new in
      new
    }
    if shape?.name == .lease { world.change { $0.stored = "nothing: its programs draw their own" } }
    let plan = try inVirtualTime(seed: seed, clock) {
      try await Planner(actions: actions, secrets: self.journal, clock: self.clock)
        .plan(playbook, inputs: inputs, incident: "inc-simulate", id: "plan-1", run: Simulation.run)
    }
    try plan.save(in: journal)
    let policy = ExecutionPolicy(trusted: [
      try ApproverIdentity(rawKey: identity.publicKey, roles: ["responder"])
    ])
    let approver = Approver(journal: journal, policy: policy)
    try approver.record(try identity.approve(plan.digest, role: "responder", at: clock.now), for: plan)
    let approved = try approver.approved(plan, mode: .live)
    var isAborting = false
    for round in 0..<200 {
      report.withLock { $0.rounds += 1 }
      if round == 40 { world.change { $0.isCalm = true } }
      let crash = CrashPlan(
        steps: world.read(\.isCalm) || !roll(0.6) ? nil : pick(60), diskFull: roll(0.2),
        count: { self.world.count("crash \($0)") })
      let owner = newProcess()
      let environment = EngineEnvironment(
        journal: journal, actions: actions, policy: policy, clock: clock, owner: owner,
        initiator: identity.fingerprint, crashPoint: crash.hook, observer: { self.hear($0) })
      let aborts = isAborting
      let end: RunEnd
      do {
        end = try inVirtualTime(seed: seed &+ UInt64(round), clock) {
          let engine = try Engine(
            playbook: playbook, plan: plan, approved: approved, environment: environment)
          if self.roll(0.1) {
            return try await self.stopping(engine, aborts)
          }
          return aborts ? try await engine.abort(because: "simulated") : try await engine.run()
        }
      } catch is SimulatedCrash {
        report.withLock { $0.crashes += 1 }
        continue
      } catch let error as ExecutionError where error.underlying?.code == .diskFull {
        world.count("disk full")
        continue
      }
      try checkNow(plan)
      checked("it ends or says what it waits for")
      switch end.state {
      case .done, .aborted:
        report.withLock { $0.ends[end.state.rawValue, default: 0] += 1 }
        try checkEnd(end, playbook, consumers)
        return
      case .waiting:
        guard !end.waits.isEmpty else { throw Failure("it waits and does not say for what") }
        for wait in end.waits { try answer(wait, plan, approver) }
        if roll(0.05) { isAborting = true }
      case .failed:
        // A verdict that nobody could give while planning, or now, makes another world than the planned one.
        let unknown = CredentialState.unknown.rawValue
        let answers = try journal.events(run: plan.run).compactMap { $0.body["answer"]?.string }
        let wasUnknown = answers.contains(unknown) || plan.steps.contains { $0.answer == unknown }
        guard !end.isDrift || world.read({ $0.foreign != nil }) || wasUnknown else {
          throw Failure("drift without a change: \(end.reason ?? "")")
        }
        if roll(0.3) { isAborting = true }
        for step in try declinedGates(plan) { try approve(step, plan, approver) }
      }
    }
    throw Failure("the run does not come to an end")
  }

  private func stopping(_ engine: Engine, _ aborts: Bool) async throws -> RunEnd {
    try await withThrowingTaskGroup(of: RunEnd?.self) { group in
      group.addTask { aborts ? try await engine.abort(because: "simulated") : try await engine.run() }
      group.addTask {
        try? await self.clock.sleep(for: .seconds(self.pick(60)))  // cancelled when the run was faster
        engine.requestStop()
        return nil
      }
      while let end = try await group.next() {
        if let end {
          group.cancelAll()
          return end
        }
      }
      throw Failure("no end")
    }
  }

  private func answer(_ wait: Wait, _ plan: Plan, _ approver: Approver) throws {
    guard let step = wait.step else { return }
    var body: [String: JSONValue] = ["step": .string(step.rawValue)]
    body["item"] = wait.item.map { .integer($0) }
    switch wait.subject {
    case .approval:
      guard !roll(0.2) else {
        world.count("gate declined")
        return try approver.decline(plan, step: step, role: "responder", reason: "simulated")
      }
      try approve(step, plan, approver)
    case .manual:
      body["collected"] = ["evidence": .array([["$url": "https://example.org/1"]])]
      try journal.append(.stepManual, run: plan.run, incident: plan.incident, .object(body))
    case .decision:
      let isRepeated = roll(0.5)
      body["what"] = isRepeated ? "retry" : "skip"
      // Whoever skips the replacement has put one into the store.
      if !isRepeated, step == "replacement" { world.change { $0.stored = $0.stored ?? "by hand" } }
      body["reason"] = "simulated"
      try journal.append(.decision, run: plan.run, incident: plan.incident, .object(body))
    case .person:
      if roll(0.5) { shape?.handOver() }
    case .resume, .containment: break
    }
  }

  private func approve(_ step: StepID, _ plan: Plan, _ approver: Approver) throws {
    try approver.record(
      try identity.approve(plan.digest, step: step, role: "responder", at: clock.now), for: plan)
  }

  /// Gates whose last word is no.
  private func declinedGates(_ plan: Plan) throws -> Set<StepID> {
    var gates: Set<StepID> = []
    for event in try journal.events(run: plan.run, kinds: [.planApproved, .planDeclined]) {
      guard let step = event.body["step"]?.string else { continue }
      if event.kind == .planDeclined { gates.insert(StepID(step)) } else { gates.remove(StepID(step)) }
    }
    return gates
  }

  private func newProcess() -> LockOwner {
    let pid = process.withLock { pid in
      pid += 1
      return pid
    }
    living.pid.withLock { $0 = pid }
    let here = LockOwner.current
    return LockOwner(host: here.host, boot: here.boot, pid: pid, started: "\(pid)")
  }

  /// Counts one look at an invariant.
  func checked(_ invariant: String) { report.withLock { $0.checks[invariant, default: 0] += 1 } }

  func roll(_ probability: Double) -> Bool { random.withLock { $0.happens(probability) } }
  func pick(_ bound: Int) -> Int { random.withLock { $0.below(bound) } }
}

/// Which simulated process lives.
final class LivingProcess: Sendable {
  let pid = Mutex(0)
}

struct Failure: Error, CustomStringConvertible {
  let description: String
  init(_ text: String) { description = text }
}
