import Actions
import Capabilities
import Crypto
import Foundation
import Incidents
import Journal
import Secrets
import StaunchConfiguration

/// Sends what waits in the outbox when no run does: a storm's notice, a page about a secret that is back, whatever a tracker
/// that was down has missed.
///
/// It needs a right like every effect. The policy gives it, bounded to `notify.send`: that staunch.yaml names the tracker is
/// the permission, and nothing but the outbox can be reached with it.
struct OutboxRound {
  let installation: Installation
  let now: @Sendable () -> Date

  private static let action = "notify.send"

  /// - Returns: when the next message is due; nil when none waits.
  func deliver() async throws -> Date? {
    guard let next = try next() else { return nil }
    guard next <= now() else { return next }
    let identity = try StateDirectory(installation.assembly.statePath).policyIdentity()
    let digest = PlanDigest(Hex.text(SHA256.hash(data: Data("staunch outbox delivery v1".utf8))))
    let word = try identity.approve(digest, role: Worker.policyRole, at: now(), actions: [Self.action])
    let approved = try ApprovedPlan(
      digest: digest, mode: installation.configuration.isDrill ? .drill : .live, approvals: [word],
      rule: ApprovalRule(),
      trusted: [
        ApproverIdentity(rawKey: identity.publicKey, roles: [Worker.policyRole], actions: [Self.action])
      ])
    let sent = try await OutboxDelivery(
      outbox: JournalOutbox(journal: installation.journal), targets: installation.targets, now: now
    ).deliverDue(under: approved.authority())
    if sent > 0 { installation.assembly.console.say("sent \(sent) message\(sent == 1 ? "" : "s")") }
    // One that waits behind another is not due, whatever its own time says.
    return try self.next().map { max($0, now().addingTimeInterval(60)) }
  }

  private func next() throws -> Date? {
    try installation.journal.outbox(undelivered: true)
      .filter { [.pending, .unknown].contains($0.state) }.map(\.next).min()
  }
}
