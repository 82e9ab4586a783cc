import Playbooks

/// PB107: something may wait for ever. Calls always have a timeout; people and whole runs need one too.
struct MissingDeadlineRule: LintRule {
  let rule = Rule.missingDeadline

  func check(_ playbook: Playbook) -> [Diagnostic] {
    var found: [Diagnostic] = []
    if playbook.deadline == nil {
      found.append(
        Diagnostic(
          rule, at: SourcePosition(file: playbook.source.file, line: 1, column: 1),
          "the playbook has no deadline", suggestion: "add for example: deadline: 4h"))
    }
    for step in playbook.allSteps {
      if let approval = step.approval, approval.within == nil {
        found.append(
          Diagnostic(
            rule, at: approval.position, "the approval of \(step.id) may wait for ever",
            suggestion: "add within: 15m"))
      }
      if case .manual(let manual) = step.kind, manual.timeout == nil {
        found.append(
          Diagnostic(
            rule, at: step.position, "the manual step \(step.id) may wait for ever",
            suggestion: "add timeout: 1d"))
      }
    }
    return found
  }
}
