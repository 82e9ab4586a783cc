import Capabilities
import Playbooks

/// PB105: a step can never run: its condition is false whatever happens, its list is empty, or its condition
/// contradicts one around it.
struct UnreachableRule: LintRule {
  let rule = Rule.unreachable

  func check(_ playbook: Playbook) -> [Diagnostic] {
    var found: [Diagnostic] = []
    for step in playbook.steps + playbook.finally { walk(step, holding: [], &found) }
    return found
  }

  private func walk(_ step: Step, holding: [String], _ found: inout [Diagnostic]) {
    var holding = holding
    if let condition = step.condition {
      if Self.isAlwaysFalse(condition) {
        found.append(
          Diagnostic(
            rule, at: condition.position, "the step \(step.id) can never run: its condition is always false",
            suggestion: "remove the step, or correct when:"))
        return
      }
      if let opposite = Condition.opposite(of: condition.text), holding.contains(opposite) {
        found.append(
          Diagnostic(
            rule, at: condition.position,
            "the step \(step.id) can never run: around it, \"\(opposite)\" holds",
            suggestion: "move the step out, or correct when:"))
        return
      }
      holding.append(condition.text)
    }
    if case .literal(.list(let items))? = step.loop?.list, items.isEmpty {
      found.append(
        Diagnostic(
          rule, at: step.position, "the step \(step.id) can never run: its list is empty",
          suggestion: "remove the step, or correct for_each:"))
      return
    }
    for child in step.children { walk(child, holding: holding, &found) }
  }

  /// False even when nothing else is known. A condition that cannot be evaluated is no proof.
  private static func isAlwaysFalse(_ condition: Expression) -> Bool {
    do { return try condition.truth(in: Scope()) == false } catch { return false }
  }
}
