import Capabilities
import Foundation
import Incidents
import JSON
import Playbooks
import Synchronization

// Gates, manual steps, pauses: everything that takes time or people.
extension Engine {
  /// Lets the step through when enough people said yes to exactly this plan.
  func passGate(_ step: Step, _ key: StepKey) async throws -> Flow {
    guard let gate = step.approval else { return .goOn }
    let roles = gate.roles.map(\.rawValue).sorted()
    if let reason = recorder.history({ $0.refusals[step.id] }) {
      let role = roles.contains("responder") ? "" : roles.first.map { " --role \($0)" } ?? ""
      return try fail(
        key, attempt: 0,
        CapabilityError(
          .refused, "pass the gate \(step.id)", because: "it was declined: \(reason)",
          fix: (step.isGate ? "" : "staunch skip \(step.id) --reason 'why', ")
            + "staunch abort \(plan.run) --reason 'why', or approve it after all: "
            + "staunch approve \(plan.digest.short) --step \(step.id)\(role)"))
    }
    let rule = environment.policy.rule(for: gate, of: step, initiator: environment.initiator)
    let since = recorder.record(key).waitingSince(for: .approval)
    let until = gate.within.map { (since ?? environment.clock.now).addingTimeInterval($0.seconds) }
    // Where the playbook says `on_timeout: stop`, a yes that comes later is none.
    let limit = gate.onTimeout == .stop ? until : nil
    if isApproved(step.id, by: rule, until: limit) { return .goOn }
    if let limit, environment.clock.now > limit { return try tooLate(key) }
    let request = ApprovalRequest(
      run: plan.run, step: step.id, title: step.title, digest: plan.digest, gate: gate,
      effects: plan.effects(behind: step.id),
      given: approvals(of: step.id, until: limit), until: until)
    let prompt = "approval by \(gate.summary) of plan \(plan.digest.short)"
    try announce(key, .approval, prompt: prompt, until: until, roles: roles)
    for approval in await attended({ await environment.attendant.approvals(for: request) })
    where holds(approval, for: step.id) && !request.given.contains(approval) {
      var body = approval.json.object ?? [:]
      body["plan"] = .string(plan.id.rawValue)
      try recorder.commit([recorder.event(.planApproved, .object(body))])
    }
    if isApproved(step.id, by: rule, until: limit) { return .goOn }
    if let limit, environment.clock.now > limit { return try tooLate(key) }
    try wait(key, .approval, prompt: prompt, until: until, roles: roles)
    return .waits
  }

  private func tooLate(_ key: StepKey) throws -> Flow {
    try fail(
      key, attempt: 0,
      CapabilityError(
        .timeout, "wait for approval", because: "nobody approved in time",
        fix: "ask again with: staunch resume \(plan.run); or staunch abort \(plan.run) --reason 'why'"))
  }

  /// - Parameter until: what arrived later does not count; nil: everything does.
  private func approvals(of step: StepID, until: Date?) -> [Approval] {
    recorder.history { $0.approvals(of: step, until: until) }.filter { holds($0, for: step) }
  }

  private func isApproved(_ step: StepID, by rule: ApprovalRule, until: Date?) -> Bool {
    check(approvals(of: step, until: until), rule)
  }

  private func holds(_ approval: Approval, for step: StepID) -> Bool {
    approval.step == step && check([approval], ApprovalRule(minimum: 0))
  }

  private func check(_ approvals: [Approval], _ rule: ApprovalRule) -> Bool {
    do throws(ApprovalError) {
      _ = try ApprovedPlan(
        digest: plan.digest, mode: authority.mode, approvals: approvals, rule: rule,
        trusted: environment.policy.trusted)
      return true
    } catch { return false }
  }

  /// Work for a person.
  func ask(_ manual: ManualStep, of step: Step, _ context: StepContext) async throws -> Flow {
    let key = context.key(step)
    if recorder.record(key).collected != nil { return .goOn }
    let text: Value
    do { text = try manual.instructions.value(in: context.scope(attributes: environment.attributes)) } catch {
      throw ExecutionError(error, "evaluate manual: of \(step.id)")
    }
    let instructions = text.text ?? step.title
    let request = ManualRequest(
      run: plan.run, step: step.id, item: key.item, title: step.title, instructions: instructions,
      collect: manual.collect)
    let since = recorder.record(key).waitingSince(for: .manual) ?? environment.clock.now
    let until = manual.timeout.map { since.addingTimeInterval($0.seconds) }
    let asked = manual.collect.keys.sorted()
    try announce(key, .manual, prompt: instructions, until: until, collect: asked)
    if let evidence = await attended({ await environment.attendant.evidence(for: request) }) {
      let collected = try Evidence.checked(evidence, for: manual, key)
      try recorder.commit([
        recorder.event(.stepManual, key.body(["collected": .object(collected.mapValues(\.json))]))
      ])
      session.withLock { session in
        session.changed = environment.clock.elapsed
        session.accepted = [:]
      }
      return .goOn
    }
    if let until, environment.clock.now > until {
      return try fail(
        key, attempt: 0, CapabilityError(.timeout, "wait for a person", because: "nobody did it in time"))
    }
    try wait(key, .manual, prompt: instructions, until: until, collect: asked)
    return .waits
  }

