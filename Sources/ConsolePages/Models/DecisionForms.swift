import Foundation
public import JSON

/// What a person may be asked to sign on the console, and under which conditions. The server checks a form against it again.
public struct DecisionRequest: Sendable, Hashable {
  /// The plan's digest.
  public let digest: String
  public let plan: String
  /// Nil for the plan as a whole.
  public let step: String?
  /// What must be typed, when it cannot be undone.
  public let confirmation: String?
  let prompt: String?
  let gate: String?
  let effects: [JSONValue]

  /// Everything of `incident` and its `plan` that waits for an approval now.
  public static func approvals(incident: JSONValue?, plan: JSONValue?) -> [DecisionRequest] {
    guard let plan, let id = plan["id"]?.string, let digest = plan["digest"]?.string else { return [] }
    let steps = plan["steps"]?.array ?? []
    let current = incident?["plan"]
    let isCurrent = current?["id"]?.string == id
    guard incident?["state"]?.string != "closed" else { return [] }
    // Somebody said no, or its playbook is another one now: it can never run.
    guard !isCurrent || current?["obstacle"]?.string == nil else { return [] }
    if !isCurrent || current?["approved"]?.boolean != true {
      // An older plan of an incident that has a newer one is history.
      guard incident == nil || isCurrent else { return [] }
      let destroys = steps.contains {
        $0["certainty"]?.string != "skipped" && PlanModel.Line.isIrreversible($0)
      }
      return [
        DecisionRequest(
          digest: digest, plan: id, step: nil,
          confirmation: destroys ? confirmation(incident, steps.filter(PlanModel.Line.isIrreversible)) : nil,
          prompt: nil, gate: nil, effects: [])
      ]
    }
    return (incident?["waiting"]?.array ?? []).filter { $0["for"]?.string == "approval" }.compactMap { wait in
      guard let label = wait["step"]?.string else { return nil }
      let step = String(label.prefix { $0 != "[" })
      let own = steps.filter { $0["step"]?.string == step }
      let final = own.filter(PlanModel.Line.isIrreversible)
      return DecisionRequest(
        digest: wait["digest"]?.string ?? digest, plan: id, step: step,
        confirmation: final.isEmpty ? nil : confirmation(incident, final), prompt: wait["prompt"]?.string,
        gate: own.lazy.compactMap { $0["gate"]?.string }.first, effects: own.compactMap { $0["plan"] })
    }
  }

  /// The name of the leaked credential, else the target of what cannot be undone.
  private static func confirmation(_ incident: JSONValue?, _ effects: [JSONValue]) -> String? {
    let leaked = incident?["credentials"]?.array?.first { $0["subject"]?.string == "leaked" }?["id"]?.string
    return leaked ?? effects.lazy.compactMap { $0["plan"]?["target"]?.string }.first
      ?? effects.first?["step"]?.string
  }

  /// Steps that may still be skipped.
  public static func skippable(_ incident: JSONValue) -> [String] {
    var known: Set<String> = []
    return (incident["steps"]?.array ?? []).filter {
      ["pending", "waiting", "failed", "unknown"].contains($0["state"]?.string ?? "")
    }.compactMap { $0["step"]?.string }.filter { known.insert($0).inserted }
  }

  /// What a manual step that waits asks for; nil when it does not wait.
  public static func asked(_ label: String, of incident: JSONValue) -> [String]? {
    waiting(for: "manual", incident).first { $0["step"]?.string == label }.map { wait in
      (wait["fields"]?.array ?? []).compactMap { $0["name"]?.string }
    }
  }

  /// Steps of which nobody can tell whether they happened.
  public static func undecided(_ incident: JSONValue) -> [String] {
    waiting(for: "decision", incident).compactMap { $0["step"]?.string }
  }

  static func waiting(for subject: String, _ incident: JSONValue) -> [JSONValue] {
    (incident["waiting"]?.array ?? []).filter { $0["for"]?.string == subject }
  }

  /// A run that has begun and is not over.
  public static func isOpenRun(_ incident: JSONValue) -> Bool {
    ["running", "waiting", "failed"].contains(incident["run"]?["state"]?.string ?? "")
  }

  /// Contained, and nothing is left that the machine would have to look at again.
  public static func isClosable(_ incident: JSONValue) -> Bool {
    incident["state"]?.string == "contained" && (incident["forge"]?.array ?? []).isEmpty
      && (incident["copies"]?.array ?? []).isEmpty
  }
}

/// The forms beside an incident or a plan.
struct DecisionForms: Sendable {
  struct Approval: Sendable {
    let formID: String
    let subject: String
    let promptText: String?
    let gateText: String?
    let formDigest: String
    let shortDigest: String
    let formPlan: String
    let formStep: String?
    let confirmName: String?
    /// For one step: what it would do. The plan as a whole stands beside the form.
    let happens: [Happening]
  }
  struct Happening: Sendable {
    let happensWill: String?
    let happensTarget: String?
    let happensAffected: String?
  }
  struct Answer: Sendable {
    let formID: String
    let formStep: String
    let answerTitle: String
    let promptText: String?
    let fields: [Field]
  }
  struct Field: Sendable {
    let fieldID: String
    let fieldName: String
    let fieldLabel: String
  }
  /// A step of which nobody can tell whether it happened.
  struct Again: Sendable {
    let formID: String
    let formStep: String
    let promptText: String?
  }
  /// What can be said about the whole run.
  struct RunForms: Sendable {
    let runName: String
  }
  struct Assign: Sendable {
    let assignees: [Assignee]
  }
  struct Assignee: Sendable {
    let assigneeName: String
    let assigneeLabel: String
    let isAssigned: Bool
  }
  struct Skip: Sendable {
    let choices: [String]
    let formDigest: String
    let formPlan: String
    let isSkipOpen: Bool
    let keptText: String
  }

