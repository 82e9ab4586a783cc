import Capabilities
import Foundation
import Secrets

/// `abuse.search`
struct AbuseSearch: ReadAction {
  let signature = ActionSignature.abuseSearch
  let targets: Targets

  func read(_ call: ActionCall) async throws(CapabilityError) -> ActionResult {
    let provider = try targets.credential(call.credential()).provider
    let ref: CredentialRef
    if let given = call.optionalRef() {
      ref = given
    } else if call.known("secret") != nil {
      ref = try await call.identified(by: provider)
    } else {
      throw CapabilityError(
        .invalid, "step \(call.step)",
        because: "abuse.search needs a ref or a secret to know what to look for",
        fix: "add to with: — secret: \"${{ inputs.leaked }}\"")
    }
    let report = try await provider.searchAbuse(ref, since: try call.timestamp("since"))
    let answer = report.seen.map { $0 ? "seen" : "not_seen" } ?? "unknown"
    let percent = Int((min(1, max(0, report.coverage)) * 100).rounded(.down))
    return ActionResult(
      outputs: [
        "seen": report.seen.map { .boolean($0) } ?? .null, "coverage_percent": .integer(percent),
        "findings": .list(report.findings.map { .string($0) }),
      ], answer: answer)
  }
}
