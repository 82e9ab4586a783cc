public import Capabilities
public import Incidents

/// One step of a playbook.
public struct Step: Sendable {
  /// What a step does.
  public enum Kind: Sendable {
    /// Calls one action (`uses:`).
    case action(ActionStep)
    /// Runs its children at the same time; done when all are.
    case parallel([Step])
    /// Asks a person to do something and collects the evidence.
    case manual(ManualStep)
    /// Only asks for approval; the gate itself is ``Step/approval``.
    case gate
    /// Runs another playbook as part of this one.
    case playbook(SubPlaybook)
  }

  /// The full id: `triage.alive` for a child of `triage`, also inside sub-playbooks.
  public let id: StepID
  /// For people; the last part of the id when the file has none.
  public let title: String
  /// Where the step begins in its file.
  public let position: SourcePosition
  /// `when:`; nil is always.
  public let condition: Expression?
  /// `for_each:`; the whole step runs once per item.
  public let loop: Loop?
  /// `approve:`; asked once, after `when` and before the first item. Present in every gate.
  public let approval: ApprovalGate?
  public let kind: Kind
  public let onFailure: FailureResponse

  /// The steps right inside it: of `parallel`, of the sub-playbook, of `on_failure`.
  public var children: [Step] {
    let inner: [Step]
    switch kind {
    case .parallel(let branches): inner = branches
    case .playbook(let sub): inner = sub.playbook.steps + sub.playbook.finally
    case .action, .manual, .gate: inner = []
    }
    if case .steps(let recovery) = onFailure { return inner + recovery }
    return inner
  }

  /// It does nothing but ask.
  public var isGate: Bool { if case .gate = kind { true } else { false } }

  /// A step inside it asks for approval, which later steps may rely on.
  public var holdsGate: Bool { withDescendants.dropFirst().contains { $0.approval != nil } }

  /// This step and everything inside it, each before its children.
  public var withDescendants: [Step] {
    var all: [Step] = []
    collect(into: &all)
    return all
  }

  /// Appends the step and everything inside it: one list, however large the playbook is.
  func collect(into all: inout [Step]) {
    all.append(self)
    for child in children { child.collect(into: &all) }
  }

  /// The action step, or nil for the other kinds.
  public var action: ActionStep? { if case .action(let action) = kind { action } else { nil } }
}

/// A call of one action with everything around it.
public struct ActionStep: Sendable {
  /// `uses` and `with`.
  public let call: Invocation
  /// `expect` and `poll` on the action's own answer; nil when any answer will do.
  public let expectation: Expectation?
  /// `verify`: a read that proves the effect; nil when the file has none.
  public let verification: Verification?
  /// `undo`; nil when the file has none.
  public let compensation: Compensation?
  public let retry: RetryPolicy
  /// For one attempt, polling excluded.
  public let timeout: Duration
}

/// An action with its inputs.
public struct Invocation: Sendable, Hashable {
  public let action: ActionSignature
  /// Checked against the signature: every required input is there.
  public let arguments: [String: Template]
  public let position: SourcePosition

  /// The evaluated `with:`, coerced to the declared types. Unknown parts stay `.unknown`.
  public func inputs(in scope: Scope) throws(EvaluationError) -> [String: Value] {
    var values: [String: Value] = [:]
    for parameter in action.inputs {
      guard let template = arguments[parameter.name] else { continue }
      let value = try template.value(in: scope)
      if value == .null {
        guard !parameter.isRequired else {
          throw EvaluationError(
            at: position, "\(action.id): the input \"\(parameter.name)\" is null",
            fix: "give it a value, or skip the step with when:")
        }
        continue
      }
      guard let coerced = value.coerced(to: parameter.type) else {
        throw EvaluationError(
          at: position, "\(action.id): the input \"\(parameter.name)\" is no \(parameter.type)")
      }
      values[parameter.name] = coerced
    }
    return values
  }
}

extension ActionStep {
  /// True when the step itself asks for the proof of death.
  public var expectsDeath: Bool {
    call.action.id == ActionSignature.credentialVerify.id && expectation?.answer == "dead"
  }
}

/// Work for a person.
public struct ManualStep: Sendable {
  /// What to do.
  public let instructions: Template
  /// What to hand in, by name; becomes the step's outputs.
  public let collect: [String: ValueType]
  /// Nil when the file does not say (lint objects).
  public let timeout: Duration?
}

/// Another playbook as a step. Its steps' ids already begin with this step's id.
public struct SubPlaybook: Sendable {
  public let playbook: Playbook
  /// Its inputs, evaluated in the outer scope; its defaults are not repeated here.
  public let arguments: [String: Template]

  /// The scope of its steps: its own inputs, the outer scope's step results.
  public func scope(in outer: Scope) throws(EvaluationError) -> Scope {
    var inner = outer
    inner.inputs = [:]
    inner.items = [:]
    for input in playbook.inputs {
      if let template = arguments[input.name] {
        let value = try template.value(in: outer)
        guard let coerced = value == .null ? .null : value.coerced(to: input.type) else {
          throw EvaluationError(at: input.position, "the input \"\(input.name)\" is no \(input.type)")
        }
        inner.inputs[input.name] = coerced
      } else {
        inner.inputs[input.name] = input.defaultValue ?? .null
      }
    }
    return inner
  }
}

/// What happens when a step fails for good.
public enum FailureResponse: Sendable {
  /// The run stops (then `finally`).
  case stop
  /// The run goes on; the step counts as failed, its outputs are null.
  case proceed
  /// These run, then the run goes on when all of them succeeded, else it stops. When the step succeeds or is skipped,
  /// they count as skipped.
  case steps([Step])
}
