import Capabilities
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import Synchronization
import Testing

/// Drift, abort, skip, take-over, notifications, quorum: what keeps a run honest.
@Suite struct EngineSafetyTests {
  let header = """
    playbook: 1
    id: test
    title: Test
    inputs:
      credential: {type: credential, default: cred}
      leaked: {type: secret, default: null}
    """ + "\n"

  private func planned(_ rig: EngineRig, _ source: String, _ inputs: [String: Value] = [:]) throws -> (
    Playbook, Plan
  ) {
    let playbook = try rig.load(header + source)
    return (playbook, try inVirtualTime(seed: 1, rig.clock) { try await rig.plan(playbook, inputs) })
  }

  private func run(_ rig: EngineRig, _ made: (Playbook, Plan), attendant: any Attendant = NoAttendant())
    throws -> RunEnd
  {
    try inVirtualTime(seed: 1, rig.clock) { try await rig.engine(made.0, made.1, attendant: attendant).run() }
  }

  @Test func aWorldThatChangedSinceThePlanStopsTheRunBeforeTheStep() throws {
    let rig = try EngineRig()
    let owner = Mutex("alice")
    rig.effect(
      .commandRun,
      plan: { call in
        PlannedEffect(
          will: "run", target: "\(call.step)", preconditions: ["owner": .string(owner.withLock { $0 })],
          reversible: false)
      }
    ) { _, _ in ActionResult(outputs: ["status": .integer(0)]) }
    let made = try planned(rig, "steps: [{id: one, uses: command.run, with: {argv: [a]}}]")
    owner.withLock { $0 = "mallory" }
    let end = try run(rig, made)
    #expect(end.state == .failed)
    #expect(end.isDrift)
    #expect(end.reason?.contains("mallory") == true)
    #expect(rig.calls.withLock { $0.isEmpty })
    #expect(try rig.kinds.contains("drift.found"))
    #expect(try rig.journal.locks().isEmpty, "nothing was changed, so nothing stays locked")
  }

  @Test func aConditionThatTurnedAroundSinceThePlanIsDrift() throws {
    let rig = try EngineRig()
    let seen = Mutex(false)
    rig.read(.abuseSearch) { _ in ActionResult(outputs: ["seen": .boolean(seen.withLock { $0 })]) }
    rig.effect(.commandRun) { _, _ in ActionResult(outputs: ["status": .integer(0)]) }
    let made = try planned(
      rig,
      """
      steps:
        - {id: abuse, uses: abuse.search, with: {credential: cred, secret: "${{ inputs.leaked }}", since: "2026-11-01T00:00:00Z"}}
        - {id: one, uses: command.run, with: {argv: [a]}, when: "steps.abuse.seen == true"}
      """, ["leaked": .secret("s")])
    seen.withLock { $0 = true }
    let end = try run(rig, made)
    #expect(end.isDrift)
    #expect(rig.calls.withLock { !$0.contains("command.run one perform") })
  }

  @Test func aChangedPlaybookIsNotThePlannedOne() throws {
    let rig = try EngineRig()
    rig.effect(.commandRun) { _, _ in ActionResult() }
    let (_, plan) = try planned(rig, "steps: [{id: one, uses: command.run, with: {argv: [a]}}]")
    let other = try rig.load(header + "steps: [{id: one, uses: command.run, with: {argv: [b]}}]")
    #expect { _ = try rig.engine(other, plan) } throws: { ($0 as? ExecutionError)?.code == .plan }
  }

