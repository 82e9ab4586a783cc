import Capabilities
import Foundation
import Incidents
import Secrets

/// `abuse.search`
///
/// Coverage is measured: the overlap of the exposure window with the stretch that the provider answered for. What cannot
/// be measured is null, and a search that covers nothing of the window has not seen that there was no abuse.
struct AbuseSearch: ReadAction {
  let signature = ActionSignature.abuseSearch
  let targets: Targets
  let now: @Sendable () -> Date

  func read(_ call: ActionCall) async throws(CapabilityError) -> ActionResult {
    let provider = try targets.credential(call.credential()).provider
    let ref: CredentialRef
    if let given = call.optionalRef() {
      ref = given
    } else if call.known("secret") != nil {
      ref = try await call.subject(by: provider).identity
    } else {
      throw CapabilityError(
        .invalid, "step \(call.step)",
        because: "abuse.search needs a ref or a secret to know what to look for",
        fix: "add to with: — secret: \"${{ inputs.leaked }}\"")
    }
    let since = call.known("since") == nil ? nil : try call.timestamp("since")
    let report = try await provider.searchAbuse(ref, since: since)
    let coverage = since.flatMap { Self.coverage(report.covered, of: $0, until: now()) }
    // Nothing was searched, so nothing was "not seen".
    let hasEvidence = since == nil ? report.covered != nil : (coverage ?? 0) > 0
    let seen = report.seen == false && !hasEvidence ? nil : report.seen
    return ActionResult(
      outputs: [
        "seen": seen.map { .boolean($0) } ?? .null,
        "coverage_percent": coverage.map { .integer(Int(($0 * 100).rounded(.down))) } ?? .null,
        "covered_from": report.covered.map { .timestamp($0.lowerBound) } ?? .null,
        "covered_until": report.covered.map { .timestamp($0.upperBound) } ?? .null,
        "findings": .list(report.findings.map { .string($0) }),
        "successors": .list(await Self.successors(of: ref, since: since, provider).map { .string($0) }),
      ], answer: seen.map { $0 ? "seen" : "not_seen" } ?? "unknown")
  }

  /// One line for each. That they cannot be asked for takes nothing from what was seen.
  private static func successors(of ref: CredentialRef, since: Date?, _ provider: any CredentialProvider)
    async
    -> [String]
  {
    do throws(CapabilityError) {
      return try await provider.successors(ref, since: since).found.map { made in
        "\(made.ref): \(made.what)" + (made.made.map { ", made \(Timestamp.text($0))" } ?? "")
      }
    } catch { return ["unknown: \(error.because)"] }
  }

  /// The covered share of `since … now`; nil when it cannot be measured.
  static func coverage(_ covered: ClosedRange<Date>?, of since: Date, until now: Date) -> Double? {
    guard let covered, since < now else { return nil }
    let (from, until) = (max(covered.lowerBound, since), min(covered.upperBound, now))
    return max(0, until.timeIntervalSince(from)) / now.timeIntervalSince(since)
  }
}
