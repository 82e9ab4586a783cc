import Capabilities
import Playbooks

/// PB102: a step can be undone, but nothing proves that it worked.
struct MissingVerifyRule: LintRule {
  let rule = Rule.missingVerify

  func check(_ playbook: Playbook) -> [Diagnostic] {
    playbook.allSteps.compactMap { step in
      guard let action = step.action, action.call.action.effect.isMutating, !action.isProven,
        action.compensation != nil
      else { return nil }
      return Diagnostic(
        rule, at: step.position, "nothing proves that the step \(step.id) worked",
        suggestion: "add verify: with a read that proves it")
    }
  }
}
