import Capabilities
import Execution
import Foundation
import Incidents
import Journal
import PlaybookTools
import Playbooks
import Secrets

/// Real runs over an action that does nothing.
enum MeasuredRun {
  private struct Nothing: EffectAction {
    let signature = ActionSignature.commandRun
    func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
      PlannedEffect(will: "do nothing", target: "nothing", reversible: false)
    }
    func perform(
      _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
    ) async throws(CapabilityError) -> ActionResult { ActionResult(outputs: ["status": .integer(0)]) }
    func settle(
      _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
    ) async throws(CapabilityError) -> Settlement { .notDone(evidence: "nothing was done") }
  }

  private static let actions: [String: AnyAction] = ["command.run": .effect(Nothing())]

  /// Seconds for a run of `count` steps.
  static func steps(_ count: Int, in directory: String) async throws -> Double {
    let lines = (0..<count).map { "  - {id: s\($0), uses: command.run, with: {argv: [x]}}" }
    let playbook = try load("steps:\n" + lines.joined(separator: "\n"))
    return try await run(playbook, [:], in: directory)
  }

  /// Seconds for a loop of `count` items.
  static func items(_ count: Int, in directory: String) async throws -> Double {
    let playbook = try load(
      """
      inputs:
        names: {type: list<string>}
      steps:
        - id: all
          for_each: {in: "${{ inputs.names }}", as: name, max_parallel: 4}
          uses: command.run
          with: {argv: ["${{ name }}"]}
      """)
    let names = Value.list((0..<count).map { .string("n\($0)") })
    return try await run(playbook, ["names": names], in: directory, saysMemory: true)
  }

  /// Prints what loading, linting and planning of `count` steps take.
  static func plan(steps count: Int, in directory: String) async throws {
    let lines = (0..<count).map {
      "  - {id: s\($0), uses: command.run, with: {argv: [x]}, undo: {none: \"no\"}}"
    }
    let source = "steps:\n" + lines.joined(separator: "\n")
    let clock = ContinuousClock()
    let start = clock.now
    let playbook = try load(source)
    let loaded = clock.now
    let findings = Linter.diagnostics(of: playbook).count
    let linted = clock.now
    let journal = try open(directory)
    let plan = try await Planner(actions: actions, secrets: journal).plan(
      playbook, inputs: [:], incident: nil, id: "plan-1", run: "run-1")
    let planned = clock.now
    _ = plan.digest
    StepEngine.say(
      "playbook of \(count) steps: load \(loaded - start), lint \(linted - loaded) (\(findings) findings), "
        + "plan \(planned - linted), digest \(clock.now - planned), together \(clock.now - start)")
  }

  private static func load(_ rest: String) throws -> Playbook {
    try Playbook.load(
      source: "playbook: 1\nid: bench\ntitle: Bench\n" + rest, file: "bench.yaml", catalogue: [.commandRun])
  }

  private static func open(_ directory: String) throws -> Journal {
    let state = try StateDirectory(directory)
    return try Journal.open(path: state.journalPath, keys: try state.keys())
  }

  private static func run(
    _ playbook: Playbook, _ inputs: [String: Value], in directory: String, saysMemory: Bool = false
  )
    async throws -> Double
  {
    let journal = try open(directory)
    let identity = LocalIdentity()
    let policy = ExecutionPolicy(trusted: [
      try ApproverIdentity(rawKey: identity.publicKey, roles: ["responder"])
    ])
    let plan = try await Planner(actions: actions, secrets: journal).plan(
      playbook, inputs: inputs, incident: nil, id: "plan-1", run: "run-1")
    let approver = Approver(journal: journal, policy: policy)
    try approver.record(try identity.approve(plan.digest, role: "responder", at: Date()), for: plan)
    let engine = try Engine(
      playbook: playbook, plan: plan, approved: try approver.approved(plan, mode: .live),
      environment: EngineEnvironment(journal: journal, actions: actions, policy: policy))
    try StepEngine.forgetPeak()
    let before = StepEngine.memory().now
    let clock = ContinuousClock()
    let start = clock.now
    let end = try await engine.run()
    let spent = (clock.now - start) / .seconds(1)
    if saysMemory {
      StepEngine.say("memory of the run: \(before) MB when it starts, \(StepEngine.memory().peak) MB at most")
    }
    guard end.state == .done else { throw BenchmarkError(reason: end.reason ?? "not done") }
    try journal.close()
    return spent
  }

  struct BenchmarkError: Error { let reason: String }
}
