import Capabilities
import Cryptography
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import Secrets
import Synchronization

// The step protocol: INTENT, perform, OUTCOME.
extension Engine {
  func act(_ action: ActionStep, of step: Step, _ context: StepContext) async throws -> Flow {
    let key = context.key(step)
    let inputs: [String: Value]
    do { inputs = try action.call.inputs(in: context.scope(attributes: environment.attributes)) } catch {
      throw ExecutionError(error, "evaluate with: of \(step.id)")
    }
    guard !inputs.values.contains(where: \.holdsUnknown) else {
      throw ExecutionError(
        .playbook, "run \(key)",
        because: "an input is not known: \(inputs.filter { $0.value.holdsUnknown }.keys.sorted())",
        fix: "complete the target in staunch.yaml, then: staunch resume \(plan.run)")
    }
    switch environment.actions[action.call.action.id] {
    case nil:
      throw ExecutionError(
        .playbook, "run \(key)", because: "this program has no action \(action.call.action.id)",
        fix: "staunch playbook lint")
    case .read(let read):
      return try await look(read, action, step, call(key, inputs: inputs, earlier: [:], attempt: 1))
    case .effect(let effect):
      let isUrgent = effect.signature.effect != .notify || context.isFinal
      let effectRun = EffectRun(
        key: key, action: effect, inputs: inputs, retry: action.retry, timeout: action.timeout,
        compensation: action.compensation, isUrgent: isUrgent)
      let flow = try await perform(effectRun)
      guard flow.goesOn else { return try notified(flow, effect, step, context) }
      return try await prove(action, effect, step, context)
    }
  }

  /// The action's own answer, then `verify:`.
  private func prove(_ action: ActionStep, _ effect: any EffectAction, _ step: Step, _ context: StepContext)
    async throws -> Flow
  {
    let key = context.key(step)
    guard recorder.history({ $0.skip(key) }) == nil else { return .goOn }
    let record = recorder.record(key)
    if let expected = action.expectation?.answer {
      let answer = effect.phases.last.flatMap { record.outcomes[$0]?.answer }
      guard answer == expected else {
        return try fail(
          key, attempt: record.attempt,
          CapabilityError(
            .conflict, effect.signature.id, because: "the answer is \(answer ?? "none"), not \(expected)"))
      }
    }
    return try await verify(action, step, context, record.outputs)
  }

  /// Every phase that has no OUTCOME yet.
  func perform(_ run: EffectRun) async throws -> Flow {
    for phase in run.action.phases {
      let flow = try await perform(run, phase)
      guard flow.goesOn else { return flow }
      if recorder.history({ $0.skip(run.key) }) != nil { return .goOn }
    }
    return .goOn
  }

  private func perform(_ run: EffectRun, _ phase: String) async throws -> Flow {
    var tries = 0
    var probes = 0
    while recorder.record(run.key).outcomes[phase] == nil {
      if recorder.history({ $0.skip(run.key) }) != nil { return .goOn }
      if let flow = try interruption(), !run.isUndo { return flow }
      let record = recorder.record(run.key)
      let end: Attempt
      if let intent = record.openIntent, intent.phase == phase {
        guard authority.covers(run.action.signature.id) else { return try uncovered(run) }
        probes += 1
        end = try await settle(run, phase, intent)
      } else {
        guard authority.covers(run.action.signature.id) else { return try uncovered(run) }
        tries += 1
        end = try await attempt(
          run, phase, number: (record.attempts[phase] ?? 0) + 1, isFirst: record.attempt == 0)
      }
      switch end {
      case .over: continue
      case .again:
        probes -= 1
        // A pause ends early when the run is to stop: then the next process asks again.
        guard !stop.isSet else { return .stopped }
        continue
      case .drifted(let flow): return flow
      case .asks(let reason): return try await decide(run, reason)
      case .failed(let error, let isOpen):
        if error.class == .awaitsPerson, !isOpen { return try await awaitPerson(run, error) }
        let number = recorder.record(run.key).attempt
        let isWorthIt = isOpen ? probes < max(2, run.retry.attempts) : run.retry.classes.contains(error.class)
        guard run.isUrgent, isWorthIt, isOpen || tries < run.retry.attempts, !isOverdue else {
          return try fail(run.key, attempt: number, error, isOpen: isOpen)
        }
        try noteRetry(run.key, attempt: number, error, isOpen: isOpen)
        try await pause(pause(before: max(tries, probes) + 1, run.retry, after: error))
      }
      // After "not done" the attempts are counted; the first one of a resumed run is always made.
      guard
        tries < max(1, run.retry.attempts) || recorder.record(run.key).openIntent != nil
          || recorder.record(run.key).outcomes[phase] != nil
      else {
        return try fail(
          run.key, attempt: recorder.record(run.key).attempt,
          CapabilityError(.timeout, run.action.signature.id, because: "it was not done in \(tries) attempts"))
      }
    }
    return .goOn
  }

  /// Nothing was done: the run waits for a person and tries again when it is resumed.
  private func awaitPerson(_ run: EffectRun, _ error: CapabilityError) async throws -> Flow {
    let prompt = error.fix.map { "\(error.because); \($0)" } ?? error.because
    try wait(run.key, .person, prompt: prompt, until: nil)
    return .waits
  }

