import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import Synchronization

// Reads: a step's own, and the ones that prove an effect.
extension Engine {
  /// How a question ended.
  enum Answered: Sendable {
    /// With the watch that proved a death, where that was asked, and what spoke against the expected answer before it came.
    case result(ActionResult, DeathWatch? = nil, before: [String] = [])
    case failed(CapabilityError)
    case stopped
  }

  /// A step that only looks.
  func look(_ read: any ReadAction, _ action: ActionStep, _ step: Step, _ call: ActionCall) async throws
    -> Flow
  {
    let key = StepKey(step.id, call.item)
    let deaths = deaths(action, call)
    // A proof counts once it is written, however far the question was.
    let known = recorder.record(key)
    guard known.outcomes["read"] == nil || (deaths != nil && !known.isVerified) else { return .goOn }
    // A read may run a program too (a consumer's check).
    if let changed = changedEntry(call.inputs) {
      return try drift(key, what: changed.name, expected: changed.expected, found: changed.found)
    }
    let answered = try await question(
      read, call, action.expectation, retry: action.retry, timeout: action.timeout, key)
    switch answered {
    case .stopped: return .stopped
    case .failed(let error): return try fail(key, attempt: recorder.record(key).attempt, error)
    case .result(let result, let watch, let before):
      let attempt = max(1, recorder.record(key).attempt)
      if let deaths {
        let outcome = outcomeBody(result, key, attempt: attempt, action: read.signature.id, phase: "read")
        try proven(deaths, by: action, call, key, outcome: outcome, watch)
        return .goOn
      }
      try record(result, of: call, key, attempt: attempt, action: read.signature.id, phase: "read")
      if let expected = action.expectation?.answer {
        var body = verified(by: read, call, expected, result, watch, before)
        // The step's own question; the verification of an effect notes the answer itself.
        body["result"] = "held"
        // Asked once: a refusal that proves nothing. A journal of before proofs named their values has no such member.
        if action.expectsDeath, watch == nil { body["proof"] = .null }
        try recorder.note(.stepVerified, key.body(body))
      }
      return .goOn
    }
  }

  /// Asks until the expected answer came often enough, within its limits. Probes are noted as evidence.
  func question(
    _ read: any ReadAction, _ call: ActionCall, _ expectation: Expectation?, retry: RetryPolicy,
    timeout: Duration,
    _ key: StepKey
  ) async throws -> Answered {
    let clock = environment.clock
    let began = clock.elapsed
    var attempt = 1
    var inARow = 0
    var watch: DeathWatch?
    var before: [String] = []
    while true {
      if stop.isSet { return .stopped }
      try recorder.crash(.beforeCall(key.step, action: read.signature.id, phase: "read"))
      let outcome: Result<ActionResult, CapabilityError>
      do throws(CapabilityError) {
        outcome = .success(
          try await limited(to: timeout, by: clock, read.signature.id) { () async throws(CapabilityError) in
            try await read.read(call)
          })
      } catch { outcome = .failure(error) }
      try recorder.crash(.afterCall(key.step, action: read.signature.id, phase: "read"))
      switch outcome {
      case .success(let result):
        try note(result.probes)
        guard let expectation else { return .result(result) }
        let isExpected = result.answer == expectation.answer
        inARow = isExpected ? inARow + 1 : 0
        guard let poll = expectation.poll else {
          if inARow > 0 { return .result(result) }
          return .failed(
            result.objection
              ?? CapabilityError(
                .conflict, read.signature.id,
                because: "the answer is \(result.answer ?? "none"), not \(expectation.answer)"))
        }
        watch = watch ?? self.watch(result, answer: expectation.answer, consecutive: poll.consecutive)
        if isExpected {
          watch?.refused(result.probes, at: clock.now, elapsed: clock.elapsed)
        } else {
          let isAccepted = result.probes.contains { $0.probe.state == .alive }
          watch?.broken(isAccepted: isAccepted, at: clock.now, elapsed: clock.elapsed)
        }
        if inARow >= poll.consecutive, watch?.isProof ?? true {
          return .result(result, watch, before: before)
        }
        // Who was in the way is gone by the time that the answer is right: it is named now or never.
        let told = isExpected ? nil : Self.evidence(of: result)
        if let told, !before.contains(told), before.count < Self.mostTold { before.append(told) }
        let last = [result.answer ?? "none", told].compactMap(\.self).joined(separator: ": ")
        let end = try await next(
          poll, began, read.signature.id, expectation.answer, last, longer: watch?.propagation)
        if let end { return end }
      case .failure(let error):
        inARow = 0
        watch?.broken(isAccepted: false, at: clock.now, elapsed: clock.elapsed)
        guard error.class.isWorthRetrying(retry) else { return .failed(error) }
        if let poll = expectation?.poll {
          if let end = try await next(
            poll, began, read.signature.id, expectation?.answer ?? "", "\(error.class.rawValue)",
            longer: watch?.propagation)
          {
            return end
          }
          continue
        }
        attempt += 1
        guard attempt <= retry.attempts, !isOverdue else { return .failed(error) }
        try noteRetry(key, attempt: attempt - 1, error)
        try await pause(pause(before: attempt, retry, after: error))
      }
    }
  }

