import Capabilities
import Foundation
import Incidents
import JSON
import Playbooks

/// One walk of the planner over a playbook.
struct PlanWalk {
  let planner: Planner
  let run: RunID
  let incident: IncidentID?
  var lines: [PlannedStep] = []
  var results: [StepID: StepResult] = [:]
  /// Settings of what the steps touch. See ``Plan/targets``.
  private(set) var targets: [String: String] = [:]
  /// A change may have happened before this place: reads no longer see the world as it will be.
  private var isAfterChange = false

  init(planner: Planner, run: RunID, incident: IncidentID?) {
    self.planner = planner
    self.run = run
    self.incident = incident
  }

  mutating func sequence(_ steps: [Step], _ frame: Frame, _ certainty: PlannedStep.Certainty)
    async throws(ExecutionError)
  {
    for step in steps { try await plan(step, frame, certainty) }
  }

  /// Binds the settings behind `value`; all of them where it is not known yet what it will name.
  private mutating func bind(_ value: Value) {
    let names: [Value?] = value.holdsUnknown ? [nil] : value.targetValues
    for name in names { targets.merge(planner.attributes.settings(of: name)) { first, _ in first } }
  }

  private func scope(_ frame: Frame, own: [String: Value]? = nil) -> Scope {
    Scope(
      inputs: frame.inputs, steps: results, own: own, items: frame.items, attributes: planner.attributes)
  }

  private mutating func plan(_ step: Step, _ frame: Frame, _ outer: PlannedStep.Certainty)
    async throws(ExecutionError)
  {
    var certainty = outer
    if let condition = step.condition {
      let scope = scope(frame)
      let truth = try evaluate("evaluate when: of \(step.id)") { () throws(EvaluationError) in
        try condition.truth(in: scope)
      }
      if truth == false { certainty = .skipped }
      if truth == nil { certainty = .maybe }
    }
    guard certainty != .skipped else {
      lines.append(line(step, frame, .skipped))
      results[step.id] = StepResult(.skipped)
      return
    }
    var result = StepResult(.undecided)
    if let loop = step.loop {
      result = try await plan(loop, of: step, frame, certainty)
    } else {
      result = try await body(step, frame, certainty)
    }
    results[step.id] = certainty == .will ? result : StepResult(.undecided)
    if case .steps(let recovery) = step.onFailure { try await sequence(recovery, frame, .maybe) }
  }

  private mutating func plan(_ loop: Loop, of step: Step, _ frame: Frame, _ certainty: PlannedStep.Certainty)
    async throws(ExecutionError) -> StepResult
  {
    var head = line(step, frame, certainty, kind: .group)
    let scope = scope(frame)
    let list = try evaluate("evaluate for_each: of \(step.id)") { () throws(EvaluationError) in
      try loop.list.value(in: scope)
    }
    bind(list)
    var inner = frame
    let values: [Value]
    switch list {
    case .list(let elements):
      head.items = elements.count
      values = elements.count > Planner.itemLimit ? Array(elements.prefix(1)) : elements
      if values.count < elements.count {
        head.problem =
          "only the first of \(elements.count) items is shown; the others are read right before they run"
      }
    case .null:
      head.items = 0
      values = []
    default:  // unknown: one line stands for all of them
      head.problem = "how many items there are is known only during the run"
      values = [.unknown]
    }
    lines.append(head)
    for (index, value) in values.enumerated() {
      inner.items[loop.name] = value
      inner.item = list == .unknown ? nil : index
      _ = try await body(step, inner, list == .unknown ? .maybe : certainty)
    }
    return StepResult(.undecided)
  }

  /// The step itself, once.
  private mutating func body(_ step: Step, _ frame: Frame, _ certainty: PlannedStep.Certainty)
    async throws(ExecutionError) -> StepResult
  {
    var line = line(step, frame, certainty)
    switch step.kind {
    case .action(let action):
      let result = try await plan(action, of: step, frame, certainty, &line)
      lines.append(line)
      return result
    case .gate, .manual:
      lines.append(line)
      return StepResult(.undecided)
    case .parallel(let branches):
      lines.append(line)
      // Branches do not see each other; a change in one comes after the reads of all.
      let before = isAfterChange
      var changed = before
      for branch in branches {
        isAfterChange = before
        try await plan(branch, frame, certainty)
        changed = changed || isAfterChange
      }
      isAfterChange = changed
      return StepResult(.undecided)
    case .playbook(let sub):
      lines.append(line)
      let outer = scope(frame)
      let inner = try evaluate("evaluate with: of \(step.id)") { () throws(EvaluationError) in
        try sub.scope(in: outer)
      }
      let innerFrame = Frame(inputs: inner.inputs, items: [:], item: frame.item)
      try await sequence(sub.playbook.steps, innerFrame, certainty)
      try await sequence(sub.playbook.finally, innerFrame, certainty)
      return StepResult(.undecided)
    }
  }

