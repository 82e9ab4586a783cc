public import Capabilities
import Foundation
import Incidents

extension ExecutionAuthority {
  /// An authority for a test: of a plan that an identity made for this test approved.
  public static func forTests(mode: RunMode = .live, digest: String = "0123456789ab") throws
    -> ExecutionAuthority
  {
    let identity = LocalIdentity()
    let plan = PlanDigest(digest)
    let approval = try identity.approve(plan, role: "responder", at: Date())
    return try ApprovedPlan(
      digest: plan, mode: mode, approvals: [approval], rule: ApprovalRule(),
      trusted: [ApproverIdentity(rawKey: identity.publicKey, roles: ["responder"])]
    ).authority()
  }
}
