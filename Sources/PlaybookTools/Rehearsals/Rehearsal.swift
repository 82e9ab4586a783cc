import Capabilities
import Incidents
public import Playbooks

/// Runs a playbook's control flow against declared outcomes: no clock, no journal, no calls.
///
/// It shows which steps run in which order with which inputs. What the engine adds (retries, crash safety, undo,
/// approvals with signatures) is the engine's own test.
public struct Rehearsal {
  private let playbook: Playbook
  private let test: PlaybookTest.Case
  private var scope: Scope
  private var run = RehearsedRun()

  /// How a step or list of steps ended.
  private enum Flow { case onward, failed, waiting }

  private init(_ playbook: Playbook, _ test: PlaybookTest.Case) {
    self.playbook = playbook
    self.test = test
    scope = Scope(inputs: test.inputs, attributes: DeclaredAttributes(values: test.attributes))
  }

  /// - Throws: when an expression cannot be evaluated, or a condition depends on something that the case leaves out.
  public static func run(_ playbook: Playbook, _ test: PlaybookTest.Case) throws(EvaluationError)
    -> RehearsedRun
  {
    var rehearsal = Rehearsal(playbook, test)
    try rehearsal.play(playbook)
    return rehearsal.run
  }

  private mutating func play(_ playbook: Playbook) throws(EvaluationError) {
    for lock in playbook.locks { _ = try lock.value(in: scope) }
    let flow = try sequence(playbook.steps)
    switch flow {
    case .onward: run.state = .done
    case .failed: run.state = .failed
    case .waiting:
      run.state = .waiting
      return  // `finally` comes when it ends
    }
    for step in playbook.steps.flatMap(\.withDescendants) where run.statuses[step.id] == nil {
      settle(step.id, .skipped)
    }
    for step in playbook.finally where try self.step(step, item: nil) == .failed {
      run.at = run.at ?? step.id
    }
  }

  private mutating func sequence(_ steps: [Step]) throws(EvaluationError) -> Flow {
    for step in steps {
      let flow = try self.step(step, item: nil)
      if flow != .onward { return flow }
    }
    return .onward
  }

  private mutating func step(_ step: Step, item: Int?) throws(EvaluationError) -> Flow {
    if let condition = step.condition {
      guard let holds = try condition.truth(in: scope) else {
        throw EvaluationError(
          at: condition.position, "\"\(condition.text)\" is not decided in the case \"\(test.name)\"",
          fix: "give the outputs that it depends on under steps:, or the attribute under attributes:")
      }
      see(step, holds ? .conditionHolds : .conditionDoesNotHold)
      guard holds else {
        for inner in step.withDescendants { settle(inner.id, .skipped) }
        return .onward
      }
    }
    var flow = Flow.onward
    if step.approval != nil { flow = approve(step) }
    if flow == .onward { flow = try step.loop == nil ? body(step, item: item) : loop(step) }
    switch flow {
    case .onward:
      settle(step.id, .succeeded)
      if case .steps(let recovery) = step.onFailure {
        for inner in recovery.flatMap(\.withDescendants) { settle(inner.id, .skipped) }
      }
    case .failed: return try fail(step)
    case .waiting: run.at = run.at ?? step.id
    }
    return flow
  }

  private mutating func fail(_ step: Step) throws(EvaluationError) -> Flow {
    settle(step.id, .failed)
    scope.steps[step.id]?.outputs = [:]
    switch step.onFailure {
    case .stop:
      run.at = run.at ?? step.id
      return .failed
    case .proceed:
      see(step, .recovers)
      return .onward
    case .steps(let recovery):
      see(step, .recovers)
      let flow = try sequence(recovery)
      if flow == .failed { run.at = run.at ?? step.id }
      return flow
    }
  }

  private mutating func approve(_ step: Step) -> Flow {
    switch outcome(step).approval {
    case .yes:
      see(step, .approved)
      return .onward
    case .no:
      see(step, .declined)
      return .failed
    case .timeout: return step.approval?.onTimeout == .stop ? .failed : .waiting
    }
  }

