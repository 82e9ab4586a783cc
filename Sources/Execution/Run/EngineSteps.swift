import Capabilities
import Foundation
import Incidents
import JSON
import Playbooks
import Synchronization

// Lists, conditions, groups, loops: everything around an action.
extension Engine {
  func sequence(_ steps: [Step], _ context: StepContext) async throws -> Flow {
    for step in steps {
      let flow = try await run(step, context)
      guard flow.goesOn else { return flow }
    }
    return .goOn
  }

  /// One step with its condition, gate, loop and response to failure.
  func run(_ step: Step, _ context: StepContext) async throws -> Flow {
    if let flow = try interruption() { return flow }
    let key = context.key(step)
    if let known = past(step, key, context) { return known }
    if isRecovering(step) {
      // It failed, and what answers that was interrupted: it goes on there, and the step is not tried in the middle of it.
      let why = recorder.record(key).failure ?? "a part of it failed"
      return try await respond(to: .failed(step.id, why), step, key, context)
    }
    if !context.isFinal, let flow = try overdue(key) { return flow }
    var flow: Flow
    do {
      if let skipped = try skipping(step, key, context) { return skipped }
      if let held = try holding(step, key) { return held }
      flow = step.approval == nil ? .goOn : try await passGate(step, key)
      if flow.goesOn {
        if let loop = step.loop {
          flow = try await run(loop, of: step, context)
        } else {
          flow = try await body(step, context)
        }
      }
    } catch let error as ExecutionError where error.code == .playbook || error.code == .input {
      flow = try fail(key, error)
    }
    guard flow.goesOn else { return try await respond(to: flow, step, key, context) }
    try finish(step, key, context)
    return .goOn
  }

  /// A step whose expressions give no value fails like any other.
  private func fail(_ key: StepKey, _ error: ExecutionError) throws -> Flow {
    try fail(
      key, attempt: recorder.record(key).attempt,
      CapabilityError(.configuration, error.operation, because: error.because, fix: error.fix))
  }

  /// What stops the run before the next step.
  func interruption() throws -> Flow? {
    try Task.checkCancellation()
    try recorder.sync()
    if recorder.history({ $0.abortReason }) != nil { return .aborting }
    return stop.isSet ? .stopped : nil
  }

  /// The flow of a step whose end is in the journal; sets its result.
  private func past(_ step: Step, _ key: StepKey, _ context: StepContext) -> Flow? {
    if let by = recorder.history({ $0.skip(key) }), by == "condition" || !(step.isGate || step.holdsGate) {
      context.results.set(step.id, StepResult(.skipped))
      return .goOn
    }
    if recorder.history({ $0.isDone(key) }) {
      if step.children.contains(where: { isWorthLearning($0, key.item) }) { return nil }
      let record = recorder.record(key)
      // What stands inside a group or a sub-playbook is asked for by steps behind it, also after a resume.
      for child in step.children { _ = past(child, StepKey(child.id, key.item), context) }
      context.results.set(
        step.id, StepResult(.succeeded, outputs: record.collected ?? record.outputs))
      return .goOn
    }
    let record = recorder.record(key)
    if record.failure != nil, record.isPassedOver {
      if isWorthLearning(step, key.item) { return nil }
      context.results.set(step.id, StepResult(.failed))
      return .goOn
    }
    return nil
  }

  /// What a look could not learn (its provider was down, or refused the runner) is learned again by the next process, as
  /// long as nothing was changed that it would have seen.
  private func isWorthLearning(_ step: Step, _ item: Int?) -> Bool {
    guard case .action(let action) = step.kind, action.call.action.effect == .read else {
      return step.loop == nil && step.children.contains { isWorthLearning($0, item) }
    }
    let record = recorder.record(StepKey(step.id, item))
    return record.failure != nil && record.isPassedOver
      && recorder.history { history in history.actions.allSatisfy { isNotification($0) } }
  }

