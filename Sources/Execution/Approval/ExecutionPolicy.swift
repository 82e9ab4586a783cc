public import Capabilities
import Incidents
import Playbooks

/// What an organisation demands besides the playbook: from `policy:` in staunch.yaml.
public struct ExecutionPolicy: Sendable {
  /// Who may approve, and in which roles.
  public var trusted: [ApproverIdentity]
  /// What a plan as a whole needs.
  public var planRule: ApprovalRule
  /// More people for gates in front of these steps or actions; a playbook's own gate is never weakened.
  public var gateMinimums: [String: Int]
  /// What to do when nobody can tell whether an effect happened, by action; ask where there is no entry.
  public var unknownOutcomes: [String: UnknownOutcomeResponse]

  public init(
    trusted: [ApproverIdentity], planRule: ApprovalRule = ApprovalRule(), gateMinimums: [String: Int] = [:],
    unknownOutcomes: [String: UnknownOutcomeResponse] = [:]
  ) {
    self.trusted = trusted
    self.planRule = planRule
    self.gateMinimums = gateMinimums
    self.unknownOutcomes = unknownOutcomes
  }

  /// The rule of a gate: its own, made stricter by ``gateMinimums``.
  func rule(for gate: ApprovalGate, of step: Step, initiator: String?) -> ApprovalRule {
    let named = ([step.id.rawValue] + step.withDescendants.compactMap { $0.action?.call.action.id })
      .compactMap { gateMinimums[$0] }
    return ApprovalRule(
      roles: Set(gate.roles), minimum: max(gate.minimum, named.max() ?? 1),
      notBy: gate.isNotInitiator ? initiator : nil)
  }
}
