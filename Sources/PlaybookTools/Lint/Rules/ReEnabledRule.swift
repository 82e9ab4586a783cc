import Capabilities
import Playbooks

/// PB110: a secret that the playbook contains would be put back where programs use it.
struct ReEnabledRule: LintRule {
  let rule = Rule.reEnabled

  func check(_ playbook: Playbook) -> [Diagnostic] {
    let steps = playbook.ownSteps
    var leaked: Set<Reference.Root> = []
    for action in steps.compactMap(\.action) where action.isContainment || action.expectsDeath {
      leaked.formUnion(Self.secrets(of: action.call))
    }
    var found: [Diagnostic] = []
    for step in steps {
      guard let action = step.action else { continue }
      var calls = [action.call]
      if case .action(let undo)? = action.compensation { calls.append(undo) }
      for call in calls where call.action.id == ActionSignature.secretStore.id {
        guard !leaked.isDisjoint(with: Self.secrets(of: call)) else { continue }
        found.append(
          Diagnostic(
            rule, at: call.position, "the step \(step.id) would put a leaked secret back into use",
            suggestion:
              "never store or enable a leaked secret again: undo: {none: \"the old value is leaked\"}"))
      }
    }
    return found
  }

  private static func secrets(of call: Invocation) -> Set<Reference.Root> {
    Set((call.arguments["secret"]?.expressions ?? []).flatMap(\.references).map(\.root))
  }
}
