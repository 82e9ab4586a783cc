public import Foundation
import Incidents
import JSON

extension IncidentStatus {
  /// The status of one incident.
  public init(of record: IncidentRecord, now: Date) {
    let run = IncidentStatus.run(of: record)
    let plan = IncidentStatus.plan(of: record)
    let steps = IncidentStatus.steps(of: record, plan: plan)
    let containment = record.containment
    let credentials = IncidentStatus.credentials(of: record, containment)
    let undelivered = IncidentStatus.undelivered(of: record)
    let answered = IncidentStatus.answeredGates(of: record)
    let state = IncidentStatus.state(of: record, containment)
    let published = record.published
    let instant = MetricInstants.detected(record).date
    let identity = record.identity
    let copies = record.keptCopies

    self.id = record.id
    self.codename = identity.codename(of: record.id)
    self.kind = identity.kind
    // A severity that nobody stated is treated as the worst: better woken than not.
    self.severity = record.reports.compactMap { $0.report.severity }.last ?? .sev1
    self.state = state
    self.isDrill = record.isDrill
    self.detected = instant ?? record.events.first?.at ?? now
    self.now = now
    self.credentials = credentials
    self.isContained = containment.isComplete
    self.unproven = containment.unproven.count
    self.run = run
    self.plan = plan
    self.steps = steps
    self.waiting = run.map { IncidentStatus.waiting(steps, answered, run: $0) } ?? []
    self.undelivered = undelivered
    self.said = record.events(.incidentUpdated).compactMap { event in
      event.platformSaid.map { Said(at: event.at, text: $0) }
    }
    self.published = published
    self.stillOld = record.stillOld
    self.copies = copies
    self.next = NextAction.choose(
      NextAction.Situation(
        incident: record.id, state: state, credentials: credentials, isContained: containment.isComplete,
        hasNewValue: record.hasUnplannedValue, hasNewerPlan: record.hasNewerPlan, run: run, plan: plan,
        steps: steps, undelivered: undelivered.count, drift: IncidentStatus.drift(of: record),
        holdsLocks: run?.state == .failed && IncidentStatus.holdsLocks(record),
        refusedGates: IncidentStatus.refusedGates(of: record),
        answeredGates: answered, gateRoles: IncidentStatus.gateRoles(of: record), stillOld: record.stillOld,
        stillAtTheForge: published.filter { !$0.isClean }, copies: copies))
  }

  /// Closed is somebody's word. Contained is not: it holds while the playbook's proof covers every leaked value.
  private static func state(of record: IncidentRecord, _ containment: Containment) -> State {
    let last = record.events(.incidentState).last.flatMap { IncidentStateChange($0.body).state }
    if last == .closed { return .closed }
    return containment.isComplete ? .contained : .open
  }

  private static func run(of record: IncidentRecord) -> Run? {
    guard let started = record.events(.runStarted).last, let id = started.run else { return nil }
    let own = record.events.filter { $0.run == id }
    var state = Run.State.running
    let last = own.last { [.runStarted, .runResumed, .runEnded].contains($0.kind) }
    if case .runEnded(let end)? = last?.typed { state = end.state ?? .failed }
    return Run(id: id, mode: RunStarted(started.body).mode ?? "unknown", state: state)
  }

  private static func plan(of record: IncidentRecord) -> Plan? {
    guard let event = record.events(.planSaved).last else { return nil }
    let saved = PlanSaved(event.body)
    guard let id = saved.plan, let digest = saved.digest else { return nil }
    return Plan(
      id: id, digest: digest, playbook: saved.playbook,
      // A policy's word covers named actions only, and a gate's yes that gate: the plan still waits for a person.
      isApproved: record.events(.planApproved).map { PlanApproved($0.body) }
        .contains { $0.digest == digest && $0.coversPlan },
      obstacle: obstacle(to: saved, since: event.sequence, of: record))
  }

  private static func obstacle(to saved: PlanSaved, since sequence: Int, of record: IncidentRecord) -> String?
  {
    let declined = record.events(.planDeclined).map { PlanDeclined($0.body) }
    if let no = declined.last(where: { $0.digest == saved.digest && $0.step == nil }) {
      return "it was declined" + (no.reason.map { " (\($0))" } ?? "")
    }
    let isChanged = record.events(.driftFound).contains {
      $0.sequence > sequence && DriftFound($0.body).isOfPlaybook && $0.run == saved.run
    }
    return isChanged ? "its playbook changed" : nil
  }

  /// A plan that names its steps tells which are still to come.
  private static func steps(of record: IncidentRecord, plan: Plan?) -> [StepRecord] {
    let begun = record.currentSteps
    guard let saved = record.events(.planSaved).last, let planned = PlanSaved(saved.body).steps else {
      return begun
    }
    // A plan saved after the current run began belongs to the next run.
    if let started = record.events(.runStarted).last, started.sequence < saved.sequence { return begun }
    let known = Set(begun.map(\.step))
    let pending = planned.filter { !known.contains($0) }
    return begun
      + pending.map {
        StepRecord(
          run: record.currentRun, step: $0, item: nil, action: nil, state: .pending, began: nil, ended: nil,
          reason: nil, last: saved)
      }
  }