  /// Different texts of one question that are kept.
  private static let mostTold = 20

  /// What an answer says beside its word: which parts of a program hold the old value.
  private static func evidence(of result: ActionResult) -> String? {
    guard case .string(let text)? = result.outputs["evidence"], !text.isEmpty else { return nil }
    return text
  }

  /// Waits for the next poll. - Returns: the end, when the limit would be passed.
  /// - Parameter longer: the propagation time, which the limit of a proof leaves room for twice: once, and once more after
  ///   an acceptance.
  private func next(
    _ poll: Poll, _ began: Duration, _ operation: String, _ expected: String, _ last: String?,
    longer: Duration?
  ) async throws -> Answered? {
    let limit = poll.limit + (longer ?? .zero) * 2
    let spent = environment.clock.elapsed - began
    guard spent + poll.interval <= limit, !isOverdue else {
      return .failed(
        CapabilityError(
          .timeout, operation,
          because: "not \(expected) within \(limit); the last answer is \(last ?? "none")",
          fix: "look at the target, then: staunch resume \(plan.run)"))
    }
    try await pause(poll.interval)
    return stop.isSet ? .stopped : nil
  }

  /// `verify:` of an effect.
  func verify(_ action: ActionStep, _ step: Step, _ context: StepContext, _ outputs: [String: Value])
    async throws
    -> Flow
  {
    let key = context.key(step)
    guard let verification = action.verification, !recorder.record(key).isVerified else { return .goOn }
    let scope = context.scope(attributes: environment.attributes, own: outputs)
    let inputs: [String: Value]
    do { inputs = try verification.call.inputs(in: scope) } catch {
      throw ExecutionError(error, "evaluate verify: of \(step.id)")
    }
    guard case .read(let read) = environment.actions[verification.call.action.id] else {
      throw ExecutionError(
        .playbook, "verify \(step.id)", because: "\(verification.call.action.id) is no action that only looks"
      )
    }
    let call = call(key, inputs: inputs, earlier: outputs, attempt: 1)
    let answered = try await question(
      read, call, verification.expectation, retry: action.retry, timeout: action.timeout, key)
    switch answered {
    case .stopped: return .stopped
    case .failed(let error): return try fail(key, attempt: recorder.record(key).attempt, error)
    case .result(let result, let watch, let before):
      try recorder.note(
        .stepVerified,
        key.body(verified(by: read, call, verification.expectation?.answer, result, watch, before)))
      return .goOn
    }
  }

  /// `proof` stands there only when refusals went on for as long as a change may take to hold everywhere.
  private func verified(
    by read: any ReadAction, _ call: ActionCall, _ expected: String?, _ result: ActionResult,
    _ watch: DeathWatch?, _ before: [String]
  ) -> [String: JSONValue] {
    var body: [String: JSONValue] = [
      "action": .string(read.signature.id), "expect": expected.map { .string($0) } ?? .null,
      "result": .string(result.answer ?? "held"),
    ]
    if let watch { body["proof"] = .object(watch.facts) }
    if !before.isEmpty { body["before"] = .array(before.map { .string($0) }) }
    if let values = searchedValues(read.signature.id, call) { body["values"] = values }
    return body
  }

  /// What a search of a history looked for: it says nothing of the plan's other values. Nil for every other read.
  private func searchedValues(_ action: String, _ call: ActionCall) -> JSONValue? {
    guard action == "history.scan" || action == "history.verify" else { return nil }
    return .array((call.inputs["secrets"]?.secrets ?? []).map { .string($0.rawValue) })
  }

