import Capabilities
import Chronicle
import Foundation
import Incidents
import JSON
import Journal
import Playbooks

// Abort: what is open is settled, then every effect is taken back in reverse order, as its step's `undo` says.
extension Engine {
  /// An effect of this run, found in the journal.
  private struct Effect {
    let key: StepKey
    var outputs: [String: Value] = [:]
    var hasOutcome = false
    /// Some phase of it changed something.
    var hasChanged = false
    var isUndone = false
  }

  func takeBack() async throws -> RunEnd {
    var remaining: [String] = []
    let base = context()
    if let needed = try uncoveredUndo(base) {
      return try endWaiting(
        "a person's approval of plan \(plan.digest.short): taking \(needed) back is not covered by the policy"
      )
    }
    for effect in try effects().reversed() where !effect.isUndone {
      if stop.isSet { return try endWaiting("the abort was stopped on request") }
      guard let place = try place(of: effect.key, base), case .action(let action) = place.step.kind,
        case .effect(let found) = environment.actions[action.call.action.id]
      else { continue }
      let word = try await takeBack(effect, action, found, place)
      if let word {
        remaining.append("\(effect.key): \(word)")
        try recorder.note(
          .stepUndone, effect.key.body(["result": "impossible", "reason": .string(word)]))
      }
    }
    guard let left = try await sweep() else { return try endWaiting("the abort was stopped on request") }
    remaining += left
    return try end(.aborted, reason: recorder.history { $0.abortReason }, remaining: remaining)
  }

  /// The first effect whose compensation a policy's approval does not name. Found before anything is taken back: an abort
  /// that is over cannot be repeated with a better approval.
  private func uncoveredUndo(_ base: StepContext) throws -> String? {
    guard authority.actions != nil else { return nil }
    for effect in try effects() where !effect.isUndone {
      guard let place = try place(of: effect.key, base), case .action(let action) = place.step.kind,
        case .some(.action(let call)) = action.compensation,
        Engine.takesBack(action, action.call.action), !authority.covers(call.action.id)
      else { continue }
      return "\(effect.key)"
    }
    return nil
  }

  /// - Returns: why it stays; nil when nothing is left of it.
  private func takeBack(_ effect: Effect, _ action: ActionStep, _ found: any EffectAction, _ place: Place)
    async throws
    -> String?
  {
    var effect = effect
    if recorder.record(effect.key).openIntent != nil {
      switch try await settleForAbort(effect.key, action, found, place) {
      case .happened: effect.outputs = recorder.record(effect.key).outputs
      case .didNotHappen where !effect.hasOutcome: return nil
      case .didNotHappen: break
      case .unknown(let reason): return "nobody can tell whether it happened: \(reason)"
      }
    }
    // It found what was wanted and left it: nothing of it is this run's to take back.
    guard effect.hasChanged || !effect.hasOutcome else { return nil }
    switch action.compensation {
    case .some(.none(let reason)): return reason
    case nil:
      switch found.signature.effect {
      case .read, .notify: return nil
      case .reversible: return "the playbook does not say how to take it back"
      case .irreversible: return "it cannot be taken back"
      }
    case .some(.action(let call)):
      // A leaked credential is never enabled again, whatever a playbook says.
      guard !Engine.neverUndone.contains(found.signature.id) else {
        return "a leaked credential is never enabled again"
      }
      return try await compensate(effect, call, action, place)
    }
  }

  /// Effects on a leaked credential that must outlive an abort.
  private static let neverUndone: Set<String> = [
    "credential.disable", "credential.end-sessions", "credential.delete",
  ]

  /// Whether an abort takes this step back; what it leaves is not called reversible in a plan.
  static func takesBack(_ action: ActionStep, _ signature: ActionSignature) -> Bool {
    guard case .some(.action) = action.compensation else { return false }
    return !neverUndone.contains(signature.id)
  }

  private func compensate(_ effect: Effect, _ call: Invocation, _ action: ActionStep, _ place: Place)
    async throws
    -> String?
  {
    let inputs: [String: Value]
    do {
      inputs = try call.inputs(
        in: place.context.scope(attributes: environment.attributes, own: effect.outputs))
    } catch { return "its undo: cannot be evaluated: \(error.because)" }
    guard !inputs.values.contains(where: \.holdsUnknown) else {
      return "its undo: needs an output that is not known"
    }
    guard case .effect(let undo) = environment.actions[call.action.id] else {
      return "this program has no action \(call.action.id)"
    }
    let run = EffectRun(
      key: effect.key.undo, action: undo, inputs: inputs, retry: action.retry, timeout: action.timeout,
      compensation: nil, isUrgent: true, isUndo: true)
    let flow = try await perform(run)
    guard flow.goesOn else {
      if case .failed(_, let why) = flow { return "taking it back failed: \(why)" }
      return "taking it back was interrupted"
    }
    try recorder.note(
      .stepUndone, effect.key.body(["result": "undone", "compensation": .string(call.action.id)]))
    return nil
  }

