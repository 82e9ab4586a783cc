public import Capabilities
import Chronicle
import Foundation
import Incidents
public import JSON
import Playbooks
import Secrets

/// What the journal says about one run: folded from its events, before the run goes on and while it runs.
struct RunHistory: Sendable {
  /// What is known about one step or item.
  struct Record: Sendable {
    /// The last attempt that began.
    var attempt = 0
    var outcomes: [String: Outcome] = [:]
    /// An INTENT without OUTCOME.
    var openIntent: Intent?
    var collected: [String: Value]?
    /// What it waits for, and since when.
    var waitingFor: String?
    var waitingSince: Date?
    var failure: String?
    /// The run went on although it failed.
    var isPassedOver = false
    /// A person's answer to an unknown outcome.
    var decision: UnknownOutcomeResponse?
    var isVerified = false
    /// The last attempt of each phase.
    var attempts: [String: Int] = [:]
    /// How often it began anew (`finally` of a run that failed and was resumed).
    var generation = 0

    func waitingSince(for subject: Wait.Subject) -> Date? {
      waitingFor == subject.rawValue ? waitingSince : nil
    }

    /// Outputs of all phases.
    var outputs: [String: Value] {
      outcomes.sorted { $0.value.sequence < $1.value.sequence }
        .reduce(into: [:]) { merged, outcome in merged.merge(outcome.value.outputs) { _, new in new } }
    }
  }

  struct Outcome: Sendable {
    let outputs: [String: Value]
    let answer: String?
    /// Order of arrival.
    let sequence: Int
  }

  struct Intent: Sendable {
    let action: String
    let attempt: Int
    let phase: String
    let snapshot: JSONValue
    /// Values that were sealed before the call.
    let sealed: [SecretRef]
  }

  private(set) var isStarted = false
  /// The last `run.ended`; nil while it runs (or crashed).
  private(set) var end: RunEnd?
  /// Its state.
  var ended: RunEnd.State? { end?.state }
  private(set) var abortReason: String?
  private var approvals: [StepID: [Approval]] = [:]
  /// When the journal got them: what somebody signed with an earlier time came when it came.
  private var arrivals: [Approval: Date] = [:]
  /// Why a gate's last word is no.
  private(set) var refusals: [StepID: String] = [:]
  /// What a later no took back: said again, it does not count again.
  private var overruled: [StepID: [Approval]] = [:]
  /// Targets that an effect of this run acted on.
  private(set) var touched: Set<String> = []
  private(set) var intents = 0
  /// Actions that began.
  private(set) var actions: Set<String> = []
  /// Secrets that were accepted since the last effect (or hand) that changes what is accepted.
  private(set) var accepted: Set<SecretRef> = []
  /// Steps of which the journal says anything since the run last ended as failed.
  private var begun: Set<StepID> = []
  private var records: [StepKey: Record] = [:]
  private var done: [StepID: ItemSet] = [:]
  private var skipped: [StepID: ItemSet] = [:]
  private var doneSteps: Set<StepID> = []
  private var skippedSteps: [StepID: String] = [:]
  private var order = 0
  /// The steps of `finally`: done anew when a failed run was resumed, because the run ends anew.
  private let finalSteps: Set<StepID>

  init(finalSteps: Set<StepID> = []) { self.finalSteps = finalSteps }

  /// Actions of which nobody knows yet whether they happened.
  var openActions: [String] { records.values.compactMap { $0.openIntent?.action } }
  /// Approvals of a gate, without those that arrived after `until`.
  func approvals(of step: StepID, until: Date?) -> [Approval] {
    (approvals[step] ?? []).filter { approval in
      guard let until, let arrived = arrivals[approval] else { return true }
      return max(arrived, approval.at) <= until
    }
  }

  subscript(_ key: StepKey) -> Record { records[key] ?? Record() }

  func isDone(_ key: StepKey) -> Bool {
    if let item = key.item { done[key.step]?.contains(item) == true } else { doneSteps.contains(key.step) }
  }

  /// `condition` or `operator`; nil when it was not skipped.
  func skip(_ key: StepKey) -> String? {
    if let item = key.item {
      skipped[key.step]?.contains(item) == true ? "operator" : nil
    } else {
      skippedSteps[key.step]
    }
  }

