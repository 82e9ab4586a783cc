public import Capabilities
public import Incidents
public import Playbooks

/// A file of `playbooks/tests/`: cases that run one playbook against declared outcomes, without touching anything.
public struct PlaybookTest: Sendable {
  /// The playbook that it tests.
  public let playbook: PlaybookID
  public let cases: [Case]

  /// One run.
  public struct Case: Sendable {
    public let name: String
    public let position: SourcePosition
    /// Complete: the file's `inputs`, the case's own over them, the playbook's defaults for the rest.
    public let inputs: [String: Value]
    /// Facts about targets, by type and name (`incident`, `codename`).
    public let attributes: [String: [String: Value]]
    /// What steps come back with; a step that is not here succeeds, with the expected answers and null outputs.
    public let outcomes: [StepID: MockOutcome]
    public let expected: Expected
  }

  /// What must come out of a case.
  public struct Expected: Sendable, Hashable {
    public let state: RehearsedRun.State
    /// The step that failed or waits; nil when the file does not say.
    public let at: StepID?
    /// Steps that must have succeeded, failed, been skipped.
    public let statuses: [StepID: StepResult.Status]
  }
}

/// What a step comes back with in a test.
public struct MockOutcome: Sendable, Hashable {
  /// How people and the outside answer an `approve`.
  public enum ApprovalAnswer: String, Sendable, CaseIterable { case yes, no, timeout }

  /// The action's answer; nil: the expected one.
  public var answer: String?
  /// The answer of `verify`; nil: the expected one.
  public var verify: String?
  /// Why the call fails; nil: it does not.
  public var failure: CapabilityError.Class?
  public var approval: ApprovalAnswer
  /// True: the person never does it.
  public var isLeftUndone: Bool
  public var outputs: [String: Value]

  public init(
    answer: String? = nil, verify: String? = nil, failure: CapabilityError.Class? = nil,
    approval: ApprovalAnswer = .yes, leftUndone: Bool = false, outputs: [String: Value] = [:]
  ) {
    self.answer = answer
    self.verify = verify
    self.failure = failure
    self.approval = approval
    isLeftUndone = leftUndone
    self.outputs = outputs
  }
}