  private enum Finding {
    case happened, didNotHappen
    case unknown(String)
  }

  private func settleForAbort(_ key: StepKey, _ action: ActionStep, _ found: any EffectAction, _ place: Place)
    async throws -> Finding
  {
    let inputs: [String: Value]
    do { inputs = try action.call.inputs(in: place.context.scope(attributes: environment.attributes)) } catch
    {
      return .unknown(error.because)
    }
    let run = EffectRun(
      key: key, action: found, inputs: inputs, retry: action.retry, timeout: action.timeout,
      compensation: action.compensation, isUrgent: true, isUndo: true)
    guard let phase = recorder.record(key).openIntent?.phase else { return .didNotHappen }
    for attempt in 1...max(2, action.retry.attempts) {
      guard let intent = recorder.record(key).openIntent else { break }
      switch try await settle(run, phase, intent, isAbort: true) {
      case .over, .drifted: break
      case .again:
        guard !stop.isSet else { return .unknown("the abort was stopped before it could be told") }
        continue
      case .asks(let reason): return .unknown(reason)
      case .failed(let error, _):
        guard attempt < max(2, action.retry.attempts), error.class.isWorthRetrying(action.retry) else {
          return .unknown("\(error)")
        }
        try await pause(pause(before: attempt + 1, action.retry, after: error))
        continue
      }
      break
    }
    return recorder.record(key).outcomes[phase] == nil ? .didNotHappen : .happened
  }

  /// Every effect with an INTENT, in the order of the first one, with what came of it.
  private func effects() throws -> [Effect] {
    try recorder.flush()
    var order: [Effect] = []
    var index: [StepKey: Int] = [:]
    try environment.journal.forEachEvent(run: plan.run, kinds: [.stepIntent, .stepOutcome, .stepUndone]) {
      event in
      guard let key = StepKey(named: event.step, event.item), !key.isOfEngine else { return }
      switch event.typed {
      case .stepIntent:
        if index[key] == nil {
          index[key] = order.count
          order.append(Effect(key: key))
        }
      case .stepOutcome(let outcome):
        guard let at = index[key] else { return }
        order[at].hasOutcome = true
        if !outcome.isUnchanged { order[at].hasChanged = true }
        order[at].outputs.merge(outcome.outputs.mapValues(Value.init(json:))) { _, new in new }
      case .stepUndone(let undone):
        // What could not be taken back is looked at again: the list of what stays must be whole.
        if let at = index[key], undone.result == "undone" { order[at].isUndone = true }
      default: break  // no other kind is asked for
      }
    }
    return order
  }
}

// MARK: Finding a step again

extension Engine {
  /// A step and the names it sees.
  struct Place {
    let step: Step
    let context: StepContext
  }

  /// Where `key` stands in the playbook, with the loop item and the inputs of the sub-playbook around it.
  func place(of key: StepKey, _ base: StepContext) throws -> Place? {
    try find(key, in: playbook.steps + playbook.finally, base)
  }

  /// The names that the playbook's own steps see, as far as the run came.
  func context() -> StepContext {
    let results = StepResults()
    for step in playbook.allSteps {
      let own = StepKey(step.id)
      if recorder.history({ $0.isDone(own) }) || !recorder.record(own).outcomes.isEmpty {
        let record = recorder.record(own)
        results.set(step.id, StepResult(.succeeded, outputs: record.collected ?? record.outputs))
      }
    }
    return StepContext(frame: Frame(inputs: plan.inputs, items: [:], item: nil), results: results)
  }

  private func find(_ key: StepKey, in steps: [Step], _ context: StepContext) throws -> Place? {
    for step in steps {
      guard key.step == step.id || key.step.rawValue.hasPrefix("\(step.id).") || step.isRecovering(key.step)
      else {
        continue
      }
      var inner = context
      if let loop = step.loop, let item = key.item {
        let list = try loop.list.value(in: context.scope(attributes: environment.attributes))
        if case .list(let items) = list, items.indices.contains(item) {
          inner.frame.items[loop.name] = items[item]
          inner.frame.item = item
        }
      }
      if key.step == step.id { return Place(step: step, context: inner) }
      if case .steps(let recovery) = step.onFailure, let found = try find(key, in: recovery, context) {
        return found
      }
      switch step.kind {
      case .parallel(let branches):
        if let found = try find(key, in: branches, inner) { return found }
      case .playbook(let sub):
        inner.frame.inputs = try sub.scope(in: inner.scope(attributes: environment.attributes)).inputs
        if let found = try find(key, in: sub.playbook.steps + sub.playbook.finally, inner) { return found }
      case .action, .manual, .gate: break
      }
    }
    return nil
  }
}

extension Step {
  /// True when `id` is one of the steps of its `on_failure`.
  fileprivate func isRecovering(_ id: StepID) -> Bool {
    guard case .steps(let recovery) = onFailure else { return false }
    return recovery.contains { $0.withDescendants.contains { $0.id == id } }
  }
}
