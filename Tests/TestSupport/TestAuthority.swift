public import Capabilities

extension ExecutionAuthority {
  /// An authority for a test: of a plan that needs nobody's approval. Real plans always need one.
  public static func forTests(mode: RunMode = .live, digest: String = "0123456789ab") throws
    -> ExecutionAuthority
  {
    try ApprovedPlan(
      digest: PlanDigest(digest), mode: mode, approvals: [], rule: ApprovalRule(minimum: 0), trusted: []
    ).authority()
  }
}
