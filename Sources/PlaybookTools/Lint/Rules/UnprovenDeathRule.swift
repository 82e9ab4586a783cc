import Capabilities
import Playbooks

/// PB111: a credential is disabled, and no step asks often enough whether it is really dead.
///
/// One refusal may be a replica that is ahead of the others: death is several consecutive answers.
struct UnprovenDeathRule: LintRule {
  let rule = Rule.unprovenDeath

  func check(_ playbook: Playbook) -> [Diagnostic] {
    let steps = playbook.allSteps
    let isProven = steps.contains { step in
      guard let action = step.action, action.expectsDeath else { return false }
      return (action.expectation?.poll?.consecutive ?? 1) > 1
    }
    guard !isProven, let first = steps.first(where: { $0.action?.isContainment == true }) else { return [] }
    return [
      Diagnostic(
        rule, at: first.position,
        "no step proves by consecutive answers that the credential of \(first.id) is dead",
        suggestion:
          "add a step: uses: credential.verify, expect: dead, poll: {every: 5s, for: 10m, consecutive: 3}")
    ]
  }
}
