import Incidents

/// The right to change the world, for one approved plan.
///
/// Only an approval makes one: the initialiser is private and ``ApprovedPlan/authority()`` is the only caller. It is
/// noncopyable and borrowed by every call with an effect, so code that holds none cannot be compiled into one.
public struct ExecutionAuthority: ~Copyable, Sendable {
  /// The plan it was given for.
  public let planDigest: PlanDigest
  /// Drill or live. A drill's adapters are sandboxes; this is for marks on what they send.
  public let mode: RunMode
  /// The only actions that may run; nil: all of the plan.
  public let actions: Set<String>?

  private init(planDigest: PlanDigest, mode: RunMode, actions: Set<String>?) {
    self.planDigest = planDigest
    self.mode = mode
    self.actions = actions
  }

  fileprivate static func granted(for digest: PlanDigest, mode: RunMode, actions: Set<String>?)
    -> ExecutionAuthority
  {
    ExecutionAuthority(planDigest: digest, mode: mode, actions: actions)
  }

  /// False when the approval was a policy's and does not name `action`.
  public func covers(_ action: String) -> Bool { actions?.contains(action) ?? true }

  /// - Throws: `.unsafe` when ``covers(_:)`` says no.
  public func require(_ action: String) throws(CapabilityError) {
    guard !covers(action) else { return }
    throw CapabilityError(
      .unsafe, action, because: "the approval is a policy's and does not name \(action)",
      fix: "a person approves the plan: staunch approve \(planDigest.short)")
  }
}

/// Whether a run is practice or real. There is no third state and no flag that skips effects.
public enum RunMode: String, Sendable, Codable {
  case drill, live
}

/// A plan whose approvals were checked: the only source of an ``ExecutionAuthority``.
public struct ApprovedPlan: Sendable {
  public let digest: PlanDigest
  public let mode: RunMode
  public let approvals: [Approval]
  /// The only actions that were approved (by a policy); nil: people approved the plan.
  public let actions: Set<String>?

  /// Checks that each approval is for exactly `digest`, is signed by a trusted identity, and that `rule` is met.
  ///
  /// Where people's approvals do not meet the rule, a policy's let its named actions run and nothing else; never more than
  /// the policy's identity may cover now.
  ///
  /// - Throws: ``ApprovalError`` naming the first approval that does not hold, or what is missing.
  public init(
    digest: PlanDigest, mode: RunMode, approvals: [Approval], rule: ApprovalRule, trusted: [ApproverIdentity]
  ) throws(ApprovalError) {
    for approval in approvals {
      guard approval.digest == digest else {
        throw ApprovalError(.otherPlan, "approval by \(approval.role) is for plan digest \(approval.digest)")
      }
      guard let identity = trusted.first(where: { $0.fingerprint == approval.identity }) else {
        throw ApprovalError(.untrusted, "identity \(approval.identity) is not a trusted approver")
      }
      guard identity.roles.contains(approval.role) else {
        throw ApprovalError(
          .untrusted, "identity \(approval.identity) does not hold the role \(approval.role)")
      }
      guard identity.actions == nil || (approval.actions != nil && approval.step == nil) else {
        throw ApprovalError(
          .untrusted, "identity \(approval.identity) is a policy: it covers named actions only, and no gate")
      }
      // Else one person's bounded word would stand where the rule asks for two.
      guard identity.actions != nil || approval.actions == nil else {
        throw ApprovalError(
          .untrusted, "identity \(approval.identity) is a person: only a policy approves single actions")
      }
      guard approval.isSigned(by: identity) else {
        throw ApprovalError(.badSignature, "signature of \(approval.identity) does not verify")
      }
    }
    var named: Set<String> = []
    var isBounded = false
    for approval in approvals {
      guard let actions = approval.actions else { continue }
      isBounded = true
      let identity = trusted.first { $0.fingerprint == approval.identity }
      named.formUnion(identity?.actions.map(actions.intersection) ?? actions)
    }
    do throws(ApprovalError) {
      try rule.check(approvals.filter { $0.actions == nil }, of: trusted)
      actions = nil
    } catch {
      guard isBounded else { throw error }
      actions = named
    }
    self.digest = digest
    self.mode = mode
    self.approvals = approvals
  }

  /// The right to execute this plan.
  public func authority() -> ExecutionAuthority { .granted(for: digest, mode: mode, actions: actions) }
}
