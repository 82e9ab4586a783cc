import Capabilities
import Incidents
import Playbooks

/// PB115: a gate that hardly anybody can pass: it asks for more people than a team has, or for a role that nobody holds.
struct UnmeetableGateRule: LintRule {
  let rule = Rule.unmeetableGate

  /// More different people than this are not reached in an incident.
  static let most = 5
  private static let nobody: Set<String> = ["nobody", "no-one", "noone", "none", "null", "never"]

  func check(_ playbook: Playbook) -> [Diagnostic] {
    playbook.allSteps.flatMap { step -> [Diagnostic] in
      guard let gate = step.approval else { return [] }
      var found: [Diagnostic] = []
      if gate.minimum > Self.most {
        found.append(
          Diagnostic(
            rule, at: gate.position, "the gate of \(step.id) needs \(gate.minimum) different people",
            suggestion: "ask for as many as can be reached at night, for example min: 2"))
      }
      if !gate.roles.isEmpty, gate.roles.allSatisfy({ Self.nobody.contains($0.rawValue.lowercased()) }) {
        found.append(
          Diagnostic(
            rule, at: gate.position, "nobody can pass the gate of \(step.id): its role is nobody's",
            suggestion: "name a role that people hold, for example by: [responder]"))
      }
      return found
    }
  }

  /// Gates whose roles nobody of the configuration holds.
  static func unheld(in playbook: Playbook, roles: Set<RoleName>) -> [Diagnostic] {
    playbook.allSteps.compactMap { step in
      guard let gate = step.approval, !gate.roles.isEmpty, roles.isDisjoint(with: gate.roles),
        !gate.roles.allSatisfy({ nobody.contains($0.rawValue.lowercased()) })
      else { return nil }
      let asked = gate.roles.map(\.rawValue).joined(separator: ", ")
      return Diagnostic(
        .unmeetableGate, at: gate.position,
        "no approver of this installation holds the role of \(step.id): \(asked)",
        suggestion: Suggestion.phrase(for: gate.roles[0].rawValue, among: roles.map(\.rawValue).sorted())
          ?? "add somebody with --role \(gate.roles[0]): staunch people add")
    }
  }
}
