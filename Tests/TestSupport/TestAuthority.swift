public import Capabilities
import Foundation
import Incidents

extension ExecutionAuthority {
  /// An authority for a test, given as every other one is: a fresh identity signs the plan's digest.
  public static func forTests(mode: RunMode = .live, digest: String = "0123456789ab") throws
    -> ExecutionAuthority
  {
    let identity = LocalIdentity()
    let digest = PlanDigest(digest)
    let approval = try identity.approve(
      digest, role: "responder", at: Date(timeIntervalSince1970: 1_800_000_000))
    return try ApprovedPlan(
      digest: digest, mode: mode, approvals: [approval], rule: ApprovalRule(),
      trusted: [ApproverIdentity(rawKey: identity.publicKey, roles: ["responder"])]
    ).authority()
  }
}
