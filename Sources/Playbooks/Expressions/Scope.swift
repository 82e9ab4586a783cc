public import Capabilities
public import Incidents

/// What the names of an expression mean at one moment of a plan or run. Copies are cheap.
public struct Scope: Sendable {
  /// The playbook's inputs, by name. A name that is missing is unknown.
  public var inputs: [String: Value]
  /// Steps so far, by full id. A step that is missing has not run: its status and outputs are unknown.
  public var steps: [StepID: StepResult]
  /// `self`: the outputs of the step whose `verify` or `undo` is evaluated; nil while they are unknown.
  public var own: [String: Value]?
  /// Loop items, by the name after `as:`.
  public var items: [String: Value]
  /// Answers `inputs.credential.lock` and the like.
  public var attributes: any AttributeSource

  public init(
    inputs: [String: Value] = [:], steps: [StepID: StepResult] = [:], own: [String: Value]? = nil,
    items: [String: Value] = [:], attributes: any AttributeSource = NoAttributes()
  ) {
    self.inputs = inputs
    self.steps = steps
    self.own = own
    self.items = items
    self.attributes = attributes
  }
}

/// How a step ended and what it gave.
public struct StepResult: Sendable, Hashable {
  public enum Status: String, Sendable, Codable {
    case succeeded, failed, skipped
    /// Cannot be told yet (planning): `ok`, `failed` and `skipped` are unknown.
    case undecided
  }

  public var status: Status
  /// By the signature's names. A declared output that is missing is null (unknown while undecided).
  public var outputs: [String: Value]

  public init(_ status: Status, outputs: [String: Value] = [:]) {
    self.status = status
    self.outputs = outputs
  }
}

/// Knows the facts about targets that expressions may ask for; ``TargetAttributes`` lists them.
public protocol AttributeSource: Sendable {
  /// The attribute of a credential, store, consumer, repository, tracker or incident; nil when it is not known yet.
  func attribute(_ name: String, of target: Value) -> Value?
  /// SHA-256 of the settings behind `target`, by the entry's name ("consumer web"): its own and those of the entries that it
  /// brings along (a credential's store and consumers). Nil: every entry's.
  func settings(of target: Value?) -> [String: String]
}

extension AttributeSource {
  /// A source without a configuration binds nothing.
  public func settings(of target: Value?) -> [String: String] { [:] }
}

/// Knows nothing: every attribute but a target's own name is unknown.
public struct NoAttributes: AttributeSource {
  public init() {}
  public func attribute(_ name: String, of target: Value) -> Value? { nil }
}
