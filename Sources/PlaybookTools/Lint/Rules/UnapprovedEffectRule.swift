import Capabilities
import Incidents
import Playbooks

/// PB104: an irreversible step runs although nobody was asked before it.
///
/// An `approve` on the step itself, on a step before it or around it counts, and so does a named policy exception.
struct UnapprovedEffectRule: LintRule {
  let rule = Rule.unapprovedEffect

  func check(_ playbook: Playbook) -> [Diagnostic] {
    let excepted = playbook.excepted
    let precedence = Precedence(
      provides: { _ in false }, providesItself: { $0.approval != nil },
      needs: { $0.action?.call.action.effect == .irreversible && !excepted.contains($0.id.rawValue) })
    return precedence.violations(in: playbook).map { step in
      Diagnostic(
        rule, at: step.position, "the irreversible step \(step.id) has no approval before it",
        suggestion:
          "add approve: {by: [responder], within: 15m} here or before, or name a policy exception for it")
    }
  }
}
