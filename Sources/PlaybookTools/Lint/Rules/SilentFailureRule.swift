import Capabilities
import Playbooks

/// PB113: a step on which safety rests may fail and the run goes on.
struct SilentFailureRule: LintRule {
  let rule = Rule.silentFailure

  func check(_ playbook: Playbook) -> [Diagnostic] {
    playbook.allSteps.compactMap { step in
      guard case .proceed = step.onFailure, let action = step.action else { return nil }
      let proves = ["dead", "clean", "pushed", "none_left"].contains(action.expectation?.answer ?? "")
      guard proves || action.call.action.effect.isMutating else { return nil }
      return Diagnostic(
        rule, at: step.position, "the run would go on although the step \(step.id) failed",
        suggestion: "remove on_failure: continue, or run steps that deal with it: on_failure: [ … ]")
    }
  }
}
