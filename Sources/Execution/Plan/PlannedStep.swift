public import Capabilities
public import Incidents
public import JSON

/// One line of a plan: a step (or one item of its loop) and what it would do.
public struct PlannedStep: Sendable, Hashable {
  /// Whether it will run.
  public enum Certainty: String, Sendable, Codable {
    case will
    /// Its condition depends on something that is not known before the run.
    case maybe
    /// Its condition does not hold.
    case skipped
  }

  /// What sort of step it is.
  public enum Kind: String, Sendable, Codable {
    case read, effect, gate, manual, group
  }

  public let step: StepID
  /// The loop's item, from 0; nil outside a loop and for a loop as a whole.
  public let item: Int?
  public let title: String
  public let kind: Kind
  public let certainty: Certainty
  /// For `read` and `effect`.
  public let action: String?
  public let effectClass: ActionSignature.Effect?
  /// For effects; nil while it was skipped.
  public var effect: PlannedEffect?
  /// Roles and number of people that its gate asks for: "responder", "2 × repository-admin, responder".
  public var gate: String?
  /// How many items a loop has; nil when it is no loop or not known yet.
  public var items: Int?
  /// What a read answered while planning; not part of the digest.
  public var answer: String?
  /// What a read gave while planning; not part of the digest.
  public var outputs: [String: JSONValue] = [:]
  /// What its effect acts on, at a glance; not part of the digest.
  public var glance: JSONValue?
  /// Why nothing could be found out; not part of the digest.
  public var problem: String?

  init(
    _ step: StepID, item: Int?, title: String, kind: Kind, certainty: Certainty,
    action: ActionSignature? = nil
  ) {
    self.step = step
    self.item = item
    self.title = title
    self.kind = kind
    self.certainty = certainty
    self.action = action?.id
    effectClass = action?.effect
  }

  /// What the digest covers: everything that somebody who approves relies on.
  var bound: JSONValue {
    var members: [String: JSONValue] = [
      "step": .string(step.rawValue), "kind": .string(kind.rawValue),
      "certainty": .string(certainty.rawValue),
    ]
    if let item { members["item"] = .integer(item) }
    if let action { members["action"] = .string(action) }
    if let effectClass { members["effect"] = .string(effectClass.rawValue) }
    if let effect { members["plan"] = effect.json }
    if let gate { members["gate"] = .string(gate) }
    if let items { members["items"] = .integer(items) }
    return .object(members)
  }

  /// The whole line, for the saved plan and `--json`.
  public var json: JSONValue {
    var members = bound.object ?? [:]
    members["title"] = .string(title)
    if let answer { members["answer"] = .string(answer) }
    if !outputs.isEmpty { members["outputs"] = .object(outputs) }
    if let problem { members["problem"] = .string(problem) }
    if let glance { members["glance"] = glance }
    return .object(members)
  }

  /// Reads what ``json`` wrote; nil when it is something else.
  public init?(json: JSONValue) {
    guard let step = json["step"]?.string, let kind = json["kind"]?.string.flatMap(Kind.init),
      let certainty = json["certainty"]?.string.flatMap(Certainty.init), let title = json["title"]?.string
    else { return nil }
    self.step = StepID(step)
    item = json["item"]?.integer
    self.title = title
    self.kind = kind
    self.certainty = certainty
    action = json["action"]?.string
    effectClass = json["effect"]?.string.flatMap(ActionSignature.Effect.init)
    effect = json["plan"].flatMap(PlannedEffect.init(json:))
    gate = json["gate"]?.string
    items = json["items"]?.integer
    answer = json["answer"]?.string
    outputs = json["outputs"]?.object ?? [:]
    problem = json["problem"]?.string
    glance = json["glance"]
  }
}

extension PlannedEffect {
  /// `will, target, preconditions, reversible, affected, cannot_predict`, and `constants` where there are some.
  public var json: JSONValue {
    var members: [String: JSONValue] = [
      "will": .string(will), "target": .string(target), "preconditions": .object(preconditions),
      "reversible": .boolean(isReversible), "affected": .array(affected.map(JSONValue.string)),
      "cannot_predict": .array(cannotPredict.map(JSONValue.string)),
    ]
    if !constants.isEmpty { members["constants"] = .array(constants.sorted().map(JSONValue.string)) }
    return .object(members)
  }

  /// Reads what ``json`` wrote; nil when it is something else.
  public init?(json: JSONValue) {
    guard let will = json["will"]?.string, let target = json["target"]?.string,
      let preconditions = json["preconditions"]?.object, let reversible = json["reversible"]?.boolean
    else { return nil }
    self.init(
      will: will, target: target, preconditions: preconditions,
      constants: Set((json["constants"]?.array ?? []).compactMap(\.string)), reversible: reversible,
      affected: (json["affected"]?.array ?? []).compactMap(\.string),
      cannotPredict: (json["cannot_predict"]?.array ?? []).compactMap(\.string))
  }
}
