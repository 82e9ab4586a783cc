import Playbooks

/// PB108: an input is asked for and never used.
struct UnusedInputRule: LintRule {
  let rule = Rule.unusedInput

  func check(_ playbook: Playbook) -> [Diagnostic] {
    var used: Set<String> = []
    func use(_ expressions: [Expression]) {
      for reference in expressions.flatMap(\.references) {
        if case .input(let name) = reference.root { used.insert(name) }
      }
    }
    use(playbook.locks.flatMap(\.expressions))
    for step in playbook.ownSteps { use(step.ownExpressions) }
    return playbook.inputs.filter { !used.contains($0.name) }.map {
      Diagnostic(rule, at: $0.position, "the input \"\($0.name)\" is never used", suggestion: "remove it")
    }
  }
}

extension Playbook {
  /// Its own steps, without those of sub-playbooks, whose expressions mean other inputs.
  var ownSteps: [Step] { (steps + finally).flatMap(\.withOwnDescendants) }
}

extension Step {
  fileprivate var withOwnDescendants: [Step] {
    var inner: [Step] = []
    if case .parallel(let branches) = kind { inner += branches }
    if case .steps(let recovery) = onFailure { inner += recovery }
    return [self] + inner.flatMap(\.withOwnDescendants)
  }

  /// The expressions that stand in this step itself.
  var ownExpressions: [Expression] {
    var found = condition.map { [$0] } ?? []
    found += loop?.list.expressions ?? []
    switch kind {
    case .action(let action):
      found += action.call.expressions + (action.verification?.call.expressions ?? [])
      if case .action(let undo)? = action.compensation { found += undo.expressions }
    case .manual(let manual): found += manual.instructions.expressions
    case .playbook(let sub): found += sub.arguments.values.flatMap(\.expressions)
    case .parallel, .gate: break
    }
    return found
  }
}

extension Invocation {
  /// The expressions in `with:`.
  var expressions: [Expression] { arguments.values.flatMap(\.expressions) }
}
