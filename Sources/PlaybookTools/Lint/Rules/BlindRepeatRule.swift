import Capabilities
import Incidents
import Playbooks

/// PB109: an effect whose outcome is unknown would be repeated. A second rotation with the old token can revoke the
/// new one; the engine settles such outcomes by a probe.
struct BlindRepeatRule: LintRule {
  let rule = Rule.blindRepeat

  func check(_ playbook: Playbook) -> [Diagnostic] {
    playbook.allSteps.compactMap { step in
      guard let action = step.action, action.call.action.effect != .read else { return nil }
      let blind = action.retry.classes.intersection([.unknownOutcome, .timeout])
      guard action.retry.attempts > 1, let word = blind.map(\.rawValue).min() else { return nil }
      return Diagnostic(
        rule, at: step.position,
        "the step \(step.id) would be repeated after \(word), though it may have happened",
        suggestion: "remove \(word) from retry: on; a lost outcome is settled by a probe")
    }
  }
}