  func call(_ key: StepKey, inputs: [String: Value], earlier: [String: Value], attempt: Int) -> ActionCall {
    ActionCall(
      run: plan.run, incident: plan.incident, step: key.step, item: key.item, attempt: attempt,
      inputs: inputs,
      earlier: earlier, marker: marker(of: key), secrets: environment.journal,
      progress: environment.progress)
  }

  /// The OUTCOME of a read: sealed at once when it carries secrets, noted otherwise.
  private func record(
    _ result: ActionResult, of call: ActionCall, _ key: StepKey, attempt: Int, action: String, phase: String
  ) throws {
    let event = recorder.event(
      .stepOutcome,
      outcomeBody(
        result, key, attempt: attempt, action: action, phase: phase, values: searchedValues(action, call)))
    if result.secrets.isEmpty {
      try recorder.note([event])
    } else {
      try recorder.commit([event], sealing: result.secrets)
    }
  }

  func outcomeBody(
    _ result: ActionResult, _ key: StepKey, attempt: Int, action: String, phase: String,
    values: JSONValue? = nil
  ) -> JSONValue {
    var body: [String: JSONValue] = [
      "attempt": .integer(attempt), "action": .string(action), "phase": .string(phase),
      "outputs": .object(result.outputs.mapValues(\.json)),
    ]
    if let answer = result.answer { body["answer"] = .string(answer) }
    if result.isUnchanged { body["unchanged"] = true }
    body["values"] = values
    return key.body(body)
  }

  func note(_ probes: [ProbeRecord]) throws {
    noteAcceptances(probes)
    try recorder.note(probes.map(probeEvent))
  }

  func probeEvent(_ record: ProbeRecord) -> NewEvent {
    // Of all handles only the incident's own value came from a report; every other one was made by a run.
    let isLeaked = plan.inputs.values.contains { $0.secrets.contains(record.secret) }
    var body: [String: JSONValue] = [
      "credential": .string(record.credential.rawValue), "ref": .string(record.secret.rawValue),
      "subject": isLeaked ? "leaked" : "replacement", "state": .string(record.probe.state.rawValue),
      "code": .string(record.probe.code),
    ]
    if let evidence = record.probe.evidence {
      body["refusals"] = .integer(evidence.refusals)
      body["control_logins"] = .integer(evidence.controls)
      if !evidence.addresses.isEmpty { body["addresses"] = .array(evidence.addresses.map(JSONValue.string)) }
    }
    return recorder.event(.credentialProbed, .object(body))
  }

  /// A failed attempt that another one follows.
  func noteRetry(_ key: StepKey, attempt: Int, _ error: CapabilityError, isOpen: Bool = false) throws {
    try recorder.note(
      .stepFailed,
      key.body([
        "attempt": .integer(attempt), "final": false, "open": .boolean(isOpen), "error": error.json,
      ]))
  }

  /// The name of what the step makes outside; a step that is done anew makes something new.
  func marker(of key: StepKey) -> String {
    let generation = recorder.record(key).generation
    return Execution.marker(run: plan.run, step: key.step, item: key.item)
      + (generation > 0 ? "-\(generation)" : "")
  }

  /// Fails for good. `isOpen`: an effect may have happened; a resume settles it first.
  func fail(_ key: StepKey, attempt: Int, _ error: CapabilityError, isOpen: Bool = false) throws -> Flow {
    try recorder.note(
      .stepFailed,
      key.body([
        "attempt": .integer(attempt), "final": true, "response": "stop", "open": .boolean(isOpen),
        "error": error.json,
      ]))
    if let drift = error.drift, !isOpen {
      session.withLock { $0.overtaken[key.step] = (key: key, what: drift) }
    }
    return .failed(key.step, "\(error)")
  }
}

extension CapabilityError {
  /// `class, operation, message, fix?, request_id?`
  var json: JSONValue {
    var members: [String: JSONValue] = [
      "class": .string(`class`.rawValue), "operation": .string(operation), "message": .string(because),
    ]
    if let fix { members["fix"] = .string(fix) }
    if let requestID { members["request_id"] = .string(requestID) }
    return .object(members)
  }
}

extension CapabilityError.Class {
  /// A read that found nobody in time is worth what a broken connection is worth.
  func isWorthRetrying(_ policy: RetryPolicy) -> Bool {
    policy.classes.contains(self)
      || (policy.classes.contains(.network) && (self == .timeout || self == .unknownOutcome))
  }
}
