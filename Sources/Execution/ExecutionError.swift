import Capabilities
public import Journal
import Playbooks

/// Why a plan could not be made, or a run could not start or go on.
public struct ExecutionError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Decides the exit code.
  public enum Code: String, Sendable, CaseIterable {
    /// An input is missing or has the wrong type.
    case input
    /// A playbook names an action that this program does not have, or an expression gave no value.
    case playbook
    /// The plan is damaged, or was made from another playbook than the one that is there now.
    case plan
    /// Approvals are missing or do not hold.
    case approval
    /// The world changed since the plan.
    case drift
    /// The journal refused.
    case journal
    /// No such run, or not in a state for this.
    case run
  }

  public let code: Code
  /// What was attempted.
  public let operation: String
  /// Why it failed, starting lower-case.
  public let because: String
  public let fix: String?
  /// The journal's own error, when it was that.
  public let underlying: JournalError?

  public init(_ code: Code, _ operation: String, because: String, fix: String? = nil) {
    self.code = code
    self.operation = operation
    self.because = because
    self.fix = fix
    underlying = nil
  }

  init(_ error: JournalError) {
    code = .journal
    operation = error.operation
    because = error.because
    fix = error.fix
    underlying = error
  }

  init(_ error: EvaluationError, _ operation: String) {
    self.init(.playbook, operation, because: "\(error.position): \(error.because)", fix: error.fix)
  }

  public var description: String { "\(operation): \(because)" + (fix.map { "; fix: \($0)" } ?? "") }
}