  /// Whether one of `steps` began and was not brought to an end by the end of the run, or may have had an effect that nobody
  /// knows of.
  func hasBegun(_ steps: Set<StepID>) -> Bool {
    !begun.isDisjoint(with: steps)
      || records.contains { $0.value.openIntent != nil && steps.contains($0.key.step) }
  }

  /// Takes one more event of the run.
  mutating func apply(_ event: TypedEvent, at: Date) {
    switch event {
    case .runStarted: isStarted = true
    case .runResumed: reopen()
    case .runEnded(let ended): end = RunEnd(json: ended.body)
    case .planApproved(let word): approve(word, at)
    case .planDeclined(let word): refuse(word)
    case .decision(let decision): decide(decision)
    case .stepIntent, .stepOutcome, .stepFailed, .stepSettled, .stepVerified, .stepWaiting, .stepSkipped,
      .stepDone,
      .stepManual, .stepUndone:
      if let key = StepKey(named: event.step, event.item) { step(event, key, at) }
    case .credentialProbed(let probe):
      if probe.state == .alive, let ref = probe.ref { accepted.insert(ref) }
    case .incidentOpened, .incidentUpdated, .incidentState, .planSaved, .lockTaken, .lockReleased,
      .driftFound, .secretSealed, .keyDestroyed, .message, .noted, .todo:
      break  // they say nothing about how far the run is
    }
  }

  private mutating func step(_ event: TypedEvent, _ key: StepKey, _ at: Date) {
    begun.insert(key.step)
    switch event {
    case .stepIntent(let intent): begin(key, intent)
    case .stepOutcome(let outcome): take(outcome, of: key)
    case .stepFailed(let failure): fail(key, failure)
    case .stepSettled(let settled):
      if settled.settlement == "not_done" {
        records[key]?.openIntent = nil
        records[key]?.decision = nil
      }
    case .stepVerified: records[key, default: Record()].isVerified = true
    case .stepWaiting(let wait):
      if records[key]?.waitingFor != wait.subject {
        records[key, default: Record()].waitingFor = wait.subject
        records[key]?.waitingSince = at
      }
    case .stepSkipped(let skip):
      if let item = key.item {
        skipped[key.step, default: ItemSet()].insert(item)
        records[key] = nil
      } else {
        skippedSteps[key.step] = skip.by ?? "operator"
      }
    case .stepDone:
      if let item = key.item {
        // Nothing asks for an item's details any more; `undo` reads them from the journal.
        done[key.step, default: ItemSet()].insert(item)
        records[key] = nil
      } else {
        doneSteps.insert(key.step)
        records[key]?.failure = nil
      }
    case .stepManual(let act):
      accepted = []  // whatever a person did there, what was seen before it counts no more
      records[key, default: Record()].collected = act.collected.mapValues(Value.init(json:))
    default: break  // the caller hands in step events only
    }
  }

  private mutating func begin(_ key: StepKey, _ intent: StepIntent) {
    let action = intent.action ?? ""
    let attempt = intent.attempt ?? 1
    let phase = intent.phase ?? "perform"
    intents += 1
    actions.insert(action)
    touched.formUnion(intent.touches)
    records[key, default: Record()].attempt = attempt
    records[key]?.failure = nil
    records[key]?.attempts[phase] = attempt
    records[key]?.openIntent = Intent(
      action: action, attempt: attempt, phase: phase, snapshot: intent.snapshot ?? [:], sealed: intent.sealed)
  }

  private mutating func take(_ outcome: StepOutcome, of key: StepKey) {
    order += 1
    records[key, default: Record()].outcomes[outcome.phase ?? "perform"] = Outcome(
      outputs: outcome.outputs.mapValues(Value.init(json:)), answer: outcome.answer, sequence: order)
    if Engine.changesAcceptance.contains(outcome.action ?? "") { accepted = [] }
    records[key]?.openIntent = nil
    records[key]?.waitingFor = nil
    records[key]?.failure = nil
    records[key]?.isPassedOver = false  // it was learned, or done, after all
  }

