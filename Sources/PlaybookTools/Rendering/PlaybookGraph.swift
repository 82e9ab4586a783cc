import Capabilities
import Incidents
public import Playbooks

/// A playbook as boxes and arrows: what Mermaid and SVG both draw.
public struct PlaybookGraph: Sendable {
  /// One box.
  struct Box: Sendable {
    enum Look: String, Sendable { case read, reversible, irreversible, notify, manual, gate, group, finally }
    /// Unique, fit for Mermaid: `n0`, `n1`, ….
    let name: String
    /// One or two short lines.
    let lines: [String]
    let look: Look
    /// Boxes side by side inside it (`parallel`), each a column of boxes.
    let columns: [[Box]]
  }

  let title: String
  /// Top to bottom.
  let boxes: [Box]

  public init(_ playbook: Playbook) {
    title = playbook.title
    var next = 0
    var boxes = Self.boxes(of: playbook.steps, &next)
    boxes += Self.boxes(of: playbook.finally, &next, look: .finally)
    self.boxes = boxes
  }

  private static func boxes(of steps: [Step], _ next: inout Int, look: Box.Look? = nil) -> [Box] {
    var boxes: [Box] = []
    for step in steps {
      if let approval = step.approval, !step.isGate {
        boxes.append(gate(approval, of: step, &next))
      }
      boxes.append(box(of: step, &next, look: look))
    }
    return boxes
  }

  private static func box(of step: Step, _ next: inout Int, look: Box.Look?) -> Box {
    let name = "n\(next)"
    next += 1
    let short = step.id.rawValue.split(separator: ".").last.map(String.init) ?? step.id.rawValue
    var lines = [step.title == short ? short : step.title]
    var columns: [[Box]] = []
    var kind = look ?? .group
    switch step.kind {
    case .action(let action):
      lines.append(action.call.action.id + answer(of: action))
      kind = look ?? Box.Look(rawValue: action.call.action.effect.rawValue) ?? .read
    case .parallel(let branches): columns = branches.map { boxes(of: [$0], &next) }
    case .manual:
      lines.append("by hand")
      kind = .manual
    case .gate:
      lines.append(approvers(of: step.approval))
      kind = .gate
    case .playbook(let sub): columns = [boxes(of: sub.playbook.steps + sub.playbook.finally, &next)]
    }
    if let loop = step.loop { lines.append("for each \(loop.name)") }
    if let condition = step.condition { lines.append("when \(condition.text)") }
    if case .steps(let recovery) = step.onFailure {
      columns.append(boxes(of: recovery, &next))
      lines.append("on failure: " + recovery.map(\.title).joined(separator: ", "))
    }
    return Box(name: name, lines: lines, look: kind, columns: columns)
  }

  private static func gate(_ approval: ApprovalGate, of step: Step, _ next: inout Int) -> Box {
    defer { next += 1 }
    return Box(
      name: "n\(next)", lines: ["approve \(step.title)", approvers(of: approval)], look: .gate, columns: [])
  }

  private static func approvers(of approval: ApprovalGate?) -> String {
    let roles = approval?.roles.map(\.rawValue) ?? []
    return "approval by " + (roles.isEmpty ? "anyone" : roles.joined(separator: " or "))
  }

  private static func answer(of action: ActionStep) -> String {
    guard let expectation = action.expectation else { return "" }
    let times = expectation.poll?.consecutive ?? 1
    return " = \(expectation.answer)" + (times > 1 ? " ×\(times)" : "")
  }
}
