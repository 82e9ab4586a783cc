public import Capabilities
public import Foundation
public import Incidents
public import Playbooks

/// Somebody at the terminal (or a drill's script) whom the engine may ask while it runs.
///
/// Nil or nothing means "not now": the run waits, ends cleanly, and takes the answer from the journal when it is resumed.
public protocol Attendant: Sendable {
  /// A person will be asked and takes time to answer; false for whatever answers (or does not) at once.
  var isPerson: Bool { get }
  /// New approvals for a gate.
  func approvals(for request: ApprovalRequest) async -> [Approval]
  /// What a person hands in for a manual step; nil: not yet.
  func evidence(for request: ManualRequest) async -> [String: Value]?
  /// What to do about an effect of which nobody can tell whether it happened.
  func decision(on question: UnknownOutcome) async -> UnknownOutcomeResponse
}

/// Nobody is there: everything waits for a command.
public struct NoAttendant: Attendant {
  public init() {}
  public var isPerson: Bool { false }
  public func approvals(for request: ApprovalRequest) async -> [Approval] { [] }
  public func evidence(for request: ManualRequest) async -> [String: Value]? { nil }
  public func decision(on question: UnknownOutcome) async -> UnknownOutcomeResponse { .ask }
}

/// A gate that asks.
public struct ApprovalRequest: Sendable {
  public let run: RunID
  public let step: StepID
  public let title: String
  public let digest: PlanDigest
  public let gate: ApprovalGate
  /// What stands behind the gate.
  public let effects: [PlannedStep]
  /// Those that hold already.
  public let given: [Approval]
  public let until: Date?
}

/// A manual step that asks.
public struct ManualRequest: Sendable {
  public let run: RunID
  public let step: StepID
  public let item: Int?
  public let title: String
  public let instructions: String
  public let collect: [String: ValueType]
}

/// An effect whose outcome no probe could tell.
public struct UnknownOutcome: Sendable, Hashable {
  public let run: RunID
  public let step: StepID
  public let item: Int?
  public let action: String
  public let reason: String
}

/// What to do about it.
public enum UnknownOutcomeResponse: String, Sendable, Codable, CaseIterable {
  /// Do it again: it may then have happened twice.
  case retry
  /// Go on without it.
  case skip
  /// Wait for a person.
  case ask
}
