import Capabilities
import Playbooks

/// Finds steps that need something before them which is not sure to have happened.
///
/// "Sure" follows the order of steps: a step counts for those after it in the same list and for everything inside
/// them; branches of `parallel` do not count for each other; a step with `when` counts only where the same condition
/// holds, or together with another under the opposite condition.
struct Precedence {
  /// Whether a step gives what is needed, for the steps after it.
  let provides: (Step) -> Bool
  /// Whether a step gives it to its own action (its `approve`, for example).
  let providesItself: (Step) -> Bool
  /// Whether a step needs it.
  let needs: (Step) -> Bool

  /// What is sure at one place.
  private struct Known {
    var always = false
    /// Conditions under which it happened.
    var under: Set<String> = []
    /// Conditions that hold here.
    var holding: Set<String> = []

    var isSure: Bool { always || !under.isDisjoint(with: holding) }

    mutating func add(under condition: String?) {
      guard let condition else {
        always = true
        return
      }
      under.insert(condition)
      if let opposite = Condition.opposite(of: condition), under.contains(opposite) { always = true }
    }
  }

  /// The steps that need it and cannot be sure of it, in order.
  func violations(in playbook: Playbook) -> [Step] {
    var found: [Step] = []
    var known = Known()
    walk(playbook.steps, &known, &found)
    walk(playbook.finally, &known, &found)
    return found
  }

  private func walk(_ steps: [Step], _ known: inout Known, _ found: inout [Step]) {
    for step in steps {
      var inside = known
      if let condition = step.condition { inside.holding.insert(condition.text) }
      if providesItself(step) { inside.always = true }
      if needs(step), !inside.isSure { found.append(step) }
      let before = inside
      var gained = inside
      switch step.kind {
      case .parallel(let branches):
        for branch in branches {
          var own = inside
          walk([branch], &own, &found)
          if own.always { gained.always = true }
          gained.under.formUnion(own.under)
        }
      case .playbook(let sub):
        walk(sub.playbook.steps, &gained, &found)
        var atEnd = gained
        walk(sub.playbook.finally, &atEnd, &found)
      case .action, .manual, .gate: break
      }
      if case .steps(let recovery) = step.onFailure {
        var own = inside
        walk(recovery, &own, &found)
      }
      // After a failure that is passed over or dealt with, nothing is sure.
      let isSureToSucceed = if case .stop = step.onFailure { true } else { false }
      if isSureToSucceed, provides(step) || providesItself(step) || (gained.always && !before.always) {
        known.add(under: step.condition?.text)
      }
      if step.condition == nil { known.under.formUnion(gained.under) }
    }
  }
}

/// Conditions compared as text.
enum Condition {
  /// The simple condition that holds exactly when `text` does not; nil when `text` is not simple.
  ///
  /// Null counts as false, so `x == true` and `x != true` are opposites, while `x == true` and `x == false` are not.
  static func opposite(of text: String) -> String? {
    guard !text.contains("&&"), !text.contains("||") else { return nil }
    if text.contains(" == ") { return text.replacing(" == ", with: " != ", maxReplacements: 1) }
    if text.contains(" != ") { return text.replacing(" != ", with: " == ", maxReplacements: 1) }
    guard !text.contains(where: { "<>=\"' ".contains($0) }) else { return nil }
    return text.hasPrefix("!") ? String(text.dropFirst()) : "!" + text
  }
}