  private mutating func plan(
    _ action: ActionStep, of step: Step, _ frame: Frame, _ certainty: PlannedStep.Certainty,
    _ line: inout PlannedStep
  ) async throws(ExecutionError) -> StepResult {
    let scope = scope(frame)
    let inputs = try evaluate("evaluate with: of \(step.id)") { () throws(EvaluationError) in
      try action.call.inputs(in: scope)
    }
    for value in inputs.values { bind(value) }
    guard let found = planner.actions[action.call.action.id] else {
      throw ExecutionError(
        .playbook, "plan \(step.id)", because: "this program has no action \(action.call.action.id)",
        fix: "staunch playbook lint")
    }
    let call = ActionCall(
      run: run, incident: incident, step: step.id, item: frame.item, attempt: 1, inputs: inputs, earlier: [:],
      marker: marker(run: run, step: step.id, item: frame.item), secrets: planner.secrets,
      progress: planner.progress)
    switch found {
    case .read(let read):
      return await look(read, call, action, certainty, &line)
    case .effect(let effect):
      if effect.signature.effect.isMutating { isAfterChange = true }
      do {
        // The glance first: what changes in between is then seen as changed.
        (line.glance, line.effect) = try await limited(
          to: action.timeout, by: planner.clock, effect.signature.id
        ) { () async throws(CapabilityError) -> (JSONValue?, PlannedEffect?) in
          (try await effect.glance(call), try await effect.plan(call))
        }
      } catch {
        let unknown = inputs.filter { $0.value.holdsUnknown }.keys.sorted()
        line.effect = PlannedEffect(
          will: effect.signature.summary, target: target(of: inputs),
          reversible: effect.signature.effect != .irreversible,
          cannotPredict: unknown.isEmpty
            ? ["\(error)"] : ["\(unknown.joined(separator: ", ")) is known only during the run"])
        if unknown.isEmpty { line.problem = "\(error)" }
      }
      // What counts is what an abort of this playbook does, not what its provider could.
      if !Engine.takesBack(action, effect.signature) { line.effect?.isReversible = false }
      return StepResult(.undecided)
    }
  }

  private func look(
    _ read: any ReadAction, _ call: ActionCall, _ action: ActionStep, _ certainty: PlannedStep.Certainty,
    _ line: inout PlannedStep
  ) async -> StepResult {
    let unknown = call.inputs.filter { $0.value.holdsUnknown }.keys.sorted()
    guard unknown.isEmpty, !isAfterChange else {
      line.problem =
        unknown.isEmpty
        ? "asked during the run: steps before it change what it looks at"
        : "\(unknown.joined(separator: ", ")) is known only during the run"
      return StepResult(.undecided)
    }
    do {
      let result = try await limited(to: action.timeout, by: planner.clock, read.signature.id) {
        () async throws(CapabilityError) in
        try await read.read(call)
      }
      line.answer = result.answer
      line.outputs = result.outputs.mapValues(\.json)
      // An answer that is not the expected one may become it during the run.
      if let expected = action.expectation?.answer, expected != result.answer {
        return StepResult(.undecided)
      }
      return StepResult(.succeeded, outputs: result.outputs)
    } catch {
      line.problem = "\(error)"
      return StepResult(.undecided)
    }
  }

  private func line(
    _ step: Step, _ frame: Frame, _ certainty: PlannedStep.Certainty, kind: PlannedStep.Kind? = nil
  ) -> PlannedStep {
    let own: PlannedStep.Kind
    switch step.kind {
    case .action(let action): own = action.call.action.effect == .read ? .read : .effect
    case .parallel, .playbook: own = .group
    case .manual: own = .manual
    case .gate: own = .gate
    }
    var line = PlannedStep(
      step.id, item: kind == nil ? frame.item : nil, title: step.title, kind: kind ?? own,
      certainty: certainty, action: kind == nil ? step.action?.call.action : nil)
    if frame.item == nil || kind == .group { line.gate = step.approval.map(\.summary) }
    return line
  }

  private func target(of inputs: [String: Value]) -> String {
    let names = inputs.values.compactMap(\.targetName).sorted()
    return names.isEmpty ? "unknown" : names.joined(separator: ", ")
  }
}

extension ApprovalGate {
  /// "responder", "2 × repository-admin, responder", "anyone but the initiator".
  var summary: String {
    let who = roles.isEmpty ? "anyone" : roles.map(\.rawValue).sorted().joined(separator: ", ")
    return (minimum > 1 ? "\(minimum) × " : "") + who + (isNotInitiator ? ", not the initiator" : "")
  }
}

extension Value {
  /// The name of a target of staunch.yaml; nil for every other value.
  var targetName: String? {
    switch self {
    case .credential(let name): "credential \(name)"
    case .store(let name): "store \(name)"
    case .consumer(let name): "consumer \(name)"
    case .repository(let name): "repository \(name)"
    case .tracker(let name): "tracker \(name)"
    case .null, .unknown, .string, .integer, .boolean, .duration, .timestamp, .url, .secret, .incident, .list,
      .record:
      nil
    }
  }

  /// True when a part of it is not known yet.
  var holdsUnknown: Bool {
    switch self {
    case .unknown: true
    case .list(let elements): elements.contains(where: \.holdsUnknown)
    case .record(let members): members.values.contains(where: \.holdsUnknown)
    case .null, .string, .integer, .boolean, .duration, .timestamp, .url, .secret, .credential, .store,
      .consumer,
      .repository, .tracker, .incident:
      false
    }
  }
}
