public import Capabilities
import Chronicle
import Foundation
public import Incidents
public import Journal
import JSON
public import Playbooks

/// Turns people's signed words into an ``ApprovedPlan``, and keeps them in the journal.
public struct Approver: Sendable {
  private let journal: Journal
  private let policy: ExecutionPolicy

  public init(journal: Journal, policy: ExecutionPolicy) {
    self.journal = journal
    self.policy = policy
  }

  /// Records an approval of a plan (or of one of its gates). It is checked first: a word that does not hold is refused.
  ///
  /// - Parameters:
  ///   - gate: the gate that the word is for; nil: the plan as a whole.
  ///   - via: `worker` when the worker took the word and therefore carries the plan out.
  public func record(_ approval: Approval, for plan: Plan, gate: ApprovalGate? = nil, via: String? = nil)
    throws(ExecutionError)
  {
    guard approval.digest == plan.digest else {
      throw ExecutionError(
        .approval, "approve the plan \(plan.id)",
        because:
          "the approval is for another plan (digest \(approval.digest.short), this one is \(plan.digest.short))",
        fix: "read this plan, then: staunch approve \(plan.digest.short)")
    }
    let roles = approval.step == nil ? policy.planRule.roles : Set(gate?.roles ?? [])
    // A policy's word is bounded by its own actions instead.
    guard approval.actions != nil || roles.isEmpty || roles.contains(approval.role) else {
      let wanted = roles.map(\.rawValue).sorted()
      throw ExecutionError(
        .approval, approval.step.map { "approve the step \($0)" } ?? "approve the plan \(plan.id)",
        because: "the role \(approval.role) may not: it takes \(wanted.joined(separator: " or "))",
        fix:
          "staunch approve \(plan.digest.short)\(approval.step.map { " --step \($0)" } ?? "") --role \(wanted[0])"
      )
    }
    try check([approval], of: plan, mode: .live, rule: ApprovalRule())
    try checkNotDeclined(plan)
    var body = approval.json.object ?? [:]
    body["plan"] = .string(plan.id.rawValue)
    body["via"] = via.map { .string($0) }
    do {
      try journal.append(.planApproved, run: plan.run, incident: plan.incident, .object(body))
    } catch { throw ExecutionError(error) }
  }

  /// Records that somebody said no, before the run starts or to one of its gates. To a plan this is the last word: what is
  /// wanted after all is planned again. A gate that was declined fails until a new approval of it is recorded.
  public func decline(_ plan: Plan, step: StepID? = nil, role: RoleName, reason: String)
    throws(ExecutionError)
  {
    if step == nil { try checkNotStarted(plan) }
    var body: [String: JSONValue] = [
      "digest": .string(plan.digest.rawValue), "role": .string(role.rawValue), "reason": .string(reason),
    ]
    if let step { body["step"] = .string(step.rawValue) }
    do { try journal.append(.planDeclined, run: plan.run, incident: plan.incident, .object(body)) } catch {
      throw ExecutionError(error)
    }
  }

  /// - Throws: `.approval`: a no to what runs already would only keep it from being taken back.
  private func checkNotStarted(_ plan: Plan) throws(ExecutionError) {
    var isStarted = false
    do {
      try journal.forEachEvent(run: plan.run, kinds: [.runStarted], limit: 1) { _ in isStarted = true }
    } catch { throw ExecutionError(error) }
    guard isStarted else { return }
    throw ExecutionError(
      .approval, "decline the plan \(plan.id)", because: "its run has started",
      fix: "stop it with Ctrl-C, then take it back: staunch abort \(plan.run) --reason 'why'")
  }

  /// The approved plan, from the approvals in the journal.
  ///
  /// - Throws: `.approval` when the policy's rule is not met, or somebody declined the plan.
  public func approved(_ plan: Plan, mode: RunMode) throws(ExecutionError) -> ApprovedPlan {
    try checkNotDeclined(plan)
    var approvals: [Approval] = []
    do {
      try journal.forEachEvent(run: plan.run, kinds: [.planApproved]) { event in
        guard event.step == nil, let approval = Approval(json: event.body) else { return }
        if !approvals.contains(approval) { approvals.append(approval) }
      }
    } catch { throw ExecutionError(error) }
    return try check(approvals, of: plan, mode: mode, rule: policy.planRule)
  }

  /// - Throws: `.approval` when somebody declined the plan.
  public func checkNotDeclined(_ plan: Plan) throws(ExecutionError) {
    var refusal: String?
    do {
      try journal.forEachEvent(run: plan.run, kinds: [.planDeclined]) { event in
        guard case .planDeclined(let word) = event.typed, word.step == nil else { return }
        refusal = word.reason ?? "no reason given"
      }
    } catch { throw ExecutionError(error) }
    guard let refusal else { return }
    throw ExecutionError(
      .approval, "run the plan \(plan.id)", because: "it was declined: \(refusal)",
      fix: "if it is wanted after all, plan again: "
        + "staunch plan \(plan.incident?.rawValue ?? plan.playbook.rawValue)")
  }

  @discardableResult
  private func check(_ approvals: [Approval], of plan: Plan, mode: RunMode, rule: ApprovalRule)
    throws(ExecutionError) -> ApprovedPlan
  {
    do throws(ApprovalError) {
      return try ApprovedPlan(
        digest: plan.digest, mode: mode, approvals: approvals, rule: rule, trusted: policy.trusted)
    } catch {
      throw ExecutionError(
        .approval, "run the plan \(plan.id)", because: error.because,
        fix: "staunch approve \(plan.digest.short)")
    }
  }
}
