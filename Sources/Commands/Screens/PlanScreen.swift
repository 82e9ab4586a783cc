import Capabilities
import Execution
import Foundation
import JSON

/// A plan as a person reads it: what changes, where, who notices, what cannot be undone or predicted.
struct PlanScreen {
  let console: Console

  /// - Parameter traps: what undoes its work if nobody looks.
  func show(_ plan: Plan, traps: [String] = []) {
    console.data("plan \(plan.id)  playbook \(plan.playbook)  digest \(plan.digest)")
    for lock in plan.locks { console.data("  locks \(harmless(lock))") }
    for step in plan.steps { show(step) }
    for trap in traps { console.data("  " + console.toned("trap", .bad) + ": \(harmless(trap))") }
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
      for line in lines(effect, step) { console.data("      \(line)") }
      for (name, value) in effect.preconditions.sorted(by: { $0.key < $1.key }) {
        console.data("      while: \(harmless(name)) is \(harmless(text(value)))")
      }
    }
    for name in (step.outputs["still_old"]?.array ?? []).compactMap(\.string) {
      console.data(
        "      " + console.toned("holds the dead value, what reads it fails: ", .bad) + harmless(name))
    }
    if let problem = step.problem, step.certainty != .skipped {
      console.data("      note: \(harmless(problem))")
    }
  }

  /// What somebody who approves must know: what happens, who notices, what an abort leaves.
  private func lines(_ effect: PlannedEffect, _ step: PlannedStep) -> [String] {
    let back =
      effect.isReversible
      ? "can be undone: staunch abort takes it back"
      : step.effectClass == .irreversible
        ? console.toned("cannot be undone", .bad)
        : console.toned("stays: an abort does not take it back", .wait)
    return ["will: \(harmless(effect.will))", "target: \(harmless(effect.target))", back]
      + effect.affected.map { "affects: \(harmless($0))" }
      + effect.cannotPredict.map { "cannot predict: \(harmless($0))" }
  }

  /// What stands behind a gate, with what breaks.
  func consequences(_ steps: [PlannedStep]) -> [String] {
    steps.flatMap { step -> [String] in
      guard let effect = step.effect, step.certainty != .skipped else { return [] }
      return lines(effect, step)
    }
  }

  private func text(_ value: JSONValue) -> String {
    let text = value.string ?? value["unknown"]?.string.map { "unknown (\($0))" } ?? value.canonicalText
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