  private mutating func loop(_ step: Step) throws(EvaluationError) -> Flow {
    guard let loop = step.loop, case .list(let items) = try loop.list.value(in: scope) else {
      throw EvaluationError(
        at: step.position, "the list of \(step.id) is not known in the case \"\(test.name)\"")
    }
    see(step, items.isEmpty ? .noItems : .someItems)
    if items.isEmpty { for inner in step.children.flatMap(\.withDescendants) { settle(inner.id, .skipped) } }
    var worst = Flow.onward
    for (index, item) in items.enumerated() {
      scope.items[loop.name] = item
      let flow = try body(step, item: index)
      if flow != .onward { worst = flow }
    }
    scope.items[loop.name] = nil
    return worst
  }

  private mutating func body(_ step: Step, item: Int?) throws(EvaluationError) -> Flow {
    switch step.kind {
    case .gate: return .onward
    case .action(let action): return try perform(action, of: step, item: item)
    case .manual(let manual):
      _ = try manual.instructions.value(in: scope)
      guard !outcome(step).isLeftUndone else { return .waiting }
      see(step, .handedIn)
      scope.steps[step.id] = StepResult(.succeeded, outputs: outcome(step).outputs)
      return .onward
    case .parallel(let branches):
      var worst = Flow.onward
      for branch in branches {
        let flow = try self.step(branch, item: item)
        if flow == .failed || worst == .onward { worst = flow }
      }
      return worst
    case .playbook(let sub):
      let outer = scope
      scope = try sub.scope(in: outer)
      let flow = try sequence(sub.playbook.steps)
      if flow != .waiting { for last in sub.playbook.finally { _ = try self.step(last, item: item) } }
      scope.inputs = outer.inputs
      scope.items = outer.items
      return flow
    }
  }

  private mutating func perform(_ action: ActionStep, of step: Step, item: Int?) throws(EvaluationError)
    -> Flow
  {
    let outcome = outcome(step)
    run.calls.append(
      RehearsedRun.Call(
        step: step.id, item: item, action: action.call.action.id, inputs: try action.call.inputs(in: scope)))
    guard outcome.failure == nil else { return .failed }
    scope.steps[step.id] = StepResult(.succeeded, outputs: outcome.outputs)
    var isProven = true
    if let expected = action.expectation { isProven = (outcome.answer ?? expected.answer) == expected.answer }
    if let verification = action.verification {
      scope.own = outcome.outputs
      defer { scope.own = nil }
      _ = try verification.call.inputs(in: scope.forgettingMissing(outputs: action.call.action.outputs))
      if let expected = verification.expectation {
        isProven = isProven && (outcome.verify ?? expected.answer) == expected.answer
      }
    }
    if action.isProven { see(step, isProven ? .proven : .notProven) }
    return isProven ? .onward : .failed
  }

  private func outcome(_ step: Step) -> MockOutcome { test.outcomes[step.id] ?? MockOutcome() }

  private mutating func settle(_ id: StepID, _ status: StepResult.Status) {
    run.statuses[id] = status
    if scope.steps[id] == nil { scope.steps[id] = StepResult(status) }
    scope.steps[id]?.status = status
  }

  private mutating func see(_ step: Step, _ way: Branch.Way) {
    run.branches.insert(Branch(step: step.id, way: way))
  }
}

extension Scope {
  /// In a test, outputs that the case leaves out are unknown inside `verify`, so that it need not make them up.
  fileprivate func forgettingMissing(outputs: [ActionSignature.Parameter]) -> Scope {
    var scope = self
    for output in outputs where scope.own?[output.name] == nil { scope.own?[output.name] = .unknown }
    return scope
  }
}

/// The attributes that a test declares.
private struct DeclaredAttributes: AttributeSource {
  let values: [String: [String: Value]]

  func attribute(_ name: String, of target: Value) -> Value? {
    switch target {
    case .credential: values["credential"]?[name]
    case .store: values["store"]?[name]
    case .consumer: values["consumer"]?[name]
    case .repository: values["repository"]?[name]
    case .tracker: values["tracker"]?[name]
    case .incident: values["incident"]?[name]
    case .null, .unknown, .string, .integer, .boolean, .duration, .timestamp, .url, .secret, .list, .record:
      nil
    }
  }
}
