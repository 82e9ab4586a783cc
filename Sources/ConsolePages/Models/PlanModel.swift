import Foundation
import JSON

/// A plan as a person reads it: what changes, where, who notices, what cannot be undone or predicted.
struct PlanModel: Sendable {
  struct Line: Sendable {
    let effectStep: String
    let effectTitle: String
    let effectTone: String
    let kindWord: String
    let certainty: String?
    let will: String?
    let target: String?
    let gate: String?
    let affected: String?
    let unpredicted: String?
    let conditions: String?
    let problem: String?
    let nowAnswer: String?
    let hasFacts: Bool
    let isIrreversible: Bool
    let isRead: Bool
  }

  let planID: String
  let planPath: String
  let digest: String
  let playbook: String
  let approvalState: StateMark
  let created: Moment?
  let planSummary: String
  let effects: [Line]
  let reads: [Line]
  let hasReads: Bool
  let readsCount: String
  /// How many effects a page leaves out.
  let moreEffects: String?

  /// - Parameters:
  ///   - obstacle: why it can never run; nil: nothing is against it.
  ///   - mostSteps: how many effects, and how many reads, a page shows.
  init(
    _ json: JSONValue, isApproved: Bool, obstacle: String? = nil, mostSteps: Int = 200, now: Date
  ) {
    planID = json["id"]?.string ?? ""
    planPath = "/plans/" + ConsoleText.pathSegment(planID)
    digest = json["digest"]?.string ?? ""
    playbook = json["playbook"]?.string ?? "unknown"
    approvalState =
      obstacle.map { StateMark("✗", "will not run: \($0)", "bad") }
      ?? (isApproved ? StateMark("✓", "approved", "good") : StateMark("◌", "not approved", "wait"))
    created = Moment(json["created"]?.string, now: now)
    let lines = (json["steps"]?.array ?? []).compactMap(Line.init)
    let allEffects = lines.filter { !$0.isRead }
    let allReads = lines.filter(\.isRead)
    effects = Array(allEffects.prefix(mostSteps))
    reads = Array(allReads.prefix(mostSteps))
    moreEffects = allEffects.count > mostSteps ? "and \(allEffects.count - mostSteps) more" : nil
    hasReads = !reads.isEmpty
    readsCount = ConsoleText.count(allReads.count, "step only reads", "steps only read")
    planSummary = PlanModel.summary(json)
  }

  private static func summary(_ json: JSONValue) -> String {
    let steps = (json["steps"]?.array ?? []).filter { $0["certainty"]?.string != "skipped" }
    let changes = steps.filter { $0["kind"]?.string == "effect" }
    let final = changes.filter(Line.isIrreversible).count
    let affected = Set(changes.flatMap { $0["plan"]?["affected"]?.array ?? [] }.compactMap(\.string)).count
    let gates = steps.count { $0["gate"]?.string != nil }
    var parts = [ConsoleText.count(changes.count, "change")]
    parts.append(final == 0 ? "all can be undone" : "\(final) cannot be undone")
    if affected > 0 { parts.append("\(affected) affected") }
    if gates > 0 { parts.append(ConsoleText.count(gates, "question on the way", "questions on the way")) }
    return parts.joined(separator: " · ")
  }
}

extension PlanModel.Line {
  static func isIrreversible(_ json: JSONValue) -> Bool {
    json["effect"]?.string == "irreversible" || json["plan"]?["reversible"]?.boolean == false
  }

  init?(_ json: JSONValue) {
    guard let step = json["step"]?.string, let kind = json["kind"]?.string, kind != "group" else {
      return nil
    }
    let plan = json["plan"]
    let isSkipped = json["certainty"]?.string == "skipped"
    let isFinal = kind == "effect" && !isSkipped && Self.isIrreversible(json)
    effectStep = json["item"]?.integer.map { "\(step)[\($0)]" } ?? step
    effectTitle = json["title"]?.string ?? ""
    certainty = json["certainty"]?.string.flatMap { $0 == "will" ? nil : $0 }
    isIrreversible = isFinal
    isRead = kind == "read"
    (kindWord, effectTone) =
      switch kind {
      case "effect" where json["effect"]?.string == "notify": ("Tell", "info")
      case "effect": isFinal ? ("Destroy", "bad") : ("Change", "wait")
      case "gate": ("Ask", "info")
      case "manual": ("By hand", "info")
      default: ("Read", "")  // `read`
      }
    will = isSkipped ? nil : plan?["will"]?.string
    target = isSkipped ? nil : plan?["target"]?.string
    gate = json["gate"]?.string
    affected = Self.joined(plan?["affected"])
    unpredicted = Self.joined(plan?["cannot_predict"])
    conditions = Self.conditions(plan?["preconditions"])
    problem = json["problem"]?.string
    nowAnswer = json["answer"]?.string
    hasFacts = [will, target, gate, affected, unpredicted, conditions, problem].contains { $0 != nil }
  }

  private static func joined(_ json: JSONValue?) -> String? {
    let texts = (json?.array ?? []).compactMap(\.string)
    return texts.isEmpty ? nil : texts.joined(separator: "; ")
  }

  private static func conditions(_ json: JSONValue?) -> String? {
    guard let members = json?.object, !members.isEmpty else { return nil }
    return members.sorted { $0.key < $1.key }.map { name, value in
      let text = value.string ?? value["unknown"]?.string.map { "unknown (\($0))" } ?? value.canonicalText
      return "\(name) is \(text.count > 80 ? text.prefix(77) + "..." : text)"
    }.joined(separator: "; ")
  }
}
