/// What an action is called, takes and gives: checked when a playbook is loaded, and the source of docs/ACTIONS.md.
public struct ActionSignature: Sendable, Hashable {
  /// What the action does to the world.
  public enum Effect: String, Sendable, Codable, CaseIterable {
    /// Only looks. Runs for real in `plan`.
    case read
    /// Can be undone.
    case reversible
    /// Cannot be undone: needs an approval upstream or a named policy exception.
    case irreversible
    /// Tells people or systems; a failure never blocks containment.
    case notify
  }

  /// One input or output.
  public struct Parameter: Sendable, Hashable {
    public let name: String
    public let type: ValueType
    /// Inputs only: must be given.
    public let isRequired: Bool
    /// One sentence for the reference.
    public let summary: String

    public init(_ name: String, _ type: ValueType, required: Bool = true, _ summary: String) {
      self.name = name
      self.type = type
      self.isRequired = required
      self.summary = summary
    }
  }

  /// `noun.verb`, for example `credential.disable`.
  public let id: String
  public let effect: Effect
  /// One sentence for the reference.
  public let summary: String
  public let inputs: [Parameter]
  public let outputs: [Parameter]
  /// The word a step's `expect:` compares with, for actions that answer one question (`alive`, `dead`, `clean` …).
  public let answers: [String]

  public init(
    id: String, effect: Effect, summary: String, inputs: [Parameter], outputs: [Parameter],
    answers: [String] = []
  ) {
    self.id = id
    self.effect = effect
    self.summary = summary
    self.inputs = inputs
    self.outputs = outputs
    self.answers = answers
  }
}
