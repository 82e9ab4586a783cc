import Capabilities
import Execution
import Incidents
import JSON
import Journal
import Playbooks
import Synchronization
import Testing

@Suite struct PlannerTests {
  let header = EngineRig.header

  private func plan(_ rig: EngineRig, _ source: String, _ inputs: [String: Value] = ["leaked": .secret("s")])
    throws
    -> Plan
  {
    let playbook = try rig.load(header + source)
    return try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(playbook, inputs) }
  }

  private func rig(abuseSeen: Value = .boolean(false)) throws -> EngineRig {
    let rig = try EngineRig()
    rig.read(.abuseSearch) { _ in ActionResult(outputs: ["seen": abuseSeen]) }
    rig.read(.credentialVerify) { _ in ActionResult(outputs: ["state": .string("alive")], answer: "alive") }
    rig.effect(.credentialDisable) { _, _ in ActionResult() }
    rig.effect(.commandRun) { _, _ in ActionResult(outputs: ["status": .integer(0)]) }
    rig.effect(.consumerRollOut) { _, _ in ActionResult() }
    return rig
  }

  private let search =
    "{id: abuse, uses: abuse.search, with: {credential: cred, secret: \"${{ inputs.leaked }}\", since: \"2026-11-01T00:00:00Z\"}}"

  @Test func readsRunAndConditionsOnThemAreDecided() throws {
    let rig = try rig()
    let plan = try plan(
      rig,
      """
      steps:
        - \(search)
        - {id: yes, uses: command.run, with: {argv: [x]}, when: "steps.abuse.seen == false"}
        - {id: no, uses: command.run, with: {argv: [x]}, when: "steps.abuse.seen == true"}
      """)
    #expect(plan.steps.map(\.certainty) == [.will, .will, .skipped])
    #expect(rig.calls.withLock { $0 } == ["abuse.search abuse read"], "nothing but the read ran")
  }

  private let verify =
    "{id: old, uses: credential.verify, with: {credential: cred, secret: \"${{ inputs.leaked }}\"}}"

  @Test func `A playbook that takes one leaked value still takes a list of one`() throws {
    let plan = try plan(try rig(), "steps: [\(verify)]", ["leaked": .list([.secret("s")])])
    #expect(plan.inputs["leaked"] == .secret("s"))
  }

  @Test func `A playbook that takes one leaked value is refused with two, and the fix is named`() throws {
    let error = #expect(throws: ExecutionError.self) {
      try plan(try rig(), "steps: [\(verify)]", ["leaked": .list([.secret("s"), .secret("t")])])
    }
    #expect(error?.code == .input)
    #expect(error?.because.contains("2 leaked values") == true)
    #expect(error?.fix?.contains("leaked: {type: list<secret>}") == true)
  }

  @Test func aConditionOnWhatOnlyTheRunCanTellShowsBothBranches() throws {
    let plan = try plan(
      try rig(),
      """
      steps:
        - {id: one, uses: command.run, with: {argv: [x]}}
        - {id: ok, uses: command.run, with: {argv: [x]}, when: "steps.one.status == 0"}
        - {id: bad, uses: command.run, with: {argv: [x]}, when: "steps.one.status != 0"}
      """)
    #expect(plan.steps.map(\.certainty) == [.will, .maybe, .maybe])
  }

  @Test func aReadAfterAChangeIsNotAskedBecauseItsWorldDoesNotExistYet() throws {
    let rig = try rig()
    let plan = try plan(
      rig,
      """
      steps:
        - {id: off, uses: credential.disable, with: {credential: cred, secret: "${{ inputs.leaked }}"}}
        - {id: proof, uses: credential.verify, with: {credential: cred, secret: "${{ inputs.leaked }}"}, expect: dead}
        - {id: after, uses: command.run, with: {argv: [x]}, when: "steps.proof.state == 'dead'"}
      """)
    #expect(rig.calls.withLock { $0.isEmpty })
    #expect(plan.steps.last?.certainty == .maybe)
    #expect(plan.steps[1].problem?.contains("during the run") == true)
  }

  @Test func everyItemOfALoopHasALineAndAHugeLoopOnlyItsFirst() throws {
    let source = """
      steps:
        - id: all
          for_each: {in: "${{ inputs.names }}", as: name}
          uses: consumer.roll-out
          with: {consumer: "${{ name }}"}
      """
    let small = try plan(try rig(), source)
    #expect(small.steps.map(\.item) == [nil, 0, 1, 2])
    let many = Value.list((0..<1000).map { .consumer(ConsumerName("c\($0)")) })
    let large = try plan(try rig(), source, ["names": many])
    #expect(large.steps.map(\.item) == [nil, 0])
    #expect(large.steps[0].items == 1000)
  }

  @Test func theDigestCoversEffectsInputsAndPreconditionsAndASavedPlanReadsBack() throws {
    let rig = try rig()
    let level = Mutex(1)
    rig.effect(
      .commandRun,
      plan: { _ in
        PlannedEffect(
          will: "run", target: "host", preconditions: ["level": .integer(level.withLock { $0 })],
          reversible: false)
      }
    ) { _, _ in ActionResult() }
    let source = "steps: [{id: one, uses: command.run, with: {argv: [x]}}]"
    let playbook = try rig.load(header + source)
    func make(_ inputs: [String: Value]) throws -> Plan {
      try inVirtualTime(seed: 1, rig.clock) {
        try await Planner(actions: rig.actions.withLock { $0 }, secrets: rig.journal, clock: rig.clock).plan(
          playbook, inputs: inputs, incident: "inc-1", id: "plan-1", run: "run-1")
      }
    }
    let first = try make([:])
    #expect(try make([:]).digest == first.digest)
    #expect(try make(["credential": .credential("other")]).digest != first.digest)
    level.withLock { $0 = 2 }
    #expect(try make([:]).digest != first.digest)
    try first.save(in: rig.journal)
    let found = try Plan.find(String(first.digest.rawValue.prefix(12)), in: rig.journal)
    #expect(found.digest == first.digest)
    var changed = first.json.object ?? [:]
    changed["locks"] = ["another"]
    #expect(throws: ExecutionError.self) { try Plan(json: .object(changed)) }
  }

  @Test(arguments: [["stranger": Value.integer(1)], ["credential": Value.integer(1)]])
  func wrongInputsAreRefused(_ inputs: [String: Value]) throws {
    let rig = try rig()
    #expect(throws: ExecutionError.self) {
      try plan(rig, "steps: [{id: one, uses: command.run, with: {argv: [x]}}]", inputs)
    }
  }
}
