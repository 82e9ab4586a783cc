import Capabilities
import Playbooks

/// PB101: a step that changes the world has neither a proof nor a way back.
struct UnprovenEffectRule: LintRule {
  let rule = Rule.unprovenEffect

  func check(_ playbook: Playbook) -> [Diagnostic] {
    playbook.allSteps.compactMap { step in
      guard let action = step.action, action.call.action.effect.isMutating, !action.isProven,
        action.compensation == nil
      else { return nil }
      return Diagnostic(
        rule, at: step.position,
        "the step \(step.id) changes the world (\(action.call.action.id)) without verify and without undo",
        suggestion: "add verify: with a read that proves it, and undo: (or undo: {none: why})")
    }
  }
}

extension ActionStep {
  /// True when an answer proves the effect: `verify`, or `expect` on the action's own answer.
  var isProven: Bool { verification != nil || expectation != nil }
}
