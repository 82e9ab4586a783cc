import Capabilities
public import Chronicle
import Cryptography
public import Incidents
public import JSON
public import Playbooks

/// A playbook, with the state of a run where there is one, as CACAO 2.0 for other tools to show.
///
/// CACAO has no words for retry, loops over lists, secrets, quorum or undo: each step is a `manual` command that says
/// what staunch does, and our own fields stand under `step_extensions`. Ids are derived from names (UUID version 5), so
/// that the same playbook has the same ids everywhere. Source: OASIS CACAO Security Playbooks 2.0, RFC 9562 §5.5.
public struct CACAOExport: Sendable {
  /// The Traffic Light Protocol 2.0.
  public enum Sharing: String, Sendable, CaseIterable {
    case red = "TLP:RED"
    case amberStrict = "TLP:AMBER+STRICT"
    case amber = "TLP:AMBER"
    case green = "TLP:GREEN"
    case clear = "TLP:CLEAR"
  }

  private let playbook: Playbook
  /// RFC 3339 with milliseconds.
  private let created: String
  private let statuses: [StepID: StepRecord.State]
  private let sharing: Sharing

  /// - Parameters:
  ///   - created: RFC 3339 with milliseconds; also the `modified` time.
  ///   - statuses: how far a run is; empty without one.
  public init(
    _ playbook: Playbook, created: String, statuses: [StepID: StepRecord.State] = [:],
    sharing: Sharing = .amber
  ) {
    self.playbook = playbook
    self.created = created
    self.statuses = statuses
    self.sharing = sharing
  }

  /// The document.
  public var json: JSONValue {
    let author = id("identity", "staunch")
    let group = id("group", "responders")
    let marking = id("marking-tlp", sharing.rawValue)
    var workflow: [String: JSONValue] = [:]
    let end = id("end", "")
    workflow[end] = ["type": "end", "name": "End"]
    let first = chain(playbook.steps + playbook.finally, until: end, &workflow)
    let start = id("start", "")
    workflow[start] = ["type": "start", "name": "Start", "on_completion": .string(first)]
    var variables: [String: JSONValue] = [:]
    for input in playbook.inputs {
      variables["__\(input.name)__"] = [
        "type": "string", "external": true, "description": .string("\(input.type). \(input.summary)"),
      ]
    }
    return [
      "type": "playbook", "spec_version": "cacao-2.0", "id": .string(id("playbook", "")),
      "name": .string(playbook.title), "description": .string(playbook.summary),
      "playbook_types": ["mitigation", "remediation"], "created_by": .string(author),
      "created": .string(created),
      "modified": .string(created), "labels": ["staunch", .string(playbook.id.rawValue)],
      "markings": [.string(marking)], "playbook_variables": .object(variables),
      "workflow_start": .string(start), "workflow": .object(workflow),
      "agent_definitions": .object([group: ["type": "group", "name": "responders"]]),
      "extension_definitions": .object([extensionID: definition(by: author)]),
      "data_marking_definitions": .object([
        marking: [
          "type": "marking-tlp", "id": .string(marking), "created_by": .string(author),
          "created": .string(created),
          "tlpv2_level": .string(sharing.rawValue),
        ]
      ]),
    ]
  }

  private var extensionID: String { id("extension-definition", "staunch-step") }

  private func definition(by author: String) -> JSONValue {
    [
      "type": "extension-definition", "name": "staunch step", "version": "1", "created_by": .string(author),
      "description": "uses, effect, condition, undo and state of a step of staunch",
      "schema": "docs/ACTIONS.md",
    ]
  }

  /// Writes `steps` one after the other and returns the id of the first, or `end` when there is none.
  private func chain(_ steps: [Step], until end: String, _ workflow: inout [String: JSONValue]) -> String {
    var next = end
    for step in steps.reversed() { next = write(step, before: next, &workflow) }
    return next
  }

  private func write(_ step: Step, before next: String, _ workflow: inout [String: JSONValue]) -> String {
    var members: [String: JSONValue] = [
      "name": .string(step.title), "on_completion": .string(next),
      "step_extensions": .object([extensionID: fields(of: step)]),
    ]
    let stepID: String
    switch step.kind {
    case .parallel(let branches):
      stepID = id("parallel", step.id.rawValue)
      members["type"] = "parallel"
      members["next_steps"] = .array(
        branches.map { branch in
          let end = id("end", branch.id.rawValue)
          workflow[end] = ["type": "end", "name": "End"]
          return .string(write(branch, before: end, &workflow))
        })
    case .playbook(let sub): return chain(sub.playbook.steps + sub.playbook.finally, until: next, &workflow)
    case .action, .manual, .gate:
      stepID = id("action", step.id.rawValue)
      members["type"] = "action"
      members["commands"] = [["type": "manual", "command": .string(command(of: step))]]
      members["agent"] = .string(id("group", "responders"))
    }
    workflow[stepID] = .object(members)
    return stepID
  }

  private func command(of step: Step) -> String {
    switch step.kind {
    case .action(let action): "\(action.call.action.id): \(action.call.action.summary)"
    case .manual(let manual): manual.instructions.written
    case .gate: "Approve: \(step.title)"
    case .parallel, .playbook: step.title
    }
  }

  private func fields(of step: Step) -> JSONValue {
    var fields: [String: JSONValue] = ["step": .string(step.id.rawValue)]
    if let action = step.action {
      fields["uses"] = .string(action.call.action.id)
      fields["effect"] = .string(action.call.action.effect.rawValue)
      fields["timeout"] = .string(DurationText.text(of: action.timeout))
      if case .none(let reason)? = action.compensation { fields["no_undo"] = .string(reason) }
      if case .action(let undo)? = action.compensation { fields["undo"] = .string(undo.action.id) }
      if let expectation = action.expectation { fields["expect"] = .string(expectation.answer) }
    }
    if let condition = step.condition { fields["when"] = .string(condition.text) }
    if let loop = step.loop { fields["for_each"] = .string(loop.list.written) }
    if let approval = step.approval {
      fields["approve"] = .array(approval.roles.map { .string($0.rawValue) })
    }
    if let status = statuses[step.id] { fields["status"] = .string(status.rawValue) }
    return .object(fields)
  }

  /// `type--` and a UUID: the first 128 bits of SHA-1, marked as version 5.
  private func id(_ type: String, _ name: String) -> String {
    var hash = Insecure.SHA1()
    hash.update(data: Array("staunch:cacao:\(playbook.id.rawValue)/\(type)/\(name)".utf8))
    var bytes = Array(hash.finalize().prefix(16))
    bytes[6] = bytes[6] & 0x0F | 0x50
    bytes[8] = bytes[8] & 0x3F | 0x80
    let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { range in
      String(digits.dropFirst(range.lowerBound).prefix(range.count))
    }
    return type + "--" + groups.joined(separator: "-")
  }
}

extension Template {
  /// As it stands in the file; lists and records only by their expressions.
  fileprivate var written: String {
    switch self {
    case .literal(let value): value.text ?? ""
    case .expression(let expression): "${{ \(expression.text) }}"
    case .text(let pieces):
      pieces.map { piece in
        switch piece {
        case .literal(let text): text
        case .expression(let expression): "${{ \(expression.text) }}"
        }
      }.joined()
    case .list, .record: expressions.map { "${{ \($0.text) }}" }.joined(separator: ", ")
    }
  }
}
