import Capabilities
import Chronicle
import Execution
import Foundation
import Incidents
import Inbox
import JSON
import Journal
import People
import Playbooks
import Response
import StaunchConfiguration

/// What people do about a run, or with an incident. Whatever is done with it, or cannot be taken back, carries their signature: the
/// endpoint can ask for nothing but that a run goes on which people have approved, and that an incident is somebody's.
extension DecisionDesk {
  /// Of a longer name nobody is called.
  private static let longestName = 64

  // MARK: Runs

  func answer(_ decision: NewDecision) throws -> String {
    guard let plan = try runsPlan(decision), let place = Self.place(decision.step) else {
      return "refused: no such run or step"
    }
    let fields = decision.fields ?? [:]
    if let refusal = try unsigned(
      decision, .answer(plan.digest, step: place.step, fields: fields), "answering a step")
    {
      return refusal
    }
    let playbook = try installation.library.load(plan.playbook, catalogue: ActionSignature.builtin)
    do { try plan.check(playbook) } catch { return "refused: \(error.because)" }
    guard let step = playbook.allSteps.first(where: { $0.id == place.step }),
      case .manual(let manual) = step.kind
    else { return "refused: it is no manual step" }
    guard try isWaiting(place, for: "manual", plan) else {
      return "refused: the step does not wait (any more)"
    }
    var collected: [String: JSONValue] = [:]
    for (name, type) in manual.collect.sorted(by: { $0.key < $1.key }) {
      guard let text = fields[name], !text.isEmpty else { return "refused: \(name) is missing" }
      guard let value = ManualAnswer.value(text, as: type) else {
        return "refused: it does not fit: \(ManualAnswer.asked(name, type))"
      }
      collected[name] = value.json
    }
    if let strange = fields.keys.filter({ manual.collect[$0] == nil }).min() {
      return "refused: the step does not ask for \(harmless(strange))"
    }
    try StepAnswers(plan, in: installation.journal).done(place.step, item: place.item, collected: collected)
    return try "taken; " + further(plan)
  }

  func retry(_ decision: NewDecision) throws -> String {
    guard let plan = try runsPlan(decision), let place = Self.place(decision.step) else {
      return "refused: no such run or step"
    }
    guard let reason = decision.text, !reason.isEmpty else { return "refused: say why" }
    if let refusal = try unsigned(
      decision, .retry(plan.digest, step: place.step, reason: reason), "doing a step again")
    {
      return refusal
    }
    let answers = StepAnswers(plan, in: installation.journal)
    guard try answers.asksForDecision(place.step, item: place.item) else {
      return "refused: only a step of which nobody can tell whether it happened is done again by hand"
    }
    try answers.retry(place.step, item: place.item, because: reason, role: signedRole(decision))
    return try "it will be done again; " + further(plan)
  }

  /// Nothing happens that was not approved, so the person's sign-in is enough.
  func resume(_ decision: NewDecision) throws -> String {
    guard let plan = try runsPlan(decision) else { return "refused: no such run" }
    let roles = installation.policy.planRule.roles
    guard let role = decision.roles.first(where: { roles.isEmpty || roles.contains(RoleName($0)) }) else {
      return "refused: none of your roles may decide that"
    }
    let words = RunWords(plan, in: installation.journal)
    guard try !words.isOver() else { return "refused: the run is over" }
    guard try words.isWorkers() else {
      return "refused: it is carried out by hand: staunch resume \(plan.run)"
    }
    try words.resume(because: decision.text ?? "", role: RoleName(role))
    return "the run goes on"
  }

  func abort(_ decision: NewDecision) throws -> String {
    guard let plan = try runsPlan(decision) else { return "refused: no such run" }
    guard let reason = decision.text, !reason.isEmpty else { return "refused: say why" }
    if let refusal = try unsigned(decision, .abort(plan.digest, reason: reason), "taking a run back") {
      return refusal
    }
    let words = RunWords(plan, in: installation.journal)
    guard try !words.isOver() else { return "refused: the run is over" }
    guard try words.isWorkers() else {
      return "refused: it is carried out by hand: staunch abort \(plan.run) --reason 'why'"
    }
    try words.abort(because: reason, role: signedRole(decision))
    return "the run is taken back"
  }

  // MARK: Incidents

