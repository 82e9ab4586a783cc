public import Foundation
public import Incidents
public import JSON

/// `step.intent`: what is about to be done, written before the call.
public struct StepIntent: StepEventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  public var phase: String? { text("phase") }
  public var snapshot: JSONValue? { body["snapshot"] }
  /// Values that were sealed before the call.
  public var sealed: [SecretRef] { (texts("sealed") ?? []).map { SecretRef($0) } }
  /// Targets that the call acts on.
  public var touches: [String] { texts("touches") ?? [] }
}

/// `step.outcome`.
public struct StepOutcome: StepEventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  public var phase: String? { text("phase") }
  public var outputs: [String: JSONValue] { body["outputs"]?.object ?? [:] }
  /// False in journals of before outcomes kept any.
  public var hasOutputs: Bool { body["outputs"] != nil }
  public var answer: String? { text("answer") }
  /// The call found that there was nothing to do.
  public var isUnchanged: Bool { body["unchanged"]?.boolean == true }
  /// Entries of stores that hold an old value; nil: nobody looked.
  public var stillOld: [String]? { outputs["still_old"]?.array?.compactMap(\.string) }
  /// What a scan of a fresh clone looked for; nil: the values of its run's plan.
  public var values: [SecretRef]? { texts("values").map { $0.map { SecretRef($0) } } }
}

/// `step.failed`.
public struct StepFailed: StepEventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  public var kind: String? { body["error"]?["class"]?.string }
  public var operation: String? { body["error"]?["operation"]?.string }
  public var message: String? { body["error"]?["message"]?.string }
  public var fix: String? { body["error"]?["fix"]?.string }
  /// No other attempt follows. Journals of before it was written: nil.
  public var isFinal: Bool? { body["final"]?.boolean }
  /// It may have happened all the same.
  public var isOpen: Bool { body["open"]?.boolean == true }
  /// The run goes on without it.
  public var isPassedOver: Bool { text("response") == "continue" }
}

/// `step.settled`: how an interrupted effect ended, as a probe shows.
public struct StepSettled: StepEventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  /// `done`, `not_done`, `unknown`.
  public var settlement: String? { text("settlement") }
  public var evidence: String? { text("evidence") }
}

/// `step.verified`.
public struct StepVerified: StepEventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  public var expected: String? { text("expect") }
  public var result: String? { text("result") }
  /// What was found. A step's own question is noted as `held`: the answer is the expected one.
  public var answer: String? { result == "held" ? expected ?? result : result }
  /// What spoke against the expected answer before it came, in the order in which it was told: pods that held an old value.
  public var before: [String] { texts("before") ?? [] }
  /// Where it proves leaked values dead.
  public var proof: Proof? { body["proof"].map { Proof($0) } }

  /// An unbroken row of refusals.
  public struct Proof: EventBody {
    public let body: JSONValue
    public init(_ body: JSONValue) { self.body = body }
    public var values: [SecretRef] { (texts("values") ?? []).map { SecretRef($0) } }
    public var credential: CredentialName? { text("credential").map { CredentialName($0) } }
    /// The first of its refusals; `from` in journals of before.
    public var began: Date? { (text("began") ?? text("from")).flatMap { Timestamp.date($0) } }
    public var ended: Date? { text("ended").flatMap { Timestamp.date($0) } }
    public var refusals: Int? { body["refusals"]?.integer }
    public var controls: Int? { body["control_logins"]?.integer }
    public var addresses: [String] { texts("addresses") ?? [] }
    public var propagation: Duration? { body["propagation_seconds"]?.integer.map { .seconds($0) } }
  }
}

/// `step.waiting`.
public struct StepWaiting: StepEventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  /// `approval`, `manual`, `person`, `decision`, `retry`, `poll`, `lock`, `containment`.
  public var subject: String? { text("for") }
  /// Nobody but a person ends it.
  public var isForPerson: Bool {
    ["approval", "manual", "person", "decision"].contains(subject ?? "")
  }
  /// When it ends without an answer.
  public var until: Date? { text("until").flatMap { Timestamp.date($0) } }
  public var prompt: String? { text("prompt") }
  /// Of the plan whose gate it is.
  public var digest: String? { text("digest") }
  /// Whose yes a gate asks for; nil: an earlier version's run, which did not say it.
  public var roles: [String]? { texts("roles") }
  /// What a person is asked to bring.
  public var collect: [String] { texts("collect") ?? [] }
}

/// `step.skipped`.
public struct StepSkipped: StepEventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  public init(_ step: StepID, item: Int?, because reason: String, by who: String) {
    body = StepPlace(step, item).body(["reason": .string(reason), "by": .string(who)])
  }
  public var reason: String? { text("reason") }
  /// `condition` or `operator`.
  public var by: String? { text("by") }
}

/// `step.done`.
public struct StepDone: StepEventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
}

/// `step.manual`: a person did it.
public struct StepManual: StepEventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  public init(_ step: StepID, item: Int?, collected: [String: JSONValue]) {
    body = StepPlace(step, item).body(["collected": .object(collected)])
  }
  public var collected: [String: JSONValue] { body["collected"]?.object ?? [:] }
}

/// `step.undone`.
public struct StepUndone: StepEventBody {
  public let body: JSONValue
  public init(_ body: JSONValue) { self.body = body }
  /// `undone`, `impossible`.
  public var result: String? { text("result") }
  public var reason: String? { text("reason") }
}

/// The members that name a step, in every event about one.
private struct StepPlace {
  let step: StepID
  let item: Int?

  init(_ step: StepID, _ item: Int?) {
    self.step = step
    self.item = item
  }

  func body(_ more: [String: JSONValue]) -> JSONValue {
    var members = more
    members["step"] = .string(step.rawValue)
    members["item"] = item.map { .integer($0) }
    return .object(members)
  }
}
