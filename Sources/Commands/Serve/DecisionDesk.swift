import Capabilities
import Execution
import Foundation
import Incidents
import Inbox
import JSON
import Journal

/// Applies what people said on the console. The endpoint vouches for nothing here: what gives authority carries the person's
/// own signature, checked against the worker's trust.
struct DecisionDesk {
  let installation: Installation

  /// Applies one decision. - Returns: what became of it, in one line for the person.
  func apply(_ decision: NewDecision) throws -> String {
    switch decision.kind {
    case .approve: return try approve(decision)
    case .decline: return try decline(decision)
    case .skip: return try skip(decision)
    case .note:
      guard let text = decision.text, !text.isEmpty else { return "refused: the note is empty" }
      try installation.journal.append(
        .noted, incident: decision.incident.map { IncidentID($0) },
        ["text": .string(text), "role": .string(decision.roles.first ?? "responder")])
      return "noted"
    case .acknowledge: return try acknowledge(decision)
    case .answer: return "refused: hand it in with: staunch done \(decision.step ?? "STEP") name=value"
    }
  }

  private func approve(_ decision: NewDecision) throws -> String {
    guard let plan = try plan(of: decision) else { return "refused: no such plan" }
    guard let word = approval(decision, plan) else { return "refused: an approval needs a signature" }
    switch try standing(of: word, plan) {
    case .recorded: return "recorded before: \(plan.id)"
    case .overtaken: return "refused: somebody declined the plan after this was signed; sign again"
    case .new: break
    }
    do {
      try Approver(journal: installation.journal, policy: installation.policy)
        .record(word, for: plan, via: Worker.via)
      return "approved \(plan.id)"
    } catch  where error.code == .approval {
      return "refused: \(error.because)"
    }
  }

  private enum Standing { case new, recorded, overtaken }

  /// One signature is one yes: the endpoint cannot say it again after somebody's no.
  private func standing(of word: Approval, _ plan: Plan) throws -> Standing {
    var standing = Standing.new
    try installation.journal.forEachEvent(run: plan.run, kinds: [.planApproved, .planDeclined]) { event in
      if event.kind == .planDeclined {
        // A gate's no concerns that gate, a plan's no everything.
        let step = event.body["step"]?.string.map { StepID($0) }
        guard standing != .recorded, step == nil || step == word.step, event.at >= word.at else { return }
        standing = .overtaken
      } else if let earlier = Approval(json: event.body), earlier == word {
        standing = .recorded
      }
    }
    return standing
  }

  /// A no takes nothing away that cannot be given again, so the person's sign-in is enough.
  private func decline(_ decision: NewDecision) throws -> String {
    guard let plan = try plan(of: decision) else { return "refused: no such plan" }
    try Approver(journal: installation.journal, policy: installation.policy).decline(
      plan, step: decision.step.map { StepID($0) }, role: RoleName(decision.roles.first ?? "responder"),
      reason: decision.text ?? "no reason given")
    return "declined \(plan.id)"
  }

  private func skip(_ decision: NewDecision) throws -> String {
    guard let plan = try plan(of: decision), let step = decision.step,
      plan.steps.contains(where: { $0.step.rawValue == step })
    else { return "refused: no such step" }
    guard let word = approval(decision, plan), word.step == StepID(step) else {
      return "refused: leaving a step out needs a signature for that step"
    }
    do throws(ApprovalError) {
      _ = try ApprovedPlan(
        digest: plan.digest, mode: .live, approvals: [word], rule: ApprovalRule(),
        trusted: installation.policy.trusted)
    } catch { return "refused: \(error.because)" }
    let reason = decision.text ?? "no reason given"
    try installation.journal.append([
      NewEvent(
        .stepSkipped, run: plan.run, incident: plan.incident,
        ["step": .string(step), "reason": .string(reason), "by": "operator"]),
      NewEvent(
        .decision, run: plan.run, incident: plan.incident,
        ["what": .string("skip \(step)"), "reason": .string(reason), "role": .string(word.role.rawValue)]),
    ])
    return "\(step) will be left out"
  }

  private func acknowledge(_ decision: NewDecision) throws -> String {
    let role = decision.roles.first ?? "responder"
    guard let incident = decision.incident else {
      return "refused: a storm is released where the credentials are: staunch work --release-storm REASON"
    }
    try installation.journal.append(
      .decision, incident: IncidentID(incident),
      ["what": "acknowledge", "reason": .string(decision.text ?? ""), "role": .string(role)])
    return "acknowledged"
  }

  /// The plan that was shown: by id and digest, both.
  private func plan(of decision: NewDecision) throws -> Plan? {
    guard let name = decision.plan ?? decision.digest else { return nil }
    let saved: SavedPlan
    do { saved = try installation.journal.plan(name) } catch
      where error.code == .notFound || error.code == .invalid
    { return nil }
    let plan = try Plan(json: saved.document)
    guard decision.digest.map({ $0 == plan.digest.rawValue }) ?? true else { return nil }
    return plan
  }

  private func approval(_ decision: NewDecision, _ plan: Plan) -> Approval? {
    guard let signed = decision.approval else { return nil }
    return Approval(
      digest: plan.digest, step: decision.step.map { StepID($0) }, role: RoleName(signed.role),
      identity: signed.identity,
      // Whole seconds are what was signed, and what the journal keeps: the rest must not make it look new.
      at: Date(timeIntervalSince1970: signed.at.timeIntervalSince1970.rounded(.down)),
      signature: signed.signature)
  }
}
