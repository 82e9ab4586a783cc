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
      guard let known = line.glance, let expected = line.effect?.preconditions else { continue }
      let key = StepKey(line.step, line.item)
      guard recorder.record(key).attempt == 0, recorder.history({ !$0.isDone(key) && $0.skip(key) == nil }),
        let place = try place(of: key, base), case .action(let action) = place.step.kind,
        case .effect(let effect) = environment.actions[action.call.action.id]
      else { continue }
      do {
        let inputs = try action.call.inputs(in: place.context.scope(attributes: environment.attributes))
        guard !inputs.values.contains(where: \.holdsUnknown) else { continue }
        let call = call(key, inputs: inputs, earlier: [:], attempt: 1)
        let found = try await limited(to: action.timeout, by: environment.clock, effect.signature.id) {
          () async throws(CapabilityError) -> [String: JSONValue] in
          guard try await effect.glance(call) != known else { return expected }
          return try await effect.plan(call).preconditions
        }
        for name in Set(expected.keys).union(found.keys).sorted() where expected[name] != found[name] {
          return try drift(
            key, what: "\(line.effect?.target ?? ""): \(name)", expected: expected[name] ?? .null,
            found: found[name] ?? .null)
        }
      } catch is CapabilityError {
        continue
      } catch is EvaluationError {
        continue
      }
    }
    return nil
  }
}
