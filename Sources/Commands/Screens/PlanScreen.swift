import Capabilities
import Execution
import Foundation
import JSON

/// A plan as a person reads it: what changes, where, who notices, what cannot be undone or predicted.
struct PlanScreen {
  let console: Console

  func show(_ plan: Plan) {
    console.data("plan \(plan.id)  playbook \(plan.playbook)  digest \(plan.digest)")
    for lock in plan.locks { console.data("  locks \(harmless(lock))") }
    for step in plan.steps { show(step) }
  }

  private func show(_ step: PlannedStep) {
    let item = step.item.map { "[\($0)]" } ?? ""
    let certainty =
      switch step.certainty {
      case .will: ""
      case .maybe: console.toned("  (maybe)", .wait)
      case .skipped: console.toned("  (skipped)", .faint)
      }
    var head = "  \(mark(step)) \(step.step)\(item)\(certainty)"
    if let answer = step.answer { head += "  now: \(harmless(answer))" }
    if let gate = step.gate { head += "  asks \(harmless(gate))" }
    console.data(head)
    if let effect = step.effect, step.certainty != .skipped {
      console.data("      will: \(harmless(effect.will))")
      console.data("      target: \(harmless(effect.target))")
      let back = effect.isReversible ? "can be undone" : console.toned("cannot be undone", .bad)
      console.data("      \(back)")
      for affected in effect.affected { console.data("      affects: \(harmless(affected))") }
      for unknown in effect.cannotPredict { console.data("      cannot predict: \(harmless(unknown))") }
      for (name, value) in effect.preconditions.sorted(by: { $0.key < $1.key }) {
        console.data("      while: \(harmless(name)) is \(harmless(text(value)))")
      }
    }
    if let problem = step.problem, step.certainty != .skipped {
      console.data("      note: \(harmless(problem))")
    }
  }

  private func text(_ value: JSONValue) -> String {
    let text = value.string ?? value.canonicalText
    return text.count > 80 ? text.prefix(77) + "..." : text
  }

  private func mark(_ step: PlannedStep) -> String {
    switch step.kind {
    case .read: "read   "
    case .effect:
      step.effectClass == .irreversible ? console.toned("DESTROY", .bad) : console.toned("change ", .wait)
    case .gate: "ask    "
    case .manual: "by hand"
    case .group: "       "
    }
  }
}
