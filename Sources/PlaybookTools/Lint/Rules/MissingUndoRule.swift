import Capabilities
import Playbooks

/// PB103: a step is proven, but it does not say how to take it back.
struct MissingUndoRule: LintRule {
  let rule = Rule.missingUndo

  func check(_ playbook: Playbook) -> [Diagnostic] {
    playbook.allSteps.compactMap { step in
      guard let action = step.action, action.call.action.effect.isMutating, action.isProven,
        action.compensation == nil
      else { return nil }
      return Diagnostic(
        rule, at: step.position, "the step \(step.id) does not say how to undo it",
        suggestion: "add undo: with an action, or undo: {none: why}")
    }
  }
}
