public import Incidents
public import JSON

/// Facts that several readers of a record need: the current run, consumers' health, human acts.
extension IncidentRecord {
  /// The run that began last; nil before the first.
  public var currentRun: RunID? { events(.runStarted).last?.run }

  /// The steps of the current run.
  public var currentSteps: [StepRecord] { steps.filter { $0.run == currentRun } }

  /// A leaked value that no plan names: none of them stops it or cleans it away.
  public var hasUnplannedValue: Bool {
    let plans = events(.planSaved)
    guard let last = plans.last else { return false }
    let values = leakedValues.refs
    let then = events.filter { $0.sequence < last.sequence }.reduce(into: LeakedValues()) { $0.take($1) }
    // Plans of before they named their values cover what was known then.
    let named = plans.compactMap { PlanSaved($0.body).secrets }
    guard named.count == plans.count else {
      return !then.refs.isEmpty && values.count > then.refs.count
    }
    let planned = Set(named.flatMap { $0 })
    // A playbook that takes no value at all: no other plan of it would.
    if planned.isEmpty, values.count == then.refs.count { return false }
    return !values.allSatisfy { planned.contains($0) }
  }

  /// A plan was saved after the current run began: it belongs to the next one.
  public var hasNewerPlan: Bool {
    guard let started = events(.runStarted).last, let saved = events(.planSaved).last else { return false }
    return saved.sequence > started.sequence
  }

  /// Outputs of every finished call of `action`, oldest first.
  public func outcomes(of action: String) -> [JournalEvent] {
    events(.stepOutcome).filter { $0.action == action }
  }

  /// Entries of stores that hold an old value of the credential, and stores that could not be asked: what the current run
  /// wrote no new value into, and what held a value that it saw dead; or what a later look by hand gave.
  public var stillOld: [String] {
    let byHand = events(.credentialProbed).filter { $0.run == nil }
    if let look = byHand.last(where: { CredentialProbed($0.body).stillOld != nil }),
      look.sequence > events(.runStarted).last?.sequence ?? 0
    {
      return CredentialProbed(look.body).stillOld ?? []
    }
    func found(by action: String) -> [[String]] {
      outcomes(of: action).filter { $0.run == currentRun }.compactMap { StepOutcome($0.body).stillOld }
    }
    let written = found(by: "credential.issue") + found(by: "secret.store")
    return Set(written.flatMap { $0 } + (found(by: "credential.verify").last ?? [])).sorted()
  }

  /// Health checks of consumers, oldest first.
  var healthChecks: [(event: JournalEvent, isHealthy: Bool)] {
    events.compactMap { event in
      guard event.action == "consumer.health" else { return nil }
      let answer: String? =
        switch event.typed {
        case .stepVerified(let verified): verified.answer
        case .stepOutcome(let outcome): outcome.answer ?? outcome.outputs["state"]?.readable
        default: nil  // no answer
        }
      return answer.map { (event, $0 == "healthy") }
    }
  }

  /// What showed that a consumer does not work, oldest first.
  public var consumerFailures: [JournalEvent] {
    let actions = Dictionary(steps.map { ($0.step, $0.action) }) { first, _ in first }
    let unhealthy = Set(healthChecks.filter { !$0.isHealthy }.map(\.event.sequence))
    return events.filter { event in
      switch event.kind {
      case .stepFailed:
        let action = event.action ?? event.step.flatMap { actions[$0] ?? nil }
        return action?.hasPrefix("consumer.") == true
      case .stepVerified, .stepOutcome: return unhealthy.contains(event.sequence)
      default: return false  // only steps show how consumers are
      }
    }
  }
}

extension StepRecord {
  /// `rollout`, or `rollout[2]` in a `for_each`.
  public var label: String { item.map { "\(step)[\($0)]" } ?? step.rawValue }
}

extension JournalEvent {
  /// True when a person did this; a policy that approves by itself is none.
  public var isHumanAct: Bool {
    switch typed {
    case .planApproved, .planDeclined, .decision, .noted, .todo: role != "policy"
    case .stepManual: true
    case .stepSkipped(let skip): skip.by == "operator"
    default: false  // the engine's own events
    }
  }
}

extension JSONValue {
  /// A share of the whole, 0…1: a number, a number as text, or a percentage as a whole number above 1.
  public var share: Double? {
    switch self {
    case .number(let value): return (0...1).contains(value) ? value : nil
    case .integer(let value):
      return (0...100).contains(value) ? (value <= 1 ? Double(value) : Double(value) / 100) : nil
    case .string(let text):
      guard let value = Double(text.filter { $0 != "%" && $0 != " " }) else { return nil }
      let share = text.contains("%") ? value / 100 : value
      return (0...1).contains(share) ? share : nil
    case .null, .boolean, .array, .object: return nil
    }
  }
}

extension IncidentRecord {
  /// What it is called. An incident that was merged into it is younger and gives it no codename.
  public var identity: IncidentIdentity {
    var identity = IncidentIdentity()
    for (event, report) in reports { identity.take(report, at: event.sequence) }
    return identity
  }
}
