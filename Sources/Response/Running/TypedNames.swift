import Capabilities
package import Execution
import Incidents

/// What a person types to approve: the names of what is about to change, so that a yes to the wrong target is not given
/// with one key.
package struct TypedNames {
  /// In the order in which they are asked.
  package let all: [String]

  /// The credential (the plan's id where there is none), and every repository whose history is rewritten or published;
  /// of many repositories their number.
  package init(_ plan: Plan) {
    var names: [String] = []
    if case .credential(let name)? = plan.inputs["credential"] { names.append(name.rawValue) }
    names += TypedNames.repositories(plan.steps)
    all = names.isEmpty ? [plan.id.rawValue] : names
  }

  /// The repositories whose history `steps` change, or how many they are.
  package static func repositories(_ steps: [PlannedStep]) -> [String] {
    var names: [String] = []
    for step in steps where step.certainty != .skipped && step.action.map(severe.contains) == true {
      if let target = step.effect?.target, !names.contains(target) { names.append(target) }
    }
    return names.count > 3 ? ["\(names.count) repositories"] : names
  }

  /// What others notice and a restore cannot take back everywhere.
  private static let severe: Set<String> = ["history.rewrite", "history.push"]
}
