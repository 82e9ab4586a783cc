import Capabilities
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import Synchronization
import Testing

@Suite struct EngineTests {
  let header = EngineRig.header

  @Test func aLinearRunKeepsTheStepProtocol() throws {
    let rig = try EngineRig()
    rig.effect(.commandRun) { _, _ in ActionResult(outputs: ["status": .integer(0)]) }
    let end = try rig.run(
      header + """
        steps:
          - {id: one, uses: command.run, with: {argv: [a]}}
          - {id: two, uses: command.run, with: {argv: [b]}, when: "steps.one.status == 0"}
          - {id: three, uses: command.run, with: {argv: [c]}, when: "steps.one.status == 1"}
        """)
    #expect(end.state == .done)
    #expect(rig.calls.withLock { $0 } == ["command.run one perform", "command.run two perform"])
    #expect(
      try rig.kinds == [
        "plan.approved", "lock.taken", "run.started", "step.intent", "step.outcome", "step.done",
        "step.intent",
        "step.outcome", "step.done", "step.skipped", "run.ended", "lock.released",
      ])
    #expect(try rig.journal.verify().problem == nil)
    #expect(try rig.journal.locks().isEmpty)
  }

  @Test func aGateWaitsCleanlyAndARunGoesOnWhenSomebodyApproved() throws {
    let rig = try EngineRig()
    rig.effect(.commandRun) { _, _ in ActionResult(outputs: ["status": .integer(0)]) }
    let source =
      header + """
        steps:
          - {id: one, uses: command.run, with: {argv: [a]}}
          - {id: go, approve: {by: [responder], within: 15m}}
          - {id: two, uses: command.run, with: {argv: [b]}}
        """
    let playbook = try rig.load(source)
    let plan = try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(playbook) }
    let first = try inVirtualTime(seed: 1, rig.clock) { try await rig.engine(playbook, plan).run() }
    #expect(first.state == .waiting)
    #expect(first.waits.map(\.subject) == [.approval])
    #expect(try rig.journal.locks().map(\.state) == [.waiting])

    let approver = Approver(journal: rig.journal, policy: try rig.policy)
    try approver.record(
      try rig.identity.approve(plan.digest, step: "go", role: "responder", at: rig.clock.now), for: plan)
    let second = try inVirtualTime(seed: 1, rig.clock) { try await rig.engine(playbook, plan).run() }
    #expect(second.state == .done)
    #expect(rig.calls.withLock { $0 } == ["command.run one perform", "command.run two perform"])
  }

  @Test func anApprovalOfAnotherPlanOrByAStrangerOpensNoGate() throws {
    let rig = try EngineRig()
    let playbook = try rig.load(header + "steps: [{id: go, approve: {by: [responder]}}]")
    let plan = try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(playbook) }
    let approver = Approver(journal: rig.journal, policy: try rig.policy)
    #expect(throws: ExecutionError.self) {
      try approver.record(
        try rig.identity.approve(PlanDigest("other"), step: "go", role: "responder", at: rig.clock.now),
        for: plan)
    }
    let stranger = try LocalIdentity().approve(plan.digest, step: "go", role: "responder", at: rig.clock.now)
    #expect(throws: ExecutionError.self) { try approver.record(stranger, for: plan) }
    try rig.journal.append(.planApproved, run: plan.run, stranger.json)
    let end = try inVirtualTime(seed: 1, rig.clock) { try await rig.engine(playbook, plan).run() }
    #expect(end.state == .waiting)
  }

  @Test func `A declined gate fails until somebody says yes anew; the yes from before does not count again`()
    throws
  {
    let rig = try EngineRig()
    rig.effect(.commandRun) { _, _ in ActionResult(outputs: ["status": .integer(0)]) }
    let playbook = try rig.load(
      header + """
        steps:
          - {id: go, approve: {by: [responder]}}
          - {id: one, uses: command.run, with: {argv: [a]}}
        """)
    let plan = try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(playbook) }
    func run() throws -> RunEnd {
      try inVirtualTime(seed: 1, rig.clock) { try await rig.engine(playbook, plan).run() }
    }
    let approver = Approver(journal: rig.journal, policy: try rig.policy)
    let early = try rig.identity.approve(plan.digest, step: "go", role: "responder", at: rig.clock.now)
    try approver.record(early, for: plan)
    try approver.decline(plan, step: "go", role: "responder", reason: "not on a Friday")
    let declined = try run()
    #expect(declined.state == .failed)
    #expect(declined.reason?.contains("not on a Friday") == true)
    try approver.record(early, for: plan)
    #expect(try run().state == .failed)
    #expect(rig.calls.withLock { $0 }.isEmpty)
    let late = try rig.identity.approve(
      plan.digest, step: "go", role: "responder", at: rig.clock.now.addingTimeInterval(5))
    try approver.record(late, for: plan)
    #expect(try run().state == .done)
    #expect(rig.calls.withLock { $0 } == ["command.run one perform"])
  }

  @Test func `A declined plan is never run, whoever approves it afterwards`() throws {
    let rig = try EngineRig()
    let playbook = try rig.load(header + "steps: [{id: go, approve: {by: [responder]}}]")
    let plan = try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(playbook) }
    let approver = Approver(journal: rig.journal, policy: try rig.policy)
    try approver.decline(plan, role: "responder", reason: "wrong target")
    let word = try rig.identity.approve(plan.digest, role: "responder", at: rig.clock.now)
    for attempt in [
      { try approver.record(word, for: plan) }, { _ = try approver.approved(plan, mode: .live) },
    ] {
      let error = #expect(throws: ExecutionError.self) { try attempt() }
      #expect(error?.code == .approval)
      #expect(error?.because.contains("wrong target") == true)
    }
  }

  @Test func `A plan whose run has started is taken back, not declined`() throws {
    let rig = try EngineRig()
    let playbook = try rig.load(header + "steps: [{id: go, approve: {by: [responder]}}]")
    let plan = try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(playbook) }
    #expect(
      try inVirtualTime(seed: 1, rig.clock) { try await rig.engine(playbook, plan).run() }.state == .waiting)
    let approver = Approver(journal: rig.journal, policy: try rig.policy)
    let error = #expect(throws: ExecutionError.self) {
      try approver.decline(plan, role: "responder", reason: "late")
    }
    #expect(error?.fix?.contains("staunch abort") == true)
  }

  @Test func branchesAndItemsAllRunAndMaxParallelHolds() throws {
    let rig = try EngineRig()
    let running = Mutex((now: 0, most: 0))
    rig.effect(.consumerRollOut) { _, _ throws(CapabilityError) in
      running.withLock {
        $0.now += 1
        $0.most = max($0.most, $0.now)
      }
      await rig.nap(.seconds(3))
      running.withLock { $0.now -= 1 }
      return ActionResult()
    }
    rig.read(.consumerHealth) { _ in ActionResult(answer: "healthy") }
    let end = try rig.run(
      header + """
        steps:
          - id: both
            parallel:
              - {id: x, uses: consumer.health, with: {consumer: a}}
              - {id: y, uses: consumer.health, with: {consumer: b}}
          - id: rollout
            for_each: {in: "${{ inputs.names }}", as: name, max_parallel: 2}
            uses: consumer.roll-out
            with: {consumer: "${{ name }}"}
            verify: {uses: consumer.health, with: {consumer: "${{ name }}"}, expect: healthy, poll: {every: 1s, for: 1m}}
        """)
    #expect(end.state == .done)
    #expect(running.withLock { $0.most } == 2)
    #expect(rig.calls.withLock { $0.filter { $0.hasPrefix("consumer.roll-out") }.count } == 3)
    #expect(try rig.journal.events(kinds: [.stepDone]).count == 7)
  }

  @Test func aPollWantsTheAnswerSeveralTimesInARow() throws {
    let rig = try EngineRig()
    let answers = Mutex(["alive", "dead", "alive", "dead", "dead", "dead", "alive"])
    rig.read(.credentialVerify) { call in
      ActionResult(
        outputs: ["state": .string("x")], answer: answers.withLock { $0.isEmpty ? "dead" : $0.removeFirst() })
    }
    rig.effect(.credentialDisable) { _, _ in ActionResult() }
    let end = try rig.run(
      header + """
        steps:
          - {id: off, uses: credential.disable, with: {credential: "${{ inputs.credential }}", secret: "${{ inputs.leaked }}"}}
          - id: proof
            uses: credential.verify
            with: {credential: "${{ inputs.credential }}", secret: "${{ inputs.leaked }}"}
            expect: dead
            poll: {every: 5s, for: 10m, consecutive: 3}
        """, ["leaked": .secret("s1")])
    #expect(end.state == .done)
    #expect(answers.withLock { $0 } == ["alive"])
  }

  @Test(arguments: [false, true]) func whoHeldTheOldValueIsNamedAlsoWhenItIsGone(_ stays: Bool) throws {
    let rig = try EngineRig()
    let asked = Mutex(0)
    rig.effect(.consumerRollOut) { _, _ in ActionResult() }
    rig.read(.consumerHealth) { _ in
      let number = asked.withLock { asked in
        asked += 1
        return asked
      }
      guard stays || number < 3 else { return ActionResult(answer: "healthy") }
      return ActionResult(
        outputs: ["evidence": .string("pods that hold the old value: api-1")], answer: "unhealthy")
    }
    let end = try rig.run(
      header + """
        steps:
          - id: rollout
            uses: consumer.roll-out
            with: {consumer: a}
            verify: {uses: consumer.health, with: {consumer: a}, expect: healthy, poll: {every: 1s, for: 1m}}
        """)
    #expect(end.state == (stays ? .failed : .done))
    let before = try rig.journal.events(kinds: [.stepVerified]).map { $0.body["before"] }
    let failed = try rig.journal.events(kinds: [.stepFailed]).map {
      $0.body["error"]?["message"]?.string ?? ""
    }
    #expect(before == (stays ? [] : [["pods that hold the old value: api-1"]]))
    #expect(failed.contains { $0.contains("unhealthy: pods that hold the old value: api-1") } == stays)
  }

  @Test func aTimedOutEffectIsSettledByAProbeAndNeverFailed() throws {
    let rig = try EngineRig()
    let done = Mutex(0)
    rig.effect(
      .commandRun,
      settle: { _, _ in .done(ActionResult(outputs: ["status": .integer(0)]), evidence: "it is there") }
    ) { _, _ throws(CapabilityError) in
      done.withLock { $0 += 1 }
      try await rig.hang()
      return ActionResult()
    }
    let end = try rig.run(header + "steps: [{id: one, uses: command.run, timeout: 2s, with: {argv: [a]}}]")
    #expect(end.state == .done)
    #expect(done.withLock { $0 } == 1)
    #expect(try rig.kinds.contains("step.settled"))
  }

  @Test(arguments: 0..<24) func aCrashAtAnyMomentEndsInTheSameStateAfterResume(_ moment: Int) throws {
    let rig = try EngineRig()
    let made = Mutex<Set<String>>([])
    let times = Mutex(0)
    rig.effect(
      .commandRun,
      settle: { call, _ in
        made.withLock { $0.contains(call.marker) }
          ? .done(ActionResult(outputs: ["status": .integer(0)]), evidence: "found")
          : .notDone(evidence: "not found")
      }
    ) { call, _ in
      made.withLock { _ = $0.insert(call.marker) }
      times.withLock { $0 += 1 }
      return ActionResult(outputs: ["status": .integer(0)])
    }
    rig.read(.consumerHealth) { _ in ActionResult(answer: "healthy") }
    let playbook = try rig.load(
      header + """
        steps:
          - {id: look, uses: consumer.health, with: {consumer: a}}
          - {id: one, uses: command.run, with: {argv: [a]}, verify: {uses: consumer.health, with: {consumer: a}, expect: healthy}}
          - {id: two, uses: command.run, with: {argv: [b]}}
        finally:
          - {id: last, uses: command.run, with: {argv: [c]}}
        """)
    let plan = try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(playbook) }
    let crash = CrashAt(moment)
    do {
      _ = try inVirtualTime(seed: 1, rig.clock) {
        try await rig.engine(playbook, plan, crashPoint: crash.hook).run()
      }
    } catch is SimulatedCrash {}
    let end = try inVirtualTime(seed: 1, rig.clock) { try await rig.engine(playbook, plan).run() }
    #expect(end.state == .done)
    #expect(times.withLock { $0 } == 3)
    #expect(try rig.journal.events(kinds: [.stepDone]).count == 4)
    #expect(try rig.journal.verify().problem == nil)
    #expect(try rig.journal.locks().isEmpty)
  }
}
