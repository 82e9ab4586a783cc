import Capabilities
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import Secrets
import Synchronization

// An INTENT without OUTCOME is settled by a probe, never by repetition.
extension Engine {
  /// Finds out how an INTENT without OUTCOME ended.
  ///
  /// - Parameter isAbort: it is to be taken back if it happened. That somebody wanted it repeated, or left open, says nothing of
  ///   whether it did: it is asked again.
  func settle(_ run: EffectRun, _ phase: String, _ intent: RunHistory.Intent, isAbort: Bool = false)
    async throws -> Attempt
  {
    switch isAbort ? nil : recorder.record(run.key).decision {
    case .retry:
      try noteSettled(run.key, intent, "not_done", "a person decided to do it again")
      return .over
    case .skip:
      try skip(run.key, "a person decided to go on without knowing whether it happened")
      return .over
    case .ask, nil: break
    }
    var secrets: [SecretRef: Secret] = [:]
    for ref in intent.sealed { secrets[ref] = try environment.journal.open(ref) }
    let prepared = Preparation(snapshot: intent.snapshot, secrets: secrets)
    let call = call(
      run.key, inputs: run.inputs, earlier: recorder.record(run.key).outputs, attempt: intent.attempt)
    let id = run.action.signature.id
    try recorder.crash(.beforeCall(run.key.step, action: id, phase: "settle \(phase)"))
    let found: Result<Settlement, CapabilityError>
    do throws(CapabilityError) {
      found = .success(
        try await limited(to: run.timeout, by: environment.clock, id) { () async throws(CapabilityError) in
          try await run.action.findOut(call, phase: phase, prepared: prepared, under: self.authority)
        })
    } catch { found = .failure(error) }
    noteChange(id)
    try recorder.crash(.afterCall(run.key.step, action: id, phase: "settle \(phase)"))
    switch found {
    case .failure(let error): return .failed(error, isOpen: true)
    case .success(.done(let result, let evidence)):
      try recorder.commit(
        result.probes.map(probeEvent) + [
          settledEvent(run.key, intent, "done", evidence),
          recorder.event(
            .stepOutcome, outcomeBody(result, run.key, attempt: intent.attempt, action: id, phase: phase)),
        ], sealing: result.secrets)
      return .over
    case .success(.notDone(let evidence)):
      // Repeated, it would do no harm that the first one comes late; taken back, nothing may come any more.
      if isAbort {
        let lateness: Duration
        do throws(CapabilityError) { lateness = try run.action.lateness(call) } catch {
          return .failed(error, isOpen: true)
        }
        guard try await waited(lateness, for: run) else { return .again }
      }
      try noteSettled(run.key, intent, "not_done", evidence)
      return .over
    case .success(.notDoneYet(let evidence, let lateness)):
      guard try await waited(lateness, for: run) else { return .again }
      try noteSettled(run.key, intent, "not_done", evidence)
      return .over
    case .success(.unknown(let reason)):
      try noteSettled(run.key, intent, "unknown", reason)
      return .asks(reason)
    }
  }

  private func settledEvent(_ key: StepKey, _ intent: RunHistory.Intent, _ word: String, _ evidence: String)
    -> NewEvent
  {
    recorder.event(
      .stepSettled,
      key.body([
        "attempt": .integer(intent.attempt), "settlement": .string(word), "evidence": .string(evidence),
      ]))
  }

  private func noteSettled(_ key: StepKey, _ intent: RunHistory.Intent, _ word: String, _ evidence: String)
    throws
  {
    try recorder.note([settledEvent(key, intent, word, evidence)])
  }

  func skip(_ key: StepKey, _ reason: String) throws {
    try recorder.note(.stepSkipped, key.body(["reason": .string(reason), "by": "operator"]))
  }

  /// Nobody can tell whether it happened: policy, then a person, then wait.
  func decide(_ run: EffectRun, _ reason: String) async throws -> Flow {
    let id = run.action.signature.id
    if !run.isUrgent || run.action.signature.effect == .notify {
      return try fail(
        run.key, attempt: recorder.record(run.key).attempt,
        CapabilityError(.unknownOutcome, id, because: reason), isOpen: true)
    }
    if run.isUndo {
      return .failed(run.key.step, "nobody can tell whether it happened: \(reason)")
    }
    let prompt = "\(id) may or may not have happened (\(reason)): retry or skip"
    var isAnswered = false
    var response = environment.policy.unknownOutcomes[id] ?? .ask
    if response == .ask {
      let question = UnknownOutcome(
        run: plan.run, step: run.key.step, item: run.key.item, action: id, reason: reason)
      try announce(run.key, .decision, prompt: prompt, until: nil)
      response = await attended { await environment.attendant.decision(on: question) }
      isAnswered = true
    }
    switch response {
    case .ask:
      try wait(run.key, .decision, prompt: prompt, until: nil)
      return .waits
    case .retry, .skip:
      try recorder.commit([
        recorder.event(
          .decision,
          run.key.body([
            "what": .string(response.rawValue), "reason": .string(reason),
            "role": isAnswered ? "responder" : "policy",
          ]))
      ])
      return try await perform(run)
    }
  }

  /// Waits until nothing that `run` asked for can still be carried out.
  /// - Returns: true when the time was over before: what was seen now holds.
  private func waited(_ lateness: Duration, for run: EffectRun) async throws -> Bool {
    let cut = session.withLock { $0.cut[run.key] ?? $0.started }
    let left = cut + lateness - environment.clock.elapsed
    guard left > .zero else { return true }
    try await pause(left)
    return false
  }
}
