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

/// Applies what people said on the console. The endpoint vouches for nothing here: what gives authority carries the person's
/// own signature, checked against the worker's trust.
struct DecisionDesk {
  let installation: Installation

  /// Applies one decision. - Returns: what became of it, in one line for the person.
  func apply(_ decision: NewDecision) throws -> String {
    for text in [decision.text] + (decision.fields ?? [:]).values.sorted() {
      if let refusal = try refusal(of: text, in: decision) { return refusal }
    }
    if let signed = decision.approval,
      let problem = Self.staleness(of: signed.at, at: installation.now())
    {
      return "refused: \(problem)"
    }
    switch decision.kind {
    case .approve: return try approve(decision)
    case .decline: return try decline(decision)
    case .skip: return try skip(decision)
    case .note:
      guard let text = decision.text, !text.isEmpty else { return "refused: the note is empty" }
      guard try isKnown(decision.incident) else { return "refused: no such incident" }
      try PersonsWords(installation.journal).note(
        text, role: RoleName(decision.roles.first ?? "onlooker"),
        about: decision.incident.map { IncidentID($0) })
      return "noted"
    case .acknowledge: return try acknowledge(decision)
    case .answer: return try answer(decision)
    case .resume: return try resume(decision)
    case .retry: return try retry(decision)
    case .abort: return try abort(decision)
    case .close: return try close(decision)
    case .assign: return try assign(decision)
    }
  }

  /// Why a person's words cannot be kept: they hold a leaked value. Nil when they can.
  private func refusal(of text: String?, in decision: NewDecision) throws -> String? {
    guard let text, !text.isEmpty else { return nil }
    var incident = decision.incident.map { IncidentID($0) }
    if incident == nil { incident = try plan(of: decision)?.incident }
    guard let place = try EnteredText(about: incident, in: installation.journal).place(in: text) else {
      return nil
    }
    return "refused: your text holds a leaked value at \(place); say it without the value"
  }

  private func isStep(_ step: String?, of plan: Plan) -> Bool {
    step.map { step in plan.steps.contains { $0.step.rawValue == step } } ?? true
  }

  /// An id comes from outside, too: what is no incident of ours is not written down as one.
  func isKnown(_ incident: String?) throws -> Bool {
    guard let incident else { return true }
    return try !installation.journal.record(of: IncidentID(incident)).events.isEmpty
  }

  /// How long a signed word may be on its way. The endpoint can hold one back, and what somebody wanted then is not what they
  /// want weeks later.
  static let shelfLife: TimeInterval = 12 * 3600

  private static func staleness(of signed: Date, at now: Date) -> String? {
    let age = now.timeIntervalSince(signed)
    if age > shelfLife { return "it was signed more than 12 hours ago; look again, and sign again" }
    return age < -300 ? "it was signed in the future; check the clocks" : nil
  }

  private func approve(_ decision: NewDecision) throws -> String {
    guard let plan = try plan(of: decision) else { return "refused: no such plan" }
    guard isStep(decision.step, of: plan) else { return "refused: no such step" }
    guard let word = approval(decision, of: plan.digest) else {
      return "refused: an approval needs a signature"
    }
    switch try standing(of: word, plan) {
    case .recorded: return "recorded before: \(plan.id)"
    case .overtaken: return "refused: it was declined after this was signed"
    case .new: break
    }
    return try record(word, for: plan)
  }

  /// Takes the word down; what it lacks is the person's answer, not an error of the worker.
  private func record(_ word: Approval, for plan: Plan) throws -> String {
    let approver = Approver(journal: installation.journal, policy: installation.policy)
    let gate = try word.step.flatMap { try SkipRule(installation: installation).gate(of: $0, in: plan) }
    do throws(ExecutionError) {
      try approver.record(word, for: plan, gate: gate, via: Worker.via)
    } catch {
      guard error.code == .approval else { throw error }
      return "refused: \(error.because)"
    }
    return "approved \(plan.id)"
  }

  private enum Standing { case new, recorded, overtaken }

  /// One signature is one yes: the endpoint cannot say it again after somebody's no.
  private func standing(of word: Approval, _ plan: Plan) throws -> Standing {
    var standing = Standing.new
    for event in try installation.journal.events(run: plan.run, kinds: [.planApproved, .planDeclined]) {
      if event.kind == .planDeclined {
        // A gate's no concerns that gate, a plan's no everything.
        let step = PlanDeclined(event.body).step
        if standing != .recorded, step == nil || step == word.step, event.at >= word.at {
          standing = .overtaken
        }
      } else if let earlier = Approval(json: event.body), earlier == word {
        standing = .recorded
      }
    }
    return standing
  }

  /// Whether somebody in this role may say yes or no to the plan, or to the gate of one of its steps.
  private func mayDecide(_ role: String, _ step: String?, _ plan: Plan) throws -> Bool {
    var roles = installation.policy.planRule.roles
    if let step {
      roles = Set(try SkipRule(installation: installation).gate(of: StepID(step), in: plan)?.roles ?? [])
    }
    return roles.isEmpty || roles.contains(RoleName(role))
  }

