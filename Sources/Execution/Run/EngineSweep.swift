import Capabilities
import Chronicle
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import Synchronization

// The end of a run: what its attempts left outside, beside what its steps name, is removed or named.
extension Engine {
  /// What the journal holds of one step that may leave something outside.
  private struct Trace {
    let key: StepKey
    let action: String
    var attempts = 0
    var prepared: [Preparation] = []
    var outputs: [String: Value] = [:]
    /// The reply to an attempt was lost: what it asked for may still be carried out.
    var wasCut = false
    /// The last INTENT has no end in the journal.
    var isOpen = false
  }

  /// - Returns: a sentence for each thing that lives and stays; nil when it was stopped before everything was seen.
  func sweep() async throws -> [String]? {
    // Nothing was begun that could leave something: no word, and no write.
    guard recorder.history({ !$0.actions.isDisjoint(with: Self.changesAcceptance) }) else { return [] }
    var remaining: [String] = []
    let base = context()
    for trace in try traces() {
      guard let place = try place(of: trace.key, base), case .action(let action) = place.step.kind,
        case .effect(let effect) = environment.actions[trace.action]
      else { continue }
      do {
        let inputs = try action.call.inputs(in: place.context.scope(attributes: environment.attributes))
        let call = call(trace.key, inputs: inputs, earlier: trace.outputs, attempt: max(1, trace.attempts))
        if trace.wasCut || trace.isOpen {
          let cut = session.withLock { $0.cut[trace.key] ?? $0.started }
          try await pause(cut + effect.lateness(call) - environment.clock.elapsed)
          if stop.isSet { return nil }
        }
        for leftover in try await leftovers(effect, call, trace, action.timeout) {
          guard try await !remove(leftover, trace.key, inputs, action) else { continue }
          remaining.append("\(trace.key): \(leftover.ref) lives: \(leftover.why)")
        }
      } catch let error as CapabilityError {
        remaining.append("\(trace.key): whether it left something outside cannot be told: \(error)")
      } catch let error as EvaluationError {
        remaining.append("\(trace.key): whether it left something outside cannot be told: \(error.because)")
      }
    }
    return remaining
  }

  /// Asks a few times: a provider that is busy at the end of a run is no reason to leave something unnamed.
  private func leftovers(_ effect: any EffectAction, _ call: ActionCall, _ trace: Trace, _ timeout: Duration)
    async throws -> [Leftover]
  {
    var attempt = 1
    while true {
      try recorder.crash(.beforeCall(call.step, action: effect.signature.id, phase: "sweep"))
      do throws(CapabilityError) {
        return try await limited(to: timeout, by: environment.clock, effect.signature.id) {
          () async throws(CapabilityError) in
          try await effect.leftovers(call, trace.prepared)
        }
      } catch {
        attempt += 1
        guard attempt <= 5, [.network, .rateLimit, .serverError, .timeout].contains(error.class), !stop.isSet
        else { throw error }
        try await pause(max(.seconds(attempt * attempt), error.retryAfter ?? .zero))
      }
    }
  }

  /// Removes it with the whole protocol: INTENT, call, OUTCOME. - Returns: false when it stays.
  private func remove(_ leftover: Leftover, _ key: StepKey, _ inputs: [String: Value], _ action: ActionStep)
    async throws -> Bool
  {
    guard leftover.isRemovable, let credential = inputs["credential"],
      case .effect(let delete)? = environment.actions[ActionSignature.credentialDelete.id]
    else { return false }
    let run = EffectRun(
      key: key.sweep(leftover.ref), action: delete,
      inputs: ["credential": credential, "ref": .string(leftover.ref)], retry: action.retry,
      timeout: action.timeout, compensation: nil, isUrgent: true, isUndo: true)
    return try await perform(run).goesOn
  }

  /// Steps of this run whose action may leave something, as the journal tells.
  private func traces() throws -> [Trace] {
    try recorder.flush()
    var order: [StepKey] = []
    var traces: [StepKey: Trace] = [:]
    var sealed: [StepKey: [[SecretRef]]] = [:]
    let kinds: Set<EventKind> = [.stepIntent, .stepOutcome, .stepFailed, .stepSettled]
    try environment.journal.forEachEvent(run: plan.run, kinds: kinds) { event in
      guard let key = StepKey(named: event.step, event.item), !key.isOfEngine else { return }
      switch event.typed {
      case .stepIntent(let intent):
        let name = intent.action ?? ""
        guard Self.changesAcceptance.contains(name) else { return }
        if traces[key] == nil {
          traces[key] = Trace(key: key, action: name)
          order.append(key)
        }
        traces[key]?.attempts = intent.attempt ?? 1
        traces[key]?.isOpen = true
        traces[key]?.prepared.append(Preparation(snapshot: intent.snapshot ?? [:], secrets: [:]))
        sealed[key, default: []].append(intent.sealed)
      case .stepOutcome(let outcome):
        traces[key]?.outputs.merge(outcome.outputs.mapValues(Value.init(json:))) { _, new in new }
        traces[key]?.isOpen = false
      case .stepSettled: traces[key]?.wasCut = true
      case .stepFailed(let failure):
        if failure.isOpen {
          traces[key]?.wasCut = true
        } else {
          traces[key]?.isOpen = false
        }
      default: break  // no other kind is asked for
      }
    }
    for (key, lists) in sealed {
      for (index, refs) in lists.enumerated() {
        for ref in refs { traces[key]?.prepared[index].secrets[ref] = try environment.journal.open(ref) }
      }
    }
    return order.compactMap { traces[$0] }
  }
}

extension StepKey {
  /// The effect that removes what this one left. A slash cannot stand in a playbook's ids.
  func sweep(_ ref: String) -> StepKey { StepKey(StepID("\(step)/sweep/\(ref)"), item) }

  /// An effect of the engine's own: it takes another one back, or removes what one left.
  var isOfEngine: Bool { step.rawValue.contains("/") }
}
