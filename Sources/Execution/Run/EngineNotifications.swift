import Capabilities
import Incidents
import Playbooks
import Synchronization

// A notification never blocks containment: one that does not get through is tried again when nothing urgent is left.
extension Engine {
  /// What becomes of a notification that did not get through.
  func notified(_ flow: Flow, _ effect: any EffectAction, _ step: Step, _ context: StepContext) throws -> Flow
  {
    guard effect.signature.effect == .notify, case .failed = flow else { return flow }
    let key = context.key(step)
    if context.isFinal {
      try passOver(key)
      session.withLock { $0.undelivered.append(step.id) }
    } else {
      session.withLock { $0.deferred.append(Deferred(step: step, context: context)) }
    }
    return .goOn
  }

  /// Tries deferred notifications again, in their order, with all their attempts.
  ///
  /// - Returns: `.stopped` or `.aborting` when somebody asked for that meanwhile: the rest waits for the resume.
  func deliverDeferred() async throws -> Flow {
    let deferred = session.withLock { session in
      let deferred = session.deferred
      session.deferred = []
      return deferred
    }
    for entry in deferred {
      guard case .action(let action) = entry.step.kind else { continue }
      var context = entry.context
      context.isFinal = true
      let flow = try await act(action, of: entry.step, context)
      let key = context.key(entry.step)
      switch flow {
      case .stopped, .aborting: return flow
      case .goOn, .failed, .drifted, .waits: break
      }
      if flow.goesOn, !recorder.record(key).isPassedOver {
        try recorder.note(.stepDone, key.body())
        context.results.set(
          entry.step.id, .init(.succeeded, outputs: recorder.record(key).outputs))
      }
    }
    return .goOn
  }
}