  /// Asks `when:`, once: a step that began goes on whatever its condition says now.
  /// - Returns: how the step ends when it does not run; nil when it does.
  private func skipping(_ step: Step, _ key: StepKey, _ context: StepContext) throws -> Flow? {
    let record = recorder.record(key)
    guard let condition = step.condition, record.attempt == 0, record.waitingFor == nil else { return nil }
    let scope = context.scope(attributes: environment.attributes)
    let truth: Bool?
    do { truth = try condition.truth(in: scope) } catch {
      throw ExecutionError(error, "evaluate when: of \(step.id)")
    }
    guard let truth else {
      throw ExecutionError(
        .playbook, "evaluate when: of \(step.id)",
        because: "\(condition.text) cannot be told: something in it is unknown",
        fix: "give the fact in staunch.yaml, or: staunch skip \(step.id) --run \(plan.run) --reason 'why'")
    }
    let expected = planned[key]?.certainty ?? .maybe
    if !context.isFinal, expected != .maybe, truth != (expected == .will) {
      return try drift(
        key,
        what: "whether \(step.id) runs" + (truth ? "" : " (\(condition.whyNot(in: scope)))"),
        expected: .boolean(expected == .will), found: .boolean(truth))
    }
    guard truth else {
      try recorder.note(
        .stepSkipped,
        key.body([
          "reason": .string(condition.whyNot(in: scope)), "condition": .string(condition.text),
          "by": "condition",
        ]))
      context.results.set(step.id, StepResult(.skipped))
      return .goOn
    }
    return nil
  }

  /// Records what changed since the plan and stops the run.
  func drift(_ key: StepKey, what: String, expected: JSONValue, found: JSONValue) throws -> Flow {
    try recorder.note(
      .driftFound, key.body(["what": .string(what), "expected": expected, "found": found]))
    let reason =
      "the world changed since the plan: \(what) was \(expected.canonicalText), is \(found.canonicalText)"
    return .drifted(key.step, reason)
  }

  /// The step itself, once (one item of a loop, or all of a step without one).
  func body(_ step: Step, _ context: StepContext) async throws -> Flow {
    switch step.kind {
    case .action(let action): return try await act(action, of: step, context)
    case .gate: return .goOn
    case .manual(let manual): return try await ask(manual, of: step, context)
    case .parallel(let branches): return try await atOnce(branches, context)
    case .playbook(let sub):
      var inner = context
      do {
        inner.frame.inputs = try sub.scope(in: context.scope(attributes: environment.attributes)).inputs
      } catch { throw ExecutionError(error, "evaluate with: of \(step.id)") }
      let flow = try await sequence(sub.playbook.steps, inner)
      switch flow {
      case .waits, .stopped, .aborting: return flow
      case .goOn, .failed, .drifted:
        for last in sub.playbook.finally {
          switch try await run(last, inner) {
          case .goOn: break
          case .failed(let step, let why), .drifted(let step, let why): noteUnfinished(step, why)
          case .stopped: return .stopped
          case .aborting: return .aborting
          case .waits: if flow.goesOn { return .waits }
          }
        }
        return flow
      }
    }
  }

  private func atOnce(_ branches: [Step], _ context: StepContext) async throws -> Flow {
    try await withThrowingTaskGroup(of: (Int, Flow).self) { group in
      for (index, branch) in branches.enumerated() {
        group.addTask { (index, try await self.run(branch, context)) }
      }
      var flows = branches.map { _ in Flow.goOn }
      while let (index, flow) = try await group.next() { flows[index] = flow }
      return Flow.combined(flows)
    }
  }

