import Capabilities
import JSON
import Synchronization

/// What a person's command does, as an action of the engine. It keeps what the command wants to show: what came of it, or what
/// was thrown.
final class HandEffect<Outcome: Sendable>: EffectAction {
  /// The command's part.
  struct Work: Sendable {
    /// How the effect with this marker ended. Reads only.
    let settle: @Sendable (_ marker: String) async throws -> Settlement
    let perform:
      @Sendable (_ authority: borrowing ExecutionAuthority, _ marker: String) async throws -> Outcome
    /// What the journal keeps of it.
    let outputs: @Sendable (Outcome) -> JSONValue
    let voice: any Voice
  }

  private struct State: Sendable {
    var outcome: Outcome?
    var error: (any Error)?
    var settlement: Settlement?
    var wasHeldBack = false
  }

  let signature: ActionSignature
  private let planned: PlannedEffect
  private let work: Work
  private let onlySettles: Bool
  private let state = Mutex(State())

  /// - Parameter onlySettles: what an earlier command left is settled; what it did not do is not done now.
  init(_ signature: ActionSignature, _ planned: PlannedEffect, _ work: Work, onlySettles: Bool) {
    self.signature = signature
    self.planned = planned
    self.work = work
    self.onlySettles = onlySettles
  }

  /// Of a call of this process; nil: there was none that succeeded.
  var outcome: Outcome? { state.withLock { $0.outcome } }
  /// The first thing that was thrown.
  var error: (any Error)? { state.withLock { $0.error } }
  /// How a lost reply, or a command that was killed, turned out.
  var settlement: Settlement? { state.withLock { $0.settlement } }
  /// It was to be done, and ``onlySettles`` kept it from that.
  var wasHeldBack: Bool { state.withLock { $0.wasHeldBack } }

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect { planned }

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    guard !onlySettles else {
      state.withLock { $0.wasHeldBack = true }
      throw CapabilityError(.conflict, signature.id, because: "the command that began it was interrupted")
    }
    do {
      let outcome = try await work.perform(authority, call.marker)
      let outputs = work.outputs(outcome)
      state.withLock { $0.outcome = outcome }
      return ActionResult(outputs: (outputs.object ?? ["result": outputs]).mapValues { Value(json: $0) })
    } catch {
      throw keep(error)
    }
  }

  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    do {
      let found = try await work.settle(call.marker)
      state.withLock { $0.settlement = found }
      return found
    } catch {
      throw keep(error)
    }
  }

  private func keep(_ error: any Error) -> CapabilityError {
    state.withLock { $0.error = $0.error ?? error }
    guard let known = error as? CapabilityError else {
      let words = work.voice.words(for: error)
      return CapabilityError(.invalid, words.what, because: words.because, fix: words.fix)
    }
    // A run that waits keeps its target; whoever asked by hand is told, and asks again.
    guard known.class == .awaitsPerson else { return known }
    return CapabilityError(.unsupported, known.operation, because: known.because, fix: known.fix)
  }
}