  /// Only where nothing is left to look at: a fresh clone, and copies outside of Git, are for the machine.
  func close(_ decision: NewDecision) throws -> String {
    guard let id = decision.incident, try isKnown(id) else { return "refused: no such incident" }
    guard let reason = decision.text, !reason.isEmpty else { return "refused: say why it is over" }
    if let refusal = try unsigned(decision, .close(incident: id, reason: reason), "closing an incident") {
      return refusal
    }
    let now = installation.now()
    let status = IncidentStatus(of: try installation.journal.record(of: IncidentID(id)), now: now)
    guard status.state != .closed else { return "it is closed already" }
    guard status.isContained else { return "refused: \(Closing.unproven(status))" }
    guard status.published.isEmpty, status.copies.isEmpty else {
      return "refused: its copies have to be looked at once more first: staunch close \(id) --reason 'why'"
    }
    _ = try Closing(journal: installation.journal, now: now).close(
      status, stillAtTheForge: [], because: reason, role: signedRole(decision),
      keepingValues: installation.configuration.policy.retention)
    return "closed"
  }

  func assign(_ decision: NewDecision) throws -> String {
    guard let id = decision.incident, try isKnown(id) else { return "refused: no such incident" }
    let name = (decision.text ?? "").trimmingCharacters(in: .whitespaces)
    guard name.count <= Self.longestName, !name.contains(where: \.isNewline) else {
      return "refused: that is no name"
    }
    try PersonsWords(installation.journal).decide(
      Assignment.what(name), because: "said on the console",
      role: RoleName(decision.roles.first ?? "onlooker"),
      about: IncidentID(id))
    return name.isEmpty ? "it is nobody's" : "it is \(name)'s"
  }

  // MARK: What they share

  private struct Place {
    let step: StepID
    let item: Int?
  }

  /// `look` or `look[2]`.
  private static func place(_ label: String?) -> Place? {
    guard let label, !label.isEmpty else { return nil }
    guard label.hasSuffix("]"), let open = label.lastIndex(of: "[") else {
      return Place(step: StepID(label), item: nil)
    }
    guard let item = Int(label[label.index(after: open)...].dropLast()) else { return nil }
    return Place(step: StepID(String(label[..<open])), item: item)
  }

  /// The plan of the decision's run, when it is one of this incident.
  private func runsPlan(_ decision: NewDecision) throws -> Plan? {
    guard let run = decision.run, let incident = decision.incident else { return nil }
    let plan: Plan
    do { plan = try installation.openPlan(run) } catch is Refusal { return nil }
    // A name comes from outside: another incident's run is none of this one's.
    let isIts = try installation.journal.record(of: IncidentID(incident)).events.contains {
      $0.run == plan.run
    }
    return isIts ? plan : nil
  }

  private func isWaiting(_ place: Place, for subject: String, _ plan: Plan) throws -> Bool {
    let kinds: Set<EventKind> = [.stepWaiting, .stepManual, .stepDone, .stepSkipped]
    let last = try installation.journal.events(run: plan.run, kinds: kinds)
      .last { $0.step == place.step && $0.item == place.item }
    guard case .stepWaiting(let wait)? = last?.typed else { return false }
    return wait.subject == subject
  }

  /// Why a decision does not count; nil when the person has signed exactly it, in a role that may.
  private func unsigned(_ decision: NewDecision, _ meant: SignedDecision, _ what: String) throws -> String? {
    guard let signed = decision.approval else { return "refused: \(what) needs a signature" }
    let word = Approval(
      digest: meant.digest, step: meant.step, role: RoleName(signed.role), identity: signed.identity,
      at: Date(timeIntervalSince1970: signed.at.timeIntervalSince1970.rounded(.down)),
      signature: signed.signature)
    let rule = ApprovalRule(roles: installation.policy.planRule.roles)
    return problem(of: word, for: meant.digest, rule: rule).map { "refused: \($0)" }
  }

  private func signedRole(_ decision: NewDecision) -> RoleName {
    RoleName(decision.approval?.role ?? decision.roles.first ?? "onlooker")
  }

  private func further(_ plan: Plan) throws -> String {
    try RunWords(plan, in: installation.journal).isWorkers()
      ? "the run goes on" : "next at the machine: staunch resume \(plan.run)"
  }
}

/// Whose an incident is, as a decision in the journal.
enum Assignment {
  private static let start = "assign to "
  private static let nobody = "nobody"

  static func what(_ name: String) -> String { start + (name.isEmpty ? nobody : name) }

  /// The name that a decision gives; nil when it is none of this kind, empty for nobody.
  static func name(_ what: String?) -> String? {
    guard let what, what.hasPrefix(start) else { return nil }
    let name = String(what.dropFirst(start.count))
    return name == nobody ? "" : name
  }
}