  /// Says what the run waits for.
  /// - Parameters:
  ///   - roles: whose yes is asked for; empty: anybody's, or none's.
  ///   - collect: what a manual step asks for, by name.
  func wait(
    _ key: StepKey, _ subject: Wait.Subject, prompt: String, until: Date?, roles: [String] = [],
    collect: [String] = []
  ) throws {
    session.withLock {
      $0.waits.append(Wait(subject: subject, step: key.step, item: key.item, prompt: prompt, until: until))
    }
    try noteWaiting(key, subject, prompt: prompt, until: until, roles: roles, collect: collect)
  }

  /// Says, before a person at the terminal is asked, that the run waits for them: their time counts as waiting, and others
  /// who look see what is asked.
  func announce(
    _ key: StepKey, _ subject: Wait.Subject, prompt: String, until: Date?, roles: [String] = [],
    collect: [String] = []
  ) throws {
    guard environment.attendant.isPerson else { return }
    try noteWaiting(key, subject, prompt: prompt, until: until, roles: roles, collect: collect)
    try recorder.flush()
  }

  private func noteWaiting(
    _ key: StepKey, _ subject: Wait.Subject, prompt: String, until: Date?, roles: [String],
    collect: [String]
  ) throws {
    guard recorder.record(key).waitingFor != subject.rawValue else { return }
    var body: [String: JSONValue] = ["for": .string(subject.rawValue), "prompt": .string(prompt)]
    if let until { body["until"] = .string(Timestamp.text(until)) }
    if !roles.isEmpty { body["roles"] = .array(roles.map(JSONValue.string)) }
    if !collect.isEmpty { body["collect"] = .array(collect.map(JSONValue.string)) }
    try recorder.note(.stepWaiting, key.body(body))
  }

  /// Waits, durably noted; ends early when the run is asked to stop.
  func pause(_ duration: Duration) async throws {
    try recorder.flush()
    guard duration > .zero, !stop.isSet else { return }
    let clock = environment.clock
    let stop = stop
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        do { try await clock.sleep(for: duration) } catch { return }  // cancelled: the other one was first
      }
      group.addTask { await stop.wait() }
      await group.next()
      group.cancelAll()
    }
    // A pause that a cancelled task does not take would turn every poll into a spin.
    try Task.checkCancellation()
  }

  /// The pause before the next attempt: full jitter, and never earlier than the provider allows.
  func pause(before attempt: Int, _ policy: RetryPolicy, after error: CapabilityError) -> Duration {
    let bound = policy.pause(before: attempt)
    let jittered = policy.jitter == .full ? bound * environment.clock.random() : bound
    let pause = max(jittered, error.retryAfter ?? .zero)
    DebugLog.note(
      .debug, "run",
      "\(plan.run) attempt \(attempt) in \(pause.milliseconds) ms, after \(error.class.rawValue): \(error.because)"
    )
    return pause
  }

  /// Fails the step that would begin after the playbook's deadline. No `on_failure` excuses that; a resume counts anew.
  func overdue(_ key: StepKey) throws -> Flow? {
    guard isOverdue, let deadline = playbook.deadline else { return nil }
    return try fail(
      key, attempt: recorder.record(key).attempt,
      CapabilityError(
        .timeout, "begin \(key)", because: "the playbook's deadline of \(deadline) is over",
        fix: "look at what took so long, then: staunch resume \(plan.run)"))
  }

  /// The time that a person takes to answer is not the run's.
  func attended<Answer>(_ ask: () async -> Answer) async -> Answer {
    let asked = environment.clock.elapsed
    let answer = await ask()
    session.withLock { $0.began += environment.clock.elapsed - asked }
    return answer
  }

  /// True when this process has worked on the run for longer than the playbook allows; waiting for people does not count.
  var isOverdue: Bool {
    guard let deadline = playbook.deadline else { return false }
    return environment.clock.elapsed - session.withLock { $0.began } > deadline
  }
}

/// What a person hands in.
enum Evidence {
  /// - Throws: `.input` naming what is missing or of the wrong type.
  static func checked(_ given: [String: Value], for manual: ManualStep, _ key: StepKey) throws(ExecutionError)
    -> [String: Value]
  {
    var collected: [String: Value] = [:]
    for (name, type) in manual.collect {
      guard let value = given[name]?.coerced(to: type) else {
        throw ExecutionError(
          .input, "finish \(key)", because: "\"\(name)\" (\(type)) is missing or wrong",
          fix: "hand in a \(type) for \(name) with staunch done")
      }
      collected[name] = value
    }
    return collected
  }
}

extension Duration {
  /// For `Date` arithmetic.
  var seconds: Double { Double(milliseconds) / 1000 }
}