  private func run(_ loop: Loop, of step: Step, _ context: StepContext) async throws -> Flow {
    let list: Value
    do { list = try loop.list.value(in: context.scope(attributes: environment.attributes)) } catch {
      throw ExecutionError(error, "evaluate for_each: of \(step.id)")
    }
    guard case .list(let items) = list else {
      guard list == .null else {
        throw ExecutionError(.playbook, "evaluate for_each: of \(step.id)", because: "it is no list")
      }
      return .goOn
    }
    return try await withThrowingTaskGroup(of: Flow.self) { group in
      var flows: [Flow] = [.goOn]
      var running = 0
      var next = 0
      func collect() async throws {
        guard let flow = try await group.next() else { return }
        running -= 1
        if !flow.goesOn { flows.append(flow) }
      }
      while next < items.count {
        // A failed or stopped item lets the others that run come to their end; a waiting one does not hold them up.
        guard Flow.combined(flows).letsItemsStart else { break }
        while running >= loop.maxParallel { try await collect() }
        let index = next
        next += 1
        let key = StepKey(step.id, index)
        guard recorder.history({ !$0.isDone(key) && $0.skip(key) == nil }) else { continue }
        var inner = context
        inner.frame.items[loop.name] = items[index]
        inner.frame.item = index
        let itemContext = StepContext(
          frame: inner.frame, results: StepResults(over: context.results), isFinal: context.isFinal)
        running += 1
        group.addTask { try await self.item(step, key, itemContext) }
      }
      while running > 0 { try await collect() }
      return Flow.combined(flows)
    }
  }

  private func item(_ step: Step, _ key: StepKey, _ context: StepContext) async throws -> Flow {
    if let flow = try interruption() { return flow }
    let record = recorder.record(key)
    if record.failure != nil, record.isPassedOver { return .goOn }
    if !context.isFinal, let flow = try overdue(key) { return flow }
    let flow: Flow
    do { flow = try await body(step, context) } catch let error as ExecutionError
      where error.code == .playbook || error.code == .input
    {
      flow = try fail(key, error)
    }
    if case .failed = flow, case .proceed = step.onFailure {
      try passOver(key)
      return .goOn
    }
    if flow.goesOn, !isPassedOver(key), !isDeferred(key.step, key.item) {
      try recorder.note(.stepDone, key.body())
    }
    return flow
  }

  /// Marks a step as done and remembers its outputs.
  private func finish(_ step: Step, _ key: StepKey, _ context: StepContext) throws {
    let record = recorder.record(key)
    if record.isPassedOver || isDeferred(key.step, nil) {
      context.results.set(step.id, StepResult(.failed))
      return
    }
    if recorder.history({ $0.skip(key) }) != nil {
      context.results.set(step.id, StepResult(.skipped))
      return
    }
    try recorder.note(.stepDone, key.body())
    context.results.set(step.id, StepResult(.succeeded, outputs: record.collected ?? record.outputs))
  }

  private func isPassedOver(_ key: StepKey) -> Bool {
    recorder.record(key).isPassedOver || recorder.history { $0.skip(key) } != nil
  }

  /// A notification of this step waits for its second chance; `item` nil: of any item.
  private func isDeferred(_ step: StepID, _ item: Int?) -> Bool {
    session.withLock {
      $0.deferred.contains { $0.step.id == step && (item == nil || $0.context.frame.item == item) }
    }
  }

  /// True when steps of its `on_failure` began in an earlier process and are not over.
  private func isRecovering(_ step: Step) -> Bool {
    guard case .steps(let recovery) = step.onFailure else { return false }
    let steps = Set(recovery.flatMap(\.withDescendants).map(\.id))
    return recorder.history { $0.hasBegun(steps) }
  }

  /// `on_failure`.
  private func respond(to flow: Flow, _ step: Step, _ key: StepKey, _ context: StepContext) async throws
    -> Flow
  {
    guard case .failed = flow else { return flow }
    context.results.set(step.id, StepResult(.failed))
    switch step.onFailure {
    case .stop: return flow
    case .proceed:
      try passOver(key)
      return .goOn
    case .steps(let recovery):
      let end = try await sequence(recovery, context)
      if end.goesOn { try passOver(key) }
      return end
    }
  }

  /// The step counts as failed, and the run goes on.
  func passOver(_ key: StepKey) throws {
    let record = recorder.record(key)
    try recorder.note(
      .stepFailed,
      key.body([
        "attempt": .integer(record.attempt), "final": true, "response": "continue",
        "open": .boolean(record.openIntent != nil),
        "error": ["class": "conflict", "message": .string(record.failure ?? "a part of it failed")],
      ]))
  }
}
