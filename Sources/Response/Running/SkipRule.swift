import Capabilities
package import Execution
package import Incidents
package import Playbooks

/// Who may leave a step out. A gate is no step to leave out: whoever could, would not need its approval.
package struct SkipRule {
  package let installation: Installation

  package init(installation: Installation) {
    self.installation = installation
  }

  /// Why `step` of `plan` cannot be left out in this role, and what can be done; nil when it can.
  package func problem(_ step: StepID, of plan: Plan, role: RoleName) throws -> (
    because: String, fix: String
  )? {
    guard let found = try planned(step, in: plan) else {
      return ("the playbook \(plan.playbook) does not have it", "staunch run \(plan.id) shows the steps")
    }
    let approval =
      found.holdsGate && !found.isGate
      ? "approve its gate, which staunch status names"
      : "approve it (staunch approve \(plan.digest.short) --step \(step))"
    let way = "\(approval), or staunch abort \(plan.run) --reason 'why'"
    if found.isGate || found.holdsGate {
      return ("it \(found.isGate ? "is" : "holds") a gate, which only an approval opens", way)
    }
    if let gate = found.approval, gate.minimum > 1 {
      return ("its gate asks \(gate.minimum) people", way)
    }
    var roles = installation.policy.planRule.roles
    if let gate = found.approval, !gate.roles.isEmpty { roles = Set(gate.roles) }
    guard !roles.isEmpty, !roles.contains(role) else { return nil }
    let wanted = roles.map(\.rawValue).sorted().joined(separator: " or ")
    return ("the role \(role) may not: it takes \(wanted)", "ask somebody with that role")
  }

  /// Why the operator cannot decide about a whole run or storm in this role; nil when they can.
  package func problem(decidingIn role: RoleName) -> (because: String, fix: String)? {
    if let problem = problem(ofClaiming: role) { return problem }
    let roles = installation.policy.planRule.roles
    guard !roles.isEmpty, !roles.contains(role) else { return nil }
    let wanted = roles.map(\.rawValue).sorted()
    return (
      "the role \(role) may not: it takes \(wanted.joined(separator: " or "))",
      "ask somebody with that role, or: --role \(wanted[0])"
    )
  }

  /// Why the operator's own identity cannot decide in this role; nil when it holds it.
  package func problem(ofClaiming role: RoleName) -> (because: String, fix: String)? {
    let own = installation.policy.trusted.first { $0.fingerprint == installation.identity.fingerprint }
    guard let own, own.roles.contains(role) else {
      let held = (own?.roles ?? []).map(\.rawValue).sorted().joined(separator: " or ")
      return ("this identity does not hold the role \(role)", "ask somebody who does, or: --role \(held)")
    }
    return nil
  }

  /// The gate of a step; nil when it asks nobody.
  package func gate(of step: StepID, in plan: Plan) throws -> ApprovalGate? {
    try planned(step, in: plan)?.approval
  }

  /// The step as it was planned. - Throws: `.plan` when the playbook's file has changed since: it may have lost its gates.
  private func planned(_ step: StepID, in plan: Plan) throws -> Step? {
    let playbook = try installation.library.load(plan.playbook, catalogue: ActionSignature.builtin)
    try plan.check(playbook)
    return playbook.allSteps.first { $0.id == step }
  }
}
