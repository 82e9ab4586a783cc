import Capabilities
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import Synchronization
import Testing

/// Limits of time and of people: deadline, `within`, `on_timeout`, quorum.
@Suite struct EngineLimitTests {
  private func planned(_ rig: EngineRig, _ source: String) throws -> (Playbook, Plan) {
    let playbook = try rig.load("playbook: 1\nid: test\ntitle: Test\n" + source)
    return (playbook, try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(playbook) })
  }

  private func run(_ rig: EngineRig, _ made: (Playbook, Plan), attendant: any Attendant = NoAttendant())
    throws -> RunEnd
  {
    try inVirtualTime(seed: 1, rig.clock) { try await rig.engine(made.0, made.1, attendant: attendant).run() }
  }

  private let slowSteps = """
    deadline: 2m
    steps:
      - {id: one, uses: command.run, with: {argv: [a]}, timeout: 10m, on_failure: continue}
      - {id: two, uses: command.run, with: {argv: [b]}, timeout: 10m, on_failure: continue}
    finally:
      - {id: last, uses: command.run, with: {argv: [c]}}
    """

  @Test func `No step begins after the deadline, finally runs all the same, and a resume counts anew`() throws
  {
    let rig = try EngineRig()
    rig.effect(.commandRun) { call, _ in
      if call.step == "one" { await rig.nap(.seconds(150)) }
      return ActionResult(outputs: ["status": .integer(0)])
    }
    let made = try planned(rig, slowSteps)
    let end = try run(rig, made)
    #expect(end.state == .failed)
    #expect(end.reason?.contains("deadline") == true, "\(end.reason ?? "")")
    #expect(rig.calls.withLock { $0 } == ["command.run one perform", "command.run last perform"])
    #expect(try run(rig, made).state == .done)
    #expect(rig.calls.withLock { $0.filter { $0 == "command.run one perform" } }.count == 1)
    #expect(rig.calls.withLock { $0.contains("command.run two perform") })
  }

  /// Thinks for ten minutes, then says yes.
  private struct SlowAttendant: Attendant {
    var isPerson: Bool { true }
    let rig: EngineRig
    func approvals(for request: ApprovalRequest) async -> [Approval] {
      await rig.nap(.seconds(600))
      return await YesAttendant(identity: rig.identity, clock: rig.clock).approvals(for: request)
    }
    func evidence(for request: ManualRequest) async -> [String: Value]? { nil }
    func decision(on question: UnknownOutcome) async -> UnknownOutcomeResponse { .ask }
  }

  @Test func `The time that a person takes to answer is not held against the run`() throws {
    let rig = try EngineRig()
    rig.effect(.commandRun) { _, _ in ActionResult(outputs: ["status": .integer(0)]) }
    let made = try planned(
      rig,
      """
      deadline: 2m
      steps:
        - {id: go, approve: {by: [responder]}}
        - {id: one, uses: command.run, with: {argv: [a]}}
      """)
    #expect(try run(rig, made, attendant: SlowAttendant(rig: rig)).state == .done)
  }

  @Test(arguments: [("wait", RunEnd.State.waiting), ("stop", .failed)])
  func `A gate that nobody answered in time waits or fails, as the playbook says`(
    _ word: String, _ state: RunEnd.State
  ) throws {
    let rig = try EngineRig()
    let made = try planned(
      rig, "steps: [{id: go, approve: {by: [responder], within: 15m, on_timeout: \(word)}}]")
    let first = try run(rig, made)
    #expect(first.state == .waiting)
    #expect(first.waits.first?.until == rig.clock.now.addingTimeInterval(900))
    rig.clock.pass(.seconds(901))
    #expect(try run(rig, made).state == state)
  }

  /// A yes that came after the time was over does not open a gate with `on_timeout: stop`; asked anew, a new yes does.
  @Test func `A gate that stops at its time does not pass after a late yes`() throws {
    let rig = try EngineRig()
    let made = try planned(
      rig, "steps: [{id: go, approve: {by: [responder], within: 15m, on_timeout: stop}}]")
    func approve() throws {
      try Approver(journal: rig.journal, policy: try rig.policy).record(
        try rig.identity.approve(made.1.digest, step: "go", role: "responder", at: rig.clock.now), for: made.1
      )
    }
    #expect(try run(rig, made).state == .waiting)
    rig.clock.pass(.seconds(901))
    try approve()
    let late = try run(rig, made)
    #expect(late.state == .failed)
    #expect(late.reason?.contains("nobody approved in time") == true)
    #expect(try run(rig, made).state == .waiting)
    rig.clock.pass(.seconds(5))
    try approve()
    #expect(try run(rig, made).state == .done)
  }

  @Test func `A yes that came in time opens the gate however late the run goes on`() throws {
    let rig = try EngineRig()
    let made = try planned(
      rig, "steps: [{id: go, approve: {by: [responder], within: 15m, on_timeout: stop}}]")
    #expect(try run(rig, made).state == .waiting)
    rig.clock.pass(.seconds(60))
    try Approver(journal: rig.journal, policy: try rig.policy).record(
      try rig.identity.approve(made.1.digest, step: "go", role: "responder", at: rig.clock.now), for: made.1)
    rig.clock.pass(.seconds(9000))
    #expect(try run(rig, made).state == .done)
  }

  /// Says not now, and remembers what it was shown.
  private final class Onlooker: Attendant {
    let shown = Mutex<[String]>([])
    var isPerson: Bool { true }
    func approvals(for request: ApprovalRequest) async -> [Approval] {
      shown.withLock { $0 = request.effects.map(\.step.rawValue) }
      return []
    }
    func evidence(for request: ManualRequest) async -> [String: Value]? { nil }
    func decision(on question: UnknownOutcome) async -> UnknownOutcomeResponse { .ask }
  }

  @Test func `A gate that stands alone shows what its yes lets happen, up to the next gate`() throws {
    let rig = try EngineRig()
    rig.effect(.commandRun) { _, _ in ActionResult(outputs: ["status": .integer(0)]) }
    let made = try planned(
      rig,
      """
      steps:
        - {id: go, approve: {by: [responder]}}
        - {id: one, uses: command.run, with: {argv: [a]}}
        - {id: two, uses: command.run, with: {argv: [b]}}
        - {id: more, approve: {by: [responder]}}
        - {id: three, uses: command.run, with: {argv: [c]}}
      """)
    let onlooker = Onlooker()
    #expect(try run(rig, made, attendant: onlooker).state == .waiting)
    #expect(onlooker.shown.withLock { $0 } == ["go", "one", "two"])
  }

  /// Ten minutes at the terminal are ten minutes of waiting, in the journal and in every figure that is made of it.
  @Test func `An answer at the terminal counts as a wait`() throws {
    let rig = try EngineRig()
    let made = try planned(rig, "steps: [{id: go, approve: {by: [responder]}}]")
    #expect(try run(rig, made, attendant: SlowAttendant(rig: rig)).state == .done)
    let events = try rig.journal.events(run: made.1.run, kinds: [.stepWaiting, .planApproved])
    let asked = try #require(events.first { $0.kind == .stepWaiting })
    let answered = try #require(events.last { $0.kind == .planApproved })
    #expect(answered.at.timeIntervalSince(asked.at) == 600)
  }

  @Test func `A failing step of finally stands in the end of the run`() throws {
    let rig = try EngineRig()
    rig.effect(.commandRun) { call, _ throws(CapabilityError) in
      guard call.step == "last" else { return ActionResult(outputs: ["status": .integer(0)]) }
      throw CapabilityError(.refused, "run", because: "no right")
    }
    let made = try planned(
      rig,
      """
      steps: [{id: one, uses: command.run, with: {argv: [a]}}]
      finally: [{id: last, uses: command.run, with: {argv: [b]}}]
      """)
    let end = try run(rig, made)
    #expect(end.state == .done)
    #expect(end.unfinished.count == 1)
    #expect(end.unfinished.first?.hasPrefix("last: ") == true)
    #expect(try rig.journal.events(run: made.1.run, kinds: [.runEnded]).last?.body["unfinished"] != nil)
  }

  @Test func `A plan calls nothing undoable that an abort leaves`() throws {
    let rig = try EngineRig()
    rig.effect(.commandRun) { _, _ in ActionResult(outputs: ["status": .integer(0)]) }
    let made = try planned(
      rig,
      """
      steps:
        - {id: plain, uses: command.run, with: {argv: [a]}}
        - {id: stays, uses: command.run, with: {argv: [a]}, undo: {none: it is sent}}
        - {id: back, uses: command.run, with: {argv: [a]}, undo: {uses: command.run, with: {argv: [b]}}}
      """)
    let reversible = made.1.steps.filter { $0.effect?.isReversible == true }.map(\.step.rawValue)
    #expect(reversible == ["back"])
  }

  @Test func `A gate for two people is not opened by one person's word given twice`() throws {
    let rig = try EngineRig()
    let second = LocalIdentity()
    let made = try planned(rig, "steps: [{id: go, approve: {by: [responder], min: 2}}]")
    var environment = try rig.environment()
    environment.policy.trusted.append(try ApproverIdentity(rawKey: second.publicKey, roles: ["responder"]))
    let trusting = environment
    let approver = Approver(journal: rig.journal, policy: trusting.policy)
    try approver.record(
      try rig.identity.approve(made.1.digest, role: "responder", at: rig.clock.now), for: made.1)
    func end() throws -> RunEnd {
      try inVirtualTime(seed: 1, rig.clock) {
        try await Engine(
          playbook: made.0, plan: made.1, approved: try approver.approved(made.1, mode: .live),
          environment: trusting
        ).run()
      }
    }
    for _ in 0..<2 {
      rig.clock.pass(.seconds(1))
      try approver.record(
        try rig.identity.approve(made.1.digest, step: "go", role: "responder", at: rig.clock.now), for: made.1
      )
    }
    #expect(try end().state == .waiting)
    try approver.record(
      try second.approve(made.1.digest, step: "go", role: "responder", at: rig.clock.now), for: made.1)
    #expect(try end().state == .done)
  }

  @Test func `A retry waits anything up to the doubled delay, never the same twice`() throws {
    let rig = try EngineRig()
    let times = Mutex<[Duration]>([])
    rig.effect(.commandRun) { _, _ throws(CapabilityError) in
      times.withLock { $0.append(rig.clock.elapsed) }
      throw CapabilityError(.network, "run", because: "down")
    }
    let made = try planned(
      rig,
      "steps: [{id: one, uses: command.run, with: {argv: [a]}, retry: {attempts: 6, delay: 1s, max_delay: 8s, on: [network]}}]"
    )
    #expect(try run(rig, made).state == .failed)
    let gaps = times.withLock { zip($0.dropFirst(), $0).map { $0.0 - $0.1 } }
    #expect(gaps.count == 5)
    for (gap, limit) in zip(gaps, [1, 2, 4, 8, 8]) { #expect(gap < .seconds(limit) && gap > .zero) }
    #expect(Set(gaps).count == 5)
  }

  @Test func `What a run waits for names the item of the loop`() throws {
    let rig = try EngineRig()
    rig.effect(.httpRequest) { call, _ throws(CapabilityError) in
      guard call.item == 1 else { return ActionResult(outputs: ["status": .integer(200)]) }
      throw CapabilityError(.unknownOutcome, "POST", because: "the reply was lost")
    }
    let made = try planned(
      rig,
      """
      inputs: {urls: {type: list<string>, default: ["https://a.invalid/", "https://b.invalid/"]}}
      steps:
        - id: hook
          for_each: {in: "${{ inputs.urls }}", as: one}
          uses: http.request
          with: {method: POST, url: "https://hook.invalid/x"}
      """)
    let end = try run(rig, made)
    #expect(end.waits.map(\.item) == [1])
    #expect(end.reason?.hasPrefix("hook[1]: http.request may or may not have happened") == true, "\(end)")
  }

  private func stopping(_ rig: EngineRig, _ made: (Playbook, Plan), at step: StepID) throws -> RunEnd {
    let engine = Mutex<Engine?>(nil)
    let isStopped = Mutex(false)
    rig.effect(.commandRun) { call, _ in
      if call.step == step, !isStopped.withLock({ $0 }) {
        isStopped.withLock { $0 = true }
        engine.withLock { $0 }?.requestStop()
      }
      return ActionResult(outputs: ["status": .integer(0)])
    }
    return try inVirtualTime(seed: 1, rig.clock) {
      let one = try rig.engine(made.0, made.1)
      engine.withLock { $0 = one }
      return try await one.run()
    }
  }

  @Test func `A stop inside finally leaves the rest of it to the resume`() throws {
    let rig = try EngineRig()
    rig.effect(.commandRun) { _, _ in ActionResult() }
    let made = try planned(
      rig,
      """
      steps: [{id: one, uses: command.run, with: {argv: [a]}}]
      finally:
        - {id: two, uses: command.run, with: {argv: [b]}}
        - {id: three, uses: command.run, with: {argv: [c]}}
      """)
    let end = try stopping(rig, made, at: "two")
    #expect(end.state == .waiting)
    #expect(end.waits.map(\.subject) == [.resume])
    #expect(try run(rig, made).state == .done)
    #expect(
      rig.calls.withLock { $0 } == [
        "command.run one perform", "command.run two perform", "command.run three perform",
      ])
  }

  @Test func `A stop while a late notification is tried again does not lose it`() throws {
    let rig = try EngineRig()
    let tries = Mutex(0)
    let engine = Mutex<Engine?>(nil)
    rig.effect(.ticketOpen) { _, _ throws(CapabilityError) in
      let number = tries.withLock { tries in
        tries += 1
        return tries
      }
      if number == 2 { engine.withLock { $0 }?.requestStop() }
      if number < 3 { throw CapabilityError(.network, "open", because: "down") }
      return ActionResult(outputs: ["id": .string("T-1")])
    }
    let made = try planned(
      rig, "steps: [{id: ticket, uses: ticket.open, with: {tracker: security, title: x}}]")
    let end = try inVirtualTime(seed: 1, rig.clock) {
      let one = try rig.engine(made.0, made.1)
      engine.withLock { $0 = one }
      return try await one.run()
    }
    #expect(end.state == .waiting)
    let resumed = try run(rig, made)
    #expect(resumed.state == .done && resumed.undelivered.isEmpty)
    #expect(tries.withLock { $0 } == 3)
  }

  @Test func `A person who is asked in finally is waited for`() throws {
    let rig = try EngineRig()
    let made = try planned(rig, "steps: [{id: a, manual: Look}]\nfinally: [{id: b, manual: Tell the team}]")
    try rig.journal.append(.stepManual, run: made.1.run, ["step": "a", "collected": [:]])
    let end = try run(rig, made)
    #expect(end.waits.map(\.prompt) == ["Tell the team"])
    try rig.journal.append(.stepManual, run: made.1.run, ["step": "b", "collected": [:]])
    #expect(try run(rig, made).state == .done)
  }

  @Test func `A person who is asked in the finally of a sub-playbook is waited for`() throws {
    let rig = try EngineRig()
    let inner = """
      playbook: 1
      id: inner
      title: Inner
      steps: [{id: a, manual: Look}]
      finally: [{id: b, manual: Tell the team}]
      """
    let playbook = try Playbook.load(
      source: "playbook: 1\nid: test\ntitle: Test\nsteps: [{id: sub, playbook: inner}]", file: "test.yaml",
      catalogue: [],
      includes: PlaybookLibrary(builtin: [PlaybookLibrary.File(name: "inner.yaml", text: inner)]))
    let plan = try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(playbook) }
    try rig.journal.append(.stepManual, run: plan.run, ["step": "sub.a", "collected": [:]])
    #expect(try run(rig, (playbook, plan)).waits.map(\.prompt) == ["Tell the team"])
    try rig.journal.append(.stepManual, run: plan.run, ["step": "sub.b", "collected": [:]])
    #expect(try run(rig, (playbook, plan)).state == .done)
  }
}
