import Capabilities
import Incidents
import Playbooks

/// PB106: history is rewritten or published before the credential is contained.
///
/// Clean history helps nobody while the secret is alive: whoever copied it can use it. Contained means disabled,
/// deleted, or answered "dead"; or a person hands in the moment (`collect: {contained: timestamp}`).
struct HistoryBeforeContainmentRule: LintRule {
  let rule = Rule.historyBeforeContainment

  func check(_ playbook: Playbook) -> [Diagnostic] {
    let excepted = playbook.excepted
    let rewriting: Set<String> = [ActionSignature.historyRewrite.id, ActionSignature.historyPush.id]
    let precedence = Precedence(
      provides: { $0.action?.contains == true || $0.attestsContainment }, providesItself: { _ in false },
      needs: { step in
        step.action.map { rewriting.contains($0.call.action.id) } == true
          && !excepted.contains(step.id.rawValue)
      })
    return precedence.violations(in: playbook).map { step in
      Diagnostic(
        rule, at: step.position, "the step \(step.id) touches history before the credential is contained",
        suggestion: "first disable it, or prove it dead: uses: credential.verify, expect: dead")
    }
  }
}

extension Step {
  /// True when a person says when the credential was contained.
  var attestsContainment: Bool {
    if case .manual(let manual) = kind { manual.collect["contained"] == .timestamp } else { false }
  }
}

extension ActionStep {
  /// True when a credential is contained after this step: it was disabled, deleted or proven dead.
  var contains: Bool {
    isContainment || expectsDeath
      || (verification?.call.action.id == ActionSignature.credentialVerify.id
        && verification?.expectation?.answer == "dead")
  }

  /// True for the actions that stop a credential.
  var isContainment: Bool {
    [ActionSignature.credentialDisable.id, ActionSignature.credentialDelete.id].contains(call.action.id)
  }
}