  private static func credentials(of record: IncidentRecord, _ containment: Containment) -> [Credential] {
    let values = containment.values
    return record.credentials.map { credential in
      Credential(
        name: credential.credential, subject: credential.subject, state: credential.state,
        probed: credential.probes.last?.at, code: credential.probes.last?.code,
        value: values.count > 1 ? values.firstIndex(of: credential.ref).map { $0 + 1 } : nil,
        proven: credential.subject == .leaked ? containment.proofs[credential.ref]?.at : nil)
    }
  }

  private static func waiting(_ steps: [StepRecord], _ answered: Set<StepID>, run: Run) -> [Waiting] {
    guard run.state == .waiting || run.state == .running else { return [] }
    return steps.filter { $0.state == .waiting }.map { step in
      let wait = StepWaiting(step.last.body)
      let what = wait.subject ?? "unknown"
      return Waiting(
        step: step.label, what: what, since: step.last.at, until: wait.until,
        prompt: what == "approval" && answered.contains(step.step)
          ? "it got a yes, and the run has not gone on yet" : wait.prompt)
    }
  }

  private static func undelivered(of record: IncidentRecord) -> [Message] {
    let start = "drop message "
    let dropped = Set(
      record.events(.decision).compactMap { DecisionMade($0.body).what }.filter { $0.hasPrefix(start) }
        .map { String($0.dropFirst(start.count)) })
    // An update that nobody had tried to send gives its number to the one that replaces it.
    var holders: [String: String] = [:]
    var order: [String] = []
    var last: [String: MessageMoved] = [:]
    func slot(of message: MessageMoved) -> String? {
      message.number.map { "\(message.tracker?.rawValue ?? "") \($0)" }
    }
    for message in record.events(.message).map({ MessageMoved($0.body) }) {
      guard let id = message.id else { continue }
      if last[id] == nil { order.append(id) }
      last[id] = message
      if let number = slot(of: message) { holders[number] = id }
    }
    return order.compactMap { id in
      guard let message = last[id] else { return nil }
      let state = message.state ?? "unknown"
      guard !["sent", "dropped", "replaced"].contains(state) else { return nil }
      if state == "dead", dropped.contains(id) { return nil }
      if let holder = slot(of: message).flatMap({ holders[$0] }), holder != id { return nil }
      return Message(
        id: id, tracker: message.tracker ?? TrackerName("unknown"), state: state, event: message.event)
    }
  }

  /// The drift that stopped the current run; nil when the run went on after it.
  private static func drift(of record: IncidentRecord) -> String? {
    // What is foreseen stops only its own step, later.
    guard let found = record.events(.driftFound).last(where: { !DriftFound($0.body).isForeseen }),
      found.run == record.currentRun
    else { return nil }
    let what = DriftFound(found.body).what ?? "a precondition"
    let later = record.events.filter { $0.sequence > found.sequence && $0.run == found.run }
    // The run says itself what ended it: the steps of `finally` come after a drift, too.
    let last = later.last { [.runResumed, .runEnded].contains($0.kind) }
    if case .runEnded(let end)? = last?.typed, end.isDrift { return what }
    return later.contains { $0.kind == .stepIntent || $0.kind == .stepOutcome } ? nil : what
  }

  /// The current run took locks and did not give them back.
  private static func holdsLocks(_ record: IncidentRecord) -> Bool {
    record.events.last {
      ($0.kind == .lockTaken || $0.kind == .lockReleased) && $0.run == record.currentRun
    }?.kind == .lockTaken
  }

  /// An earlier version's run did not say it.
  private static func gateRoles(of record: IncidentRecord) -> [StepID: [String]] {
    var roles: [StepID: [String]] = [:]
    for event in record.events(.stepWaiting) where event.run == record.currentRun {
      let wait = StepWaiting(event.body)
      if let step = wait.step, let found = wait.roles { roles[step] = found }
    }
    return roles
  }

  /// Gates of the current run that got a yes since it stopped there. Whether it is enough of them, the run finds out.
  private static func answeredGates(of record: IncidentRecord) -> Set<StepID> {
    var answered: Set<StepID> = []
    for event in record.events where event.run == record.currentRun {
      switch (event.kind, event.step) {
      case (.planApproved, let step?): answered.insert(step)
      case (.planDeclined, let step?), (.stepWaiting, let step?): answered.remove(step)
      case (.runEnded, _): answered = []
      default: break  // nothing that is said of a gate
      }
    }
    return answered
  }

  /// Gates of the current run whose last word is a no.
  private static func refusedGates(of record: IncidentRecord) -> Set<StepID> {
    var refused: Set<StepID> = []
    for event in record.events where event.run == record.currentRun {
      guard let step = event.step else { continue }
      switch event.kind {
      case .planDeclined: refused.insert(step)
      case .planApproved: refused.remove(step)
      default: break  // no word about a gate
      }
    }
    return refused
  }
}