  @Test func anAbortUndoesInReverseAndSaysWhatStays() throws {
    let rig = try EngineRig()
    rig.effect(.credentialIssue) { _, _ in ActionResult(outputs: ["ref": .string("key-2")]) }
    let deleted = Mutex<[Value?]>([])
    rig.effect(.credentialDelete) { call, _ in
      deleted.withLock { $0.append(call.inputs["ref"]) }
      return ActionResult()
    }
    rig.effect(.credentialDisable) { _, _ in ActionResult() }
    rig.effect(.commandRun) { _, _ in ActionResult(outputs: ["status": .integer(0)]) }
    let made = try planned(
      rig,
      """
      steps:
        - id: new
          uses: credential.issue
          with: {credential: cred, store: vault}
          undo: {uses: credential.delete, with: {credential: cred, ref: "${{ self.ref }}"}}
        - {id: off, uses: credential.disable, with: {credential: cred, secret: "${{ inputs.leaked }}"}, undo: {uses: command.run, with: {argv: [enable]}}}
        - {id: more, uses: command.run, with: {argv: [x]}}
        - {id: go, approve: {by: [responder]}}
        - {id: never, uses: command.run, with: {argv: [y]}}
      """, ["leaked": .secret("s")])
    #expect(try run(rig, made).state == .waiting)
    let end = try inVirtualTime(seed: 1, rig.clock) {
      try await rig.engine(made.0, made.1).abort(because: "wrong incident")
    }
    #expect(end.state == .aborted)
    #expect(deleted.withLock { $0 } == [.string("key-2")])
    #expect(
      end.remaining == ["more: it cannot be taken back", "off: a leaked credential is never enabled again"])
    #expect(rig.calls.withLock { !$0.contains { $0.hasPrefix("command.run off") } })
    #expect(try rig.journal.locks().isEmpty)
    let again = try run(rig, made)
    #expect(again.state == .aborted, "an aborted run stays aborted")
  }

  @Test func `A resumed abort does not say "taking it back failed" of what the first one restored`() throws {
    let rig = try EngineRig()
    let isThere = Mutex(true)
    rig.effect(.historyRewrite) { _, _ in ActionResult(outputs: ["backup": .string("backup-1")]) }
    rig.effect(
      .historyRestore,
      settle: { _, _ in
        isThere.withLock { $0 }
          ? .notDone(evidence: "the backup is still there")
          : .done(ActionResult(), evidence: "the backup was used up")
      }
    ) { _, _ async throws(CapabilityError) in
      // A restore uses its backup up: a second one would fail.
      let wasThere = isThere.withLock { there in
        defer { there = false }
        return there
      }
      guard wasThere else {
        throw CapabilityError(.notFound, "history.restore", because: "there is no backup of this name")
      }
      return ActionResult()
    }
    let made = try planned(
      rig,
      """
      steps:
        - id: rewrite
          uses: history.rewrite
          with: {repository: shop, remove: "${{ inputs.leaked }}"}
          undo: {uses: history.restore, with: {repository: shop, backup: "${{ self.backup }}"}}
        - {id: go, approve: {by: [responder]}}
        - {id: never, uses: history.rewrite, with: {repository: shop, remove: "${{ inputs.leaked }}"}}
      """, ["leaked": .secret("s")])
    #expect(try run(rig, made).state == .waiting)
    struct Died: Error {}
    #expect(throws: Died.self) {
      try inVirtualTime(seed: 1, rig.clock) {
        try await rig.engine(made.0, made.1) { point in
          if case .afterCall(_, "history.restore", _) = point { throw Died() }
        }.abort(because: "wrong incident")
      }
    }
    #expect(!isThere.withLock { $0 }, "it was restored before the process died")
    let end = try inVirtualTime(seed: 2, rig.clock) {
      try await rig.engine(made.0, made.1).abort(because: "wrong incident")
    }
    #expect(end.state == .aborted)
    #expect(end.remaining.isEmpty, "\(end.remaining)")
    #expect(rig.calls.withLock { $0.count { $0.hasPrefix("history.restore") } } == 1)
  }

  /// Found by the simulation: the wish to repeat was taken for "it did not happen", and what had happened stayed.
  @Test(arguments: ["retry", "skip"])
  func `An abort asks what became of a step, whatever somebody decided about it before`(word: String) throws {
    let rig = try EngineRig()
    let isAnswering = Mutex(false)
    rig.effect(
      .historyRewrite,
      settle: { _, _ in
        isAnswering.withLock { $0 }
          ? .done(ActionResult(outputs: ["backup": .string("backup-1")]), evidence: "the backup is there")
          : .unknown(reason: "it does not answer")
      }
    ) { _, _ async throws(CapabilityError) in
      throw CapabilityError(.unknownOutcome, "history.rewrite", because: "the reply was lost")
    }
    rig.effect(.historyRestore) { _, _ in ActionResult() }
    let made = try planned(
      rig,
      """
      steps:
        - id: rewrite
          uses: history.rewrite
          with: {repository: shop, remove: "${{ inputs.leaked }}"}
          undo: {uses: history.restore, with: {repository: shop, backup: "${{ self.backup }}"}}
      """, ["leaked": .secret("s")])
    #expect(try run(rig, made).state != .done)
    try rig.journal.append(
      .decision, run: made.1.run, ["step": "rewrite", "what": .string(word), "reason": "in a hurry"])
    isAnswering.withLock { $0 = true }
    let end = try inVirtualTime(seed: 2, rig.clock) {
      try await rig.engine(made.0, made.1).abort(because: "wrong incident")
    }
    #expect(end.state == .aborted)
    #expect(end.remaining.isEmpty, "\(end.remaining)")
    #expect(rig.calls.withLock { $0.count { $0.hasPrefix("history.restore") } } == 1)
  }

  /// Found by the simulation: the failed step was tried again and succeeded, and nobody asked what had become of the other.
  @Test func `What answers a failure goes on where a crash left it, before anything else is tried`() throws {
    let rig = try EngineRig()
    let isBroken = Mutex(true)
    rig.effect(.commandRun, settle: { _, _ in .done(ActionResult(), evidence: "its mark is there") }) {
      call, _ throws(CapabilityError) in
      if call.step == "one", isBroken.withLock({ $0 }) {
        throw CapabilityError(.refused, "run", because: "no")
      }
      return ActionResult(outputs: ["status": .integer(0)])
    }
    let made = try planned(
      rig,
      """
      steps:
        - id: one
          uses: command.run
          with: {argv: [a]}
          on_failure:
            - {id: repair, uses: command.run, with: {argv: [b]}}
            - {id: ask, manual: "Look at it"}
            - {id: tidy, uses: command.run, with: {argv: [c]}}
        - {id: two, uses: command.run, with: {argv: [d]}}
      """)
    #expect(throws: SimulatedCrash.self) {
      try inVirtualTime(seed: 1, rig.clock) {
        try await rig.engine(made.0, made.1) { point in
          if case .afterCall("one.repair", _, _) = point { throw SimulatedCrash() }
        }.run()
      }
    }
    isBroken.withLock { $0 = false }
    #expect(try run(rig, made).state == .waiting)
    try rig.journal.append(.stepManual, run: made.1.run, ["step": "one.ask", "collected": [:]])
    #expect(try run(rig, made).state == .done)
    #expect(
      rig.calls.withLock { $0 } == [
        "command.run one perform", "command.run one.repair perform", "command.run one.tidy perform",
        "command.run two perform",
      ])
    #expect(try rig.journal.events(kinds: [.stepSettled]).map { $0.body["step"] } == ["one.repair"])
  }

  @Test func aStepThatAPersonSkippedIsLeftOut() throws {
    let rig = try EngineRig()
    let isBroken = Mutex(true)
    rig.effect(.commandRun) { call, _ throws(CapabilityError) in
      if call.step == "one", isBroken.withLock({ $0 }) {
        throw CapabilityError(.refused, "run", because: "no")
      }
      return ActionResult(outputs: ["status": .integer(0)])
    }
    let made = try planned(
      rig,
      """
      steps:
        - {id: one, uses: command.run, with: {argv: [a]}}
        - {id: two, uses: command.run, with: {argv: [b]}, when: "skipped(steps.one)"}
      """)
    #expect(try run(rig, made).state == .failed)
    try rig.journal.append(
      .stepSkipped, run: made.1.run, ["step": "one", "reason": "done by hand", "by": "operator"])
    #expect(try run(rig, made).state == .done)
    #expect(rig.calls.withLock { $0 } == ["command.run one perform", "command.run two perform"])
  }

  @Test(arguments: [
    "{id: go, approve: {by: [responder]}}", "{id: go, parallel: [{id: inner, approve: {by: [responder]}}]}",
  ])
  func aGateIsNotLeftOutWhateverTheJournalSays(gate: String) throws {
    let rig = try EngineRig()
    rig.effect(.commandRun) { _, _ in ActionResult(outputs: ["status": .integer(0)]) }
    let made = try planned(
      rig, "steps: [\(gate), {id: two, uses: command.run, with: {argv: [b]}}]")
    try rig.journal.append(
      .stepSkipped, run: made.1.run, ["step": "go", "reason": "in a hurry", "by": "operator"])
    #expect(try run(rig, made).state == .waiting)
    #expect(rig.calls.withLock { $0.isEmpty })
  }

  @Test func aFailedStepIsTriedAgainOnResumeAndFinishedOnesAreNot() throws {
    let rig = try EngineRig()
    let isBroken = Mutex(true)
    rig.effect(.commandRun) { call, _ throws(CapabilityError) in
      if call.step == "two", isBroken.withLock({ $0 }) {
        throw CapabilityError(.refused, "run", because: "no")
      }
      return ActionResult(outputs: ["status": .integer(0)])
    }
    let made = try planned(
      rig,
      """
      steps:
        - {id: one, uses: command.run, with: {argv: [a]}}
        - {id: two, uses: command.run, with: {argv: [b]}}
      finally:
        - {id: last, uses: command.run, with: {argv: [c]}}
      """)
    let first = try run(rig, made)
    #expect(first.state == .failed)
    #expect(try !rig.journal.locks().isEmpty, "something was changed: the target stays with this run")
    isBroken.withLock { $0 = false }
    #expect(try run(rig, made).state == .done)
    #expect(
      rig.calls.withLock { $0.map { $0.split(separator: " ")[1] } } == ["one", "two", "last", "two", "last"])
  }

  @Test func aNotificationThatFailsHoldsNothingUp() throws {
    let rig = try EngineRig()
    let isDown = Mutex(true)
    rig.effect(
      .ticketOpen, settle: { _, _ in .notDone(evidence: "same key") }
    ) { _, _ throws(CapabilityError) in
      if isDown.withLock({ $0 }) { throw CapabilityError(.network, "open", because: "down") }
      return ActionResult(outputs: ["id": .string("T-1")])
    }
    rig.effect(.commandRun) { _, _ in
      isDown.withLock { $0 = false }
      return ActionResult(outputs: ["status": .integer(0)])
    }
    let made = try planned(
      rig,
      """
      steps:
        - {id: ticket, uses: ticket.open, with: {tracker: security, title: x}}
        - {id: contain, uses: command.run, with: {argv: [a]}}
      """)
    let before = rig.clock.elapsed
    let end = try run(rig, made)
    #expect(end.state == .done)
    #expect(end.undelivered.isEmpty)
    #expect(
      rig.calls.withLock { $0 } == [
        "ticket.open ticket perform", "command.run contain perform", "ticket.open ticket perform",
      ])
    #expect(rig.clock.elapsed - before < .seconds(1), "containment did not wait for the ticket")
  }

  @Test func `A notification that hangs is given up after its own patience, not the step's time`() throws {
    let rig = try EngineRig()
    let clock = rig.clock
    rig.effect(
      .ticketOpen, patience: .seconds(2), settle: { _, _ in .notDone(evidence: "same key") }
    ) { _, _ throws(CapabilityError) in
      do { try await clock.sleep(for: .seconds(3600)) } catch {
        return ActionResult(outputs: ["id": .null])  // cancelled: the message waits in the outbox
      }
      throw CapabilityError(.invalid, "open", because: "nobody cancelled it")
    }
    rig.effect(.commandRun) { _, _ in ActionResult(outputs: ["status": .integer(0)]) }
    let made = try planned(
      rig,
      """
      steps:
        - {id: ticket, uses: ticket.open, with: {tracker: security, title: x}, timeout: 2m}
        - {id: contain, uses: command.run, with: {argv: [a]}}
      """)
    let before = rig.clock.elapsed
    #expect(try run(rig, made).state == .done)
    #expect(rig.clock.elapsed - before < .seconds(3))
  }

  @Test func aNotificationThatNeverGetsThroughIsReported() throws {
    let rig = try EngineRig()
    rig.effect(.ticketOpen) { _, _ throws(CapabilityError) in
      throw CapabilityError(.network, "open", because: "down")
    }
    let made = try planned(
      rig, "steps: [{id: ticket, uses: ticket.open, with: {tracker: security, title: x}}]")
    let end = try run(rig, made)
    #expect(end.state == .done)
    #expect(end.undelivered == ["ticket"])
  }

  @Test func whatNoProbeCanTellWaitsForAPersonUnlessPolicySaysOtherwise() throws {
    let rig = try EngineRig()
    let sent = Mutex(0)
    rig.effect(.httpRequest) { _, _ throws(CapabilityError) in
      let count = sent.withLock { count in
        count += 1
        return count
      }
      if count == 1 { throw CapabilityError(.unknownOutcome, "POST", because: "the reply was lost") }
      return ActionResult(outputs: ["status": .integer(200)])
    }
    let made = try planned(
      rig, "steps: [{id: hook, uses: http.request, with: {method: POST, url: \"https://hook.invalid/x\"}}]")
    let first = try run(rig, made)
    #expect(first.waits.map(\.subject) == [.decision])
    #expect(sent.withLock { $0 } == 1)
    try rig.journal.append(
      .decision, run: made.1.run, ["step": "hook", "what": "retry", "reason": "it was not received"])
    #expect(try run(rig, made).state == .done)
    #expect(sent.withLock { $0 } == 2)
  }

  @Test func aRetryWaitsAtLeastAsLongAsTheProviderAsks() throws {
    let rig = try EngineRig()
    let times = Mutex<[Duration]>([])
    rig.effect(.commandRun) { _, _ throws(CapabilityError) in
      times.withLock { $0.append(rig.clock.elapsed) }
      if times.withLock({ $0.count }) < 3 {
        throw CapabilityError(.rateLimit, "run", because: "429", retryAfter: .seconds(90))
      }
      return ActionResult(outputs: ["status": .integer(0)])
    }
    let made = try planned(
      rig,
      "steps: [{id: one, uses: command.run, with: {argv: [a]}, retry: {attempts: 3, delay: 1s, max_delay: 4s, on: [rate_limit]}}]"
    )
    #expect(try run(rig, made).state == .done)
    let gaps = times.withLock { zip($0.dropFirst(), $0).map { $0.0 - $0.1 } }
    #expect(gaps.allSatisfy { $0 >= .seconds(90) && $0 < .seconds(95) })
  }

  @Test func aGateMayAskForTwoPeopleAndTheInitiatorDoesNotCount() throws {
    let rig = try EngineRig()
    let second = LocalIdentity()
    rig.effect(.commandRun) { _, _ in ActionResult() }
    let made = try planned(rig, "steps: [{id: go, approve: {by: [responder], not_initiator: true}}]")
    let yes = YesAttendant(identity: rig.identity, clock: rig.clock)
    #expect(try run(rig, made, attendant: yes).state == .waiting)
    let word = try second.approve(made.1.digest, step: "go", role: "responder", at: rig.clock.now)
    try rig.journal.append(.planApproved, run: made.1.run, word.json)
    #expect(try run(rig, made).state == .waiting, "a stranger's word does not count")
    var environment = try rig.environment()
    environment.policy.trusted.append(try ApproverIdentity(rawKey: second.publicKey, roles: ["responder"]))
    let trusting = environment
    let end = try inVirtualTime(seed: 1, rig.clock) {
      let approved = try Approver(journal: rig.journal, policy: trusting.policy).approved(made.1, mode: .live)
      return try await Engine(playbook: made.0, plan: made.1, approved: approved, environment: trusting).run()
    }
    #expect(end.state == .done)
  }

  @Test func aManualStepTakesWhatWasHandedIn() throws {
    let rig = try EngineRig()
    rig.effect(.commandRun) { _, _ in ActionResult(outputs: ["status": .integer(0)]) }
    let made = try planned(
      rig,
      """
      steps:
        - {id: look, manual: "Look at the forks", collect: {count: integer}}
        - {id: two, uses: command.run, with: {argv: [b]}, when: "steps.look.count > 1"}
      """)
    let first = try run(rig, made)
    #expect(first.waits.map(\.prompt) == ["Look at the forks"])
    try rig.journal.append(.stepManual, run: made.1.run, ["step": "look", "collected": ["count": 2]])
    #expect(try run(rig, made).state == .done)
    #expect(rig.calls.withLock { $0 } == ["command.run two perform"])
  }

  @Test func aStopEndsAtASafePointAndTheRunGoesOnLater() throws {
    let rig = try EngineRig()
    let engine = Mutex<Engine?>(nil)
    rig.effect(.commandRun) { call, _ in
      engine.withLock { $0 }?.requestStop()
      return ActionResult(outputs: ["status": .integer(0)])
    }
    let made = try planned(
      rig,
      "steps: [{id: one, uses: command.run, with: {argv: [a]}}, {id: two, uses: command.run, with: {argv: [b]}}]"
    )
    let end = try inVirtualTime(seed: 1, rig.clock) {
      let made1 = try rig.engine(made.0, made.1)
      engine.withLock { $0 = made1 }
      return try await made1.run()
    }
    #expect(end.state == .waiting)
    #expect(end.waits.map(\.subject) == [.resume])
    engine.withLock { $0 = nil }
    #expect(try run(rig, made).state == .done)
    #expect(rig.calls.withLock { $0 } == ["command.run one perform", "command.run two perform"])
  }

  @Test func aRunThatTakesTooLongFailsInsteadOfGoingOnForEver() throws {
    let rig = try EngineRig()
    rig.read(.consumerHealth) { _ in ActionResult(answer: "unhealthy") }
    let end = try rig.run(
      """
      playbook: 1
      id: slow
      title: Slow
      deadline: 2m
      steps:
        - {id: wait, uses: consumer.health, with: {consumer: a}, expect: healthy, poll: {every: 10s, for: 1h}}
      """)
    #expect(end.state == .failed)
    #expect(rig.clock.elapsed < .seconds(180))
  }

  @Test func theStepCostsAtMostTwoDurableCommits() throws {
    let rig = try EngineRig()
    rig.effect(.commandRun) { _, _ in ActionResult(outputs: ["status": .integer(0)]) }
    rig.read(.consumerHealth) { _ in ActionResult(answer: "healthy") }
    let steps = (0..<50).map {
      "  - {id: s\($0), uses: command.run, with: {argv: [a]}, verify: {uses: consumer.health, with: {consumer: a}, expect: healthy}}"
    }
    let made = try planned(rig, "steps:\n" + steps.joined(separator: "\n"))
    let commits = Mutex(0)
    let end = try inVirtualTime(seed: 1, rig.clock) {
      try await rig.engine(
        made.0, made.1,
        crashPoint: { point in if case .afterAppend = point { commits.withLock { $0 += 1 } } }
      ).run()
    }
    #expect(end.state == .done)
    #expect(commits.withLock { $0 } == 2 * 50 + 2, "two per step, one to begin, one to end")
  }
}
