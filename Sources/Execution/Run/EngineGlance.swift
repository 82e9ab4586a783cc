import Capabilities
import Foundation
import Incidents
import JSON
import Playbooks

// Before the first change: what later steps act on must still be as it was planned.
extension Engine {
  /// Looks at every planned effect that has changed since the plan at a glance.
  ///
  /// A new branch is found before the rotation, not after it. What cannot be read now is left to the step's own check:
  /// nothing may hold up containment.
  /// - Returns: the end of the run, when something is no longer as it was planned.
  func glance() async throws -> Flow? {
    let base = context()
    for line in plan.steps {
      guard let known = line.glance, let expected = line.effect?.preconditions,
        let step = try pending(line, base)
      else { continue }
      let (effect, call) = (step.effect, step.call)
      do {
        let found = try await limited(to: step.timeout, by: environment.clock, effect.signature.id) {
          () async throws(CapabilityError) -> [String: JSONValue] in
          guard try await effect.glance(call) != known else { return expected }
          return try await effect.plan(call).preconditions
        }
        // What is foreseen is told, and stops only its own step (``foretell()``).
        for name in Set(expected.keys).union(found.keys).subtracting(effect.foreseen).sorted()
        where PlannedEffect.differ(expected[name], found[name]) {
          return try drift(
            step.key, what: "\(line.effect?.target ?? ""): \(name)", expected: expected[name] ?? .null,
            found: found[name] ?? .null)
        }
      } catch is CapabilityError {
        continue
      }
    }
    return nil
  }

  /// Tells what will stop a later step, within two seconds for all of them; the run goes on in any case.
  func foretell() async throws {
    let base = context()
    let start = environment.clock.elapsed
    for line in plan.steps {
      guard let expected = line.effect?.preconditions, let step = try pending(line, base),
        !step.effect.foreseen.isEmpty
      else { continue }
      let (effect, call) = (step.effect, step.call)
      let rest = Self.foretelling - (environment.clock.elapsed - start)
      guard rest > .zero else { return }
      do {
        let found = try await limited(to: rest, by: environment.clock, effect.signature.id) {
          () async throws(CapabilityError) in try await effect.outlook(call)
        }
        for (name, value) in found.sorted(by: { $0.key < $1.key })
        where PlannedEffect.differ(expected[name], value) {
          try recorder.note(
            .driftFound,
            step.key.body([
              "what": .string("\(line.effect?.target ?? ""): \(name)"), "expected": expected[name] ?? .null,
              "found": value, "foreseen": true,
            ]))
        }
      } catch is CapabilityError {
        continue  // the step itself looks again
      }
    }
  }

  private static var foretelling: Duration { .seconds(2) }

  private struct Pending {
    let key: StepKey
    let timeout: Duration
    let effect: any EffectAction
    let call: ActionCall
  }

  /// The effect of a planned step that was not begun and whose inputs are known; nil for any other.
  private func pending(_ line: PlannedStep, _ base: StepContext) throws -> Pending? {
    let key = StepKey(line.step, line.item)
    guard recorder.record(key).attempt == 0, recorder.history({ !$0.isDone(key) && $0.skip(key) == nil }),
      let place = try place(of: key, base), case .action(let action) = place.step.kind,
      case .effect(let effect) = environment.actions[action.call.action.id]
    else { return nil }
    let inputs: [String: Value]
    do throws(EvaluationError) {
      inputs = try action.call.inputs(in: place.context.scope(attributes: environment.attributes))
    } catch {
      return nil
    }
    guard !inputs.values.contains(where: \.holdsUnknown) else { return nil }
    return Pending(
      key: key, timeout: action.timeout, effect: effect,
      call: call(key, inputs: inputs, earlier: [:], attempt: 1))
  }
}
