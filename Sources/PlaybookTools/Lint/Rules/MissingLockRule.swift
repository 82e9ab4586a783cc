import Capabilities
import Playbooks

/// PB114: credentials are changed and nothing keeps a second run away from the same one.
struct MissingLockRule: LintRule {
  let rule = Rule.missingLock

  func check(_ playbook: Playbook) -> [Diagnostic] {
    let changesCredential = playbook.allSteps.contains { step in
      guard let action = step.action?.call.action else { return false }
      return action.effect.isMutating && action.id.hasPrefix("credential.")
    }
    guard playbook.locks.isEmpty, changesCredential else { return [] }
    return [
      Diagnostic(
        rule, at: SourcePosition(file: playbook.source.file, line: 1, column: 1),
        "the playbook changes credentials and takes no lock",
        suggestion: "add: locks: [\"${{ inputs.credential.lock }}\"]")
    ]
  }
}