  private mutating func fail(_ key: StepKey, _ failure: StepFailed) {
    records[key, default: Record()].attempt = failure.attempt ?? 1
    if !failure.isOpen { records[key]?.openIntent = nil }
    guard failure.isFinal == true else { return }
    if failure.kind == CapabilityError.Class.timeout.rawValue, let subject = records[key]?.waitingFor {
      // The time to answer is over. A resume asks anew; what came too late does not answer that.
      records[key]?.waitingFor = nil
      records[key]?.waitingSince = nil
      if subject == Wait.Subject.approval.rawValue {
        overruled[key.step, default: []] += approvals[key.step, default: []]
        approvals[key.step] = nil
      }
    }
    records[key]?.failure = failure.message ?? "unknown"
    records[key]?.isPassedOver = failure.isPassedOver
  }

  private mutating func approve(_ word: PlanApproved, _ at: Date) {
    guard let step = word.step, let approval = Approval(json: word.body) else { return }
    let known = approvals[step, default: []] + overruled[step, default: []]
    guard !known.contains(approval) else { return }
    refusals[step] = nil
    approvals[step, default: []].append(approval)
    arrivals[approval] = at
  }

  /// A no to a gate; one to the whole plan is `Approver`'s.
  private mutating func refuse(_ word: PlanDeclined) {
    guard let step = word.step else { return }
    overruled[step, default: []] += approvals[step, default: []]
    approvals[step] = nil
    refusals[step] = word.reason ?? "no reason given"
  }

  private mutating func decide(_ decision: DecisionMade) {
    let key = StepKey(named: decision.step, decision.item)
    switch decision.what {
    case "abort": abortReason = decision.reason ?? "no reason given"
    case "retry": if let key { records[key, default: Record()].decision = .retry }
    case "skip": if let key { records[key, default: Record()].decision = .skip }
    default: break  // other decisions (take-over, notes) do not steer the run
    }
  }

  /// A resumed run tries again what had failed for good, and ends anew.
  private mutating func reopen() {
    if ended == .failed {
      begun = []
      for step in finalSteps where doneSteps.remove(step) != nil {
        let key = StepKey(step)
        let generation = (records[key]?.generation ?? 0) + 1
        records[key] = Record()
        records[key]?.generation = generation
      }
    }
    end = nil
    for (key, record) in records where record.failure != nil && !record.isPassedOver {
      records[key]?.failure = nil
    }
  }
}

extension CapabilityError.Class {
  /// True when an effect that ended so may have happened.
  var leavesOutcomeOpen: Bool {
    switch self {
    case .unknownOutcome, .timeout, .cancelled: true
    case .network, .rateLimit, .serverError, .refused, .notFound, .conflict, .invalid, .configuration,
      .unsafe,
      .unsupported, .awaitsPerson:
      false
    }
  }
}

extension Approval {
  /// `digest, step?, role, identity, approved_at, signature, actions?` as `plan.approved` carries them.
  public var json: JSONValue {
    var members: [String: JSONValue] = [
      "digest": .string(digest.rawValue), "role": .string(role.rawValue), "identity": .string(identity),
      "approved_at": .integer(Int(at.timeIntervalSince1970)), "signature": .string(Hex.text(signature)),
    ]
    if let step { members["step"] = .string(step.rawValue) }
    members["actions"] = actions.map { .array($0.sorted().map(JSONValue.string)) }
    return .object(members)
  }

  /// Reads what ``json`` wrote; nil when it is something else.
  public init?(json: JSONValue) {
    guard let digest = json["digest"]?.string, let role = json["role"]?.string,
      let identity = json["identity"]?.string, let at = json["approved_at"]?.integer,
      let signature = json["signature"]?.string.flatMap(Hex.bytes)
    else { return nil }
    self.init(
      digest: PlanDigest(digest), step: json["step"]?.string.map { StepID($0) }, role: RoleName(role),
      identity: identity, at: Date(timeIntervalSince1970: Double(at)), signature: Data(signature),
      actions: json["actions"]?.array.map { Set($0.compactMap(\.string)) })
  }
}
