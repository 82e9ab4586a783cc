import Capabilities
import Playbooks

/// PB112: owner, scopes and last use are read after the credential is gone, when the provider may have forgotten them.
struct LateEvidenceRule: LintRule {
  let rule = Rule.lateEvidence

  func check(_ playbook: Playbook) -> [Diagnostic] {
    var found: [Diagnostic] = []
    var isGone = false
    for step in playbook.allSteps {
      guard let action = step.action else { continue }
      if action.call.action.id == ActionSignature.credentialInspect.id, isGone {
        found.append(
          Diagnostic(
            rule, at: step.position, "the step \(step.id) reads evidence after the credential is gone",
            suggestion:
              "move it before the first credential.disable, with a short timeout and on_failure: continue"))
      }
      if action.isContainment, step.condition == nil { isGone = true }
    }
    return found
  }
}