  let formAction: String
  let csrf: String
  let approvals: [Approval]
  let noApproval: String?
  let answers: [Answer]
  let agains: [Again]
  let runForms: RunForms?
  let closeForm: Bool
  let assign: Assign?
  let skip: Skip?
  let note: Bool
  /// When the viewer has one role.
  let oneRole: String?
  let manyRoles: Bool
  let roles: [String]

  init(
    incident: JSONValue?, plan: JSONValue?, action: String, viewer: Viewer, kept: KeptForm?,
    people: [String] = []
  ) {
    let requests = viewer.mayApprove ? DecisionRequest.approvals(incident: incident, plan: plan) : []
    formAction = action
    csrf = viewer.csrf
    roles = viewer.roles
    oneRole = viewer.roles.count == 1 ? viewer.roles[0] : nil
    manyRoles = viewer.roles.count > 1
    approvals = requests.enumerated().map { index, request in
      Approval(
        formID: "approve-\(index + 1)",
        subject: request.step.map { "step \($0)" } ?? "the plan", promptText: request.prompt,
        gateText: request.gate, formDigest: request.digest, shortDigest: String(request.digest.prefix(12)),
        formPlan: request.plan, formStep: request.step, confirmName: request.confirmation,
        happens: request.effects.map { effect in
          let affected = (effect["affected"]?.array ?? []).compactMap(\.string)
          return Happening(
            happensWill: effect["will"]?.string, happensTarget: effect["target"]?.string,
            happensAffected: affected.isEmpty ? nil : affected.joined(separator: "; "))
        })
    }
    noApproval =
      !viewer.mayApprove
      ? "You may look and write notes here. To approve, sign in with your own password."
      : requests.isEmpty ? "Nothing waits for an approval." : nil
    let signs = viewer.mayApprove
    answers = (signs ? incident.map { DecisionRequest.waiting(for: "manual", $0) } ?? [] : []).enumerated()
      .compactMap { index, wait in Self.answer(wait, number: index + 1) }
    agains = (signs ? incident.map { DecisionRequest.waiting(for: "decision", $0) } ?? [] : []).enumerated()
      .compactMap { index, wait in
        wait["step"]?.string.map {
          Again(formID: "again-\(index + 1)", formStep: $0, promptText: wait["prompt"]?.string)
        }
      }
    runForms =
      incident.map(DecisionRequest.isOpenRun) ?? false && signs
      ? incident?["run"]?["id"]?.string.map { RunForms(runName: $0) } : nil
    closeForm = incident.map(DecisionRequest.isClosable) ?? false && signs
    let holder = incident?["assigned"]?.string ?? ""
    assign =
      incident == nil
      ? nil
      : Assign(
        assignees: ([""] + people).map {
          Assignee(assigneeName: $0, assigneeLabel: $0.isEmpty ? "nobody" : $0, isAssigned: $0 == holder)
        })
    let choices = Array((incident.map(DecisionRequest.skippable) ?? []).prefix(200))
    let digest = plan?["digest"]?.string ?? incident?["plan"]?["digest"]?.string
    skip =
      choices.isEmpty || !viewer.mayApprove
      ? nil
      : digest.map {
        Skip(
          choices: choices, formDigest: $0, formPlan: incident?["plan"]?["id"]?.string ?? "",
          isSkipOpen: kept?.kind == "skip", keptText: kept?.kind == "skip" ? kept?.text ?? "" : "")
      }
    note = incident != nil
  }

  private static func answer(_ wait: JSONValue, number: Int) -> Answer? {
    guard let label = wait["step"]?.string else { return nil }
    let formID = "answer-\(number)"
    let fields = (wait["fields"]?.array ?? []).enumerated().compactMap { index, field -> Field? in
      guard let name = field["name"]?.string else { return nil }
      let example = field["example"]?.string.map { ", such as \($0)" } ?? ""
      return Field(
        fieldID: "\(formID)-\(index + 1)", fieldName: "field-\(name)",
        fieldLabel: "\(name) (\(field["type"]?.string ?? "text")\(example))")
    }
    return Answer(
      formID: formID, formStep: label, answerTitle: wait["title"]?.string ?? "step \(label)",
      promptText: wait["prompt"]?.string, fields: fields)
  }
}

/// What a person typed into a form that was refused; never a password.
public struct KeptForm: Sendable, Hashable {
  public let kind: String
  public let text: String
  public init(kind: String, text: String) {
    self.kind = kind
    self.text = text
  }
}
