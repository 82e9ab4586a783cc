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
    let state = IncidentStatus.state(of: record, containment)
    let published = record.published
    let instant = MetricInstants.detected(record).date
    let identity = record.identity

    self.id = record.id
    self.codename = identity.codename(of: record.id)
    self.kind = identity.kind
    // A severity that nobody stated is treated as the worst: better woken than not.
    self.severity = record.current("severity").flatMap(Severity.init(rawValue:)) ?? .sev1
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
    self.waiting = run.map { IncidentStatus.waiting(steps, run: $0) } ?? []
    self.undelivered = undelivered
    self.said = record.events(.incidentUpdated).compactMap { event in
      event.platformSaid.map { Said(at: event.at, text: $0) }
    }
    self.published = published
    self.stillOld = record.stillOld
    self.next = NextAction.choose(
      NextAction.Situation(
        incident: record.id, state: state, credentials: credentials, isContained: containment.isComplete,
        hasNewValue: record.hasUnplannedValue, hasNewerPlan: record.hasNewerPlan, run: run, plan: plan,
        steps: steps, undelivered: undelivered.count, drift: IncidentStatus.drift(of: record),
        holdsLocks: run?.state == .failed && IncidentStatus.holdsLocks(record),
        refusedGates: IncidentStatus.refusedGates(of: record),
        gateRoles: IncidentStatus.gateRoles(of: record), stillOld: record.stillOld,
        stillAtTheForge: published.filter { !$0.isClean }))
  }

  /// Closed is somebody's word. Contained is not: it holds while the playbook's proof covers every leaked value.
  private static func state(of record: IncidentRecord, _ containment: Containment) -> State {
    if record.events(.incidentState).last?.text("state") == State.closed.rawValue { return .closed }
    return containment.isComplete ? .contained : .open
  }

  private static func run(of record: IncidentRecord) -> Run? {
    guard let started = record.events(.runStarted).last, let id = started.run else { return nil }
    let own = record.events.filter { $0.run == id }
    let last = own.last { [.runStarted, .runResumed, .runEnded].contains($0.kind) }
    let state: Run.State =
      last?.kind == .runEnded ? last?.text("state").flatMap(Run.State.init(rawValue:)) ?? .failed : .running
    return Run(id: id, mode: started.text("mode") ?? "unknown", state: state)
  }

  private static func plan(of record: IncidentRecord) -> Plan? {
    guard let saved = record.events(.planSaved).last, let id = saved.text("plan"),
      let digest = saved.text("digest")
    else { return nil }
    return Plan(
      id: PlanID(id), digest: digest, playbook: saved.text("playbook").map { PlaybookID($0) },
      // A policy's word covers named actions only, and a gate's yes that gate: the plan still waits for a person.
      isApproved: record.events(.planApproved).contains {
        $0.text("digest") == digest && $0.body["actions"] == nil && $0.step == nil
      },
      obstacle: obstacle(to: saved, of: record))
  }

  private static func obstacle(to saved: JournalEvent, of record: IncidentRecord) -> String? {
    if let no = record.events(.planDeclined).last(where: {
      $0.text("digest") == saved.text("digest") && $0.body["step"] == nil
    }) {
      return "it was declined" + (no.text("reason").map { " (\($0))" } ?? "")
    }
    let isChanged = record.events(.driftFound).contains {
      $0.sequence > saved.sequence && $0.body["playbook"] != nil && $0.run?.rawValue == saved.text("run")
    }
    return isChanged ? "its playbook changed" : nil
  }

  /// Member `steps` of `plan.saved`, where it is given, tells which steps are still to come.
  private static func steps(of record: IncidentRecord, plan: Plan?) -> [StepRecord] {
    let begun = record.currentSteps
    guard let saved = record.events(.planSaved).last, let planned = saved.body["steps"]?.array else {
      return begun
    }
    // A plan saved after the current run began belongs to the next run.
    if let started = record.events(.runStarted).last, started.sequence < saved.sequence { return begun }
    let known = Set(begun.map(\.step))
    let pending = planned.compactMap { $0.string ?? $0["step"]?.string }.map { StepID($0) }
      .filter { !known.contains($0) }
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

  private static func waiting(_ steps: [StepRecord], run: Run) -> [Waiting] {
    guard run.state == .waiting || run.state == .running else { return [] }
    return steps.filter { $0.state == .waiting }.map { step in
      Waiting(
        step: step.label, what: step.last.text("for") ?? "unknown", since: step.last.at,
        until: step.last.text("until").flatMap(Timestamp.date), prompt: step.last.text("prompt"))
    }
  }

  private static func undelivered(of record: IncidentRecord) -> [Message] {
    let dropped = Set(
      record.events(.decision).compactMap { event -> String? in
        guard let what = event.text("what"), what.hasPrefix("drop message ") else { return nil }
        return String(what.dropFirst("drop message ".count))
      })
    // An update that nobody had tried to send gives its number to the one that replaces it.
    var holders: [String: String] = [:]
    var order: [String] = []
    var last: [String: JournalEvent] = [:]
    for event in record.events(.message) {
      guard let id = event.text("message_id") else { continue }
      if last[id] == nil { order.append(id) }
      last[id] = event
      if let number = event.body["sequence"]?.integer {
        holders["\(event.text("tracker") ?? "") \(number)"] = id
      }
    }
    return order.compactMap { id in
      guard let event = last[id], let state = event.text("state"),
        !["sent", "dropped", "replaced"].contains(state)
      else { return nil }
      if state == "dead", dropped.contains(id) { return nil }
      if let number = event.body["sequence"]?.integer,
        let holder = holders["\(event.text("tracker") ?? "") \(number)"], holder != id
      {
        return nil
      }
      return Message(
        id: id, tracker: TrackerName(event.text("tracker") ?? "unknown"), state: state,
        event: event.text("event"))
    }
  }

  /// The drift that stopped the current run; nil when the run went on after it.
  private static func drift(of record: IncidentRecord) -> String? {
    // What is foreseen stops only its own step, later.
    guard let found = record.events(.driftFound).last(where: { $0.body["foreseen"] != true }),
      found.run == record.currentRun
    else { return nil }
    let what = found.text("what") ?? "a precondition"
    let later = record.events.filter { $0.sequence > found.sequence && $0.run == found.run }
    // The run says itself what ended it: the steps of `finally` come after a drift, too.
    if let ended = later.last(where: { [.runResumed, .runEnded].contains($0.kind) }),
      ended.kind == .runEnded, ended.body["drift"] == true
    {
      return what
    }
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
      if let step = event.step, let found = event.body["roles"]?.array {
        roles[step] = found.compactMap(\.string)
      }
    }
    return roles
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