  /// A no takes nothing away that cannot be given again, so the person's sign-in is enough.
  private func decline(_ decision: NewDecision) throws -> String {
    guard let plan = try plan(of: decision) else { return "refused: no such plan" }
    guard isStep(decision.step, of: plan) else { return "refused: no such step" }
    guard let role = try decision.roles.first(where: { try mayDecide($0, decision.step, plan) }) else {
      return "refused: none of your roles may decide that"
    }
    do {
      try Approver(journal: installation.journal, policy: installation.policy).decline(
        plan, step: decision.step.map { StepID($0) }, role: RoleName(role),
        reason: decision.text ?? "no reason given")
    } catch {
      guard error.code == .approval else { throw error }
      return "refused: \(error.because)"
    }
    return "declined \(plan.id)"
  }

  private func skip(_ decision: NewDecision) throws -> String {
    guard let plan = try plan(of: decision), let step = decision.step,
      plan.steps.contains(where: { $0.step.rawValue == step })
    else { return "refused: no such step" }
    let reason = decision.text ?? "no reason given"
    let signed = SignedDecision.skip(plan.digest, step: StepID(step), reason: reason)
    guard let word = approval(decision, of: signed.digest) else {
      return "refused: leaving a step out needs a signature for that step and reason"
    }
    if let problem = problem(of: word, for: signed.digest, rule: ApprovalRule()) {
      return "refused: \(problem)"
    }
    if let (because, _) = try SkipRule(installation: installation).problem(
      StepID(step), of: plan, role: word.role)
    {
      return "refused: \(because)"
    }
    try StepAnswers(plan, in: installation.journal).skip(
      StepID(step), item: nil, because: reason, role: word.role)
    return "\(step) will be left out"
  }

  /// Why a signed word does not count; nil when it does.
  func problem(of word: Approval, for digest: PlanDigest, rule: ApprovalRule) -> String? {
    do {
      _ = try ApprovedPlan(
        digest: digest, mode: .live, approvals: [word], rule: rule,
        trusted: installation.policy.trusted)
      return nil
    } catch {
      return error.because
    }
  }

  private func acknowledge(_ decision: NewDecision) throws -> String {
    let role = decision.roles.first ?? "onlooker"
    guard let incident = decision.incident else { return try releaseStorm(decision) }
    guard try isKnown(incident) else { return "refused: no such incident" }
    try PersonsWords(installation.journal).decide(
      "acknowledge", because: decision.text ?? "", role: RoleName(role), about: IncidentID(incident))
    return "acknowledged"
  }

  /// A yes to many starts at once, so the sign-in is not enough: the person signs it, for this storm and reason.
  private func releaseStorm(_ decision: NewDecision) throws -> String {
    let storm = Storm(journal: installation.journal, configuration: installation.configuration)
    guard let held = try storm.current() else { return "refused: no storm is held (any more)" }
    let reason = decision.text ?? ""
    guard !reason.isEmpty else { return "refused: say why the incidents may start" }
    let signed = SignedDecision.releaseStorm(storm: held.id, reason: reason)
    guard let word = approval(decision, of: signed.digest) else {
      return "refused: releasing a storm needs a signature; or: staunch work --release-storm 'why'"
    }
    let rule = ApprovalRule(roles: installation.policy.planRule.roles)
    if let problem = problem(of: word, for: signed.digest, rule: rule) { return "refused: \(problem)" }
    try storm.release(because: reason, role: word.role.rawValue)
    return "released: what waits may start"
  }

  /// The plan that was shown: by id and digest, both.
  private func plan(of decision: NewDecision) throws -> Plan? {
    guard let name = decision.plan ?? decision.digest else { return nil }
    let saved: SavedPlan
    do throws(JournalError) { saved = try installation.journal.plan(name) } catch {
      guard error.code == .notFound || error.code == .invalid else { throw error }
      return nil
    }
    // All of the digest: the first digits may be those of another plan tomorrow.
    guard saved.id.rawValue == name || saved.digest.rawValue == name else { return nil }
    let plan = try Plan(json: saved.document)
    guard decision.digest.map({ $0 == plan.digest.rawValue }) ?? true else { return nil }
    return plan
  }

  /// - Parameter digest: what the person signed: a plan's, or ``SignedDecision/digest`` of a step to be left out.
  func approval(_ decision: NewDecision, of digest: PlanDigest) -> Approval? {
    guard let signed = decision.approval else { return nil }
    return Approval(
      digest: digest, step: decision.step.map { StepID($0) }, role: RoleName(signed.role),
      identity: signed.identity,
      // Whole seconds are what was signed, and what the journal keeps: the rest must not make it look new.
      at: Date(timeIntervalSince1970: signed.at.timeIntervalSince1970.rounded(.down)),
      signature: signed.signature)
  }
}