  /// The policy's approval does not name the action: a person must approve the plan.
  private func uncovered(_ run: EffectRun) throws -> Flow {
    let action = run.action.signature.id
    guard !run.isUndo else {
      return .failed(
        run.key.step,
        "the policy does not cover \(action): approve the plan (staunch approve \(plan.digest.short)) and abort again"
      )
    }
    try wait(
      run.key, .approval,
      prompt: "a person's approval of plan \(plan.digest.short): the policy does not cover \(action)",
      until: nil)
    return .waits
  }

  /// Nothing but messages went out yet.
  private func isFirstChange(_ run: EffectRun) -> Bool {
    guard !run.isUndo, run.action.signature.effect != .notify else { return false }
    return recorder.history { history in history.actions.allSatisfy { isNotification($0) } }
  }

  /// How one try ended.
  enum Attempt {
    /// Look at the journal again: there is an OUTCOME, or the INTENT is closed.
    case over
    /// `isOpen`: it may have happened; the INTENT stays to be settled.
    case failed(CapabilityError, isOpen: Bool)
    case drifted(Flow)
    /// Only a person can tell.
    case asks(String)
    /// Ask once more: time has passed.
    case again
  }

  /// INTENT (durable), the call, OUTCOME (durable).
  private func attempt(_ run: EffectRun, _ phase: String, number: Int, isFirst: Bool) async throws -> Attempt
  {
    if let changed = changedEntry(run.inputs) {
      // Nothing is taken back with settings that nobody approved either.
      guard !run.isUndo else { return .failed(changed.error, isOpen: false) }
      return .drifted(
        try drift(run.key, what: changed.name, expected: changed.expected, found: changed.found))
    }
    let call = call(run.key, inputs: run.inputs, earlier: recorder.record(run.key).outputs, attempt: number)
    let prepared: Preparation
    let effect: PlannedEffect?
    do throws(CapabilityError) {
      effect = isFirst ? try await observed(run, call) : nil
      prepared = try await limited(to: run.timeout, by: environment.clock, run.action.signature.id) {
        () async throws(CapabilityError) in
        try await run.action.prepare(call, phase: phase)
      }
    } catch { return .failed(error.class.leavesOutcomeOpen ? error.asReadFailure : error, isOpen: false) }
    if let effect, let flow = try checkDrift(run, effect) { return .drifted(flow) }
    if isFirstChange(run) {
      if let flow = try await glance() { return .drifted(flow) }
      if isFirst { try await foretell() }
    }
    try recorder.commit(
      [recorder.event(.stepIntent, intentBody(run, phase, number, prepared))], sealing: prepared.secrets,
      purpose: "prepared")
    let patience = await run.action.patience(for: call) ?? run.timeout
    return try await outcome(of: run, phase, number, within: min(patience, run.timeout)) {
      () async throws(CapabilityError) in
      try await run.action.carryOut(call, phase: phase, prepared: prepared, under: self.authority)
    }
  }

  /// Makes the call and records its OUTCOME with its secrets in one transaction.
  private func outcome(
    of run: EffectRun, _ phase: String, _ number: Int, within timeout: Duration,
    _ perform: @escaping @Sendable () async throws(CapabilityError) -> ActionResult
  ) async throws -> Attempt {
    let id = run.action.signature.id
    try recorder.crash(.beforeCall(run.key.step, action: id, phase: phase))
    let result: Result<ActionResult, CapabilityError>
    do throws(CapabilityError) {
      result = .success(try await limited(to: timeout, by: environment.clock, id, perform))
    } catch { result = .failure(error) }
    noteChange(id)
    try recorder.crash(.afterCall(run.key.step, action: id, phase: phase))
    switch result {
    case .failure(let error):
      if error.class.leavesOutcomeOpen {
        session.withLock { $0.cut[run.key] = environment.clock.elapsed }
      }
      return .failed(error, isOpen: error.class.leavesOutcomeOpen)
    case .success(let result):
      try recorder.commit(
        result.probes.map(probeEvent) + [
          recorder.event(
            .stepOutcome, outcomeBody(result, run.key, attempt: number, action: id, phase: phase))
        ], sealing: result.secrets)
      return .over
    }
  }

  private func intentBody(_ run: EffectRun, _ phase: String, _ number: Int, _ prepared: Preparation)
    -> JSONValue
  {
    let inputs = JSONValue.object(run.inputs.mapValues(\.json))
    var touches = run.touches
    if let target = planned[run.key]?.effect?.target { touches.append(target) }
    var body: [String: JSONValue] = [
      "attempt": .integer(number), "action": .string(run.action.signature.id), "phase": .string(phase),
      "input_digest": .string(Hex.text(SHA256.hash(data: Data(inputs.canonicalBytes)))),
      "marker": .string(marker(of: run.key)),
      "snapshot": prepared.snapshot, "touches": .array(Set(touches).sorted().map(JSONValue.string)),
    ]
    if !prepared.secrets.isEmpty {
      body["sealed"] = .array(prepared.secrets.keys.map(\.rawValue).sorted().map(JSONValue.string))
    }
    switch run.compensation {
    case .some(.action(let call)): body["compensation"] = .string(call.action.id)
    case .some(.none(let reason)): body["compensation"] = .string("none: \(reason)")
    case nil: break
    }
    return run.key.body(body)
  }
}
