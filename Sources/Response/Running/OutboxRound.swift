package import Actions
package import Capabilities
import Cryptography
package import Foundation
package import Incidents
import Journal
import Secrets
import StaunchConfiguration

/// Sends what waits in the outbox when no step does: after a run, at the worker's rounds, when a person asks for it
/// (`staunch ticket send`).
///
/// It needs a right like every effect. The policy gives it, bounded to `notify.send`: that staunch.yaml names the tracker is
/// the permission, and nothing but the outbox can be reached with it.
package struct OutboxRound {
  package let installation: Installation
  package let now: @Sendable () -> Date

  package init(installation: Installation, now: @escaping @Sendable () -> Date) {
    self.installation = installation
    self.now = now
  }

  private static let action = "notify.send"

  /// - Parameter limit: after this time the round ends; the message that hangs counts as unknown.
  /// - Returns: when the next message is due; nil when none waits.
  package func deliver(within limit: Duration? = nil) async throws -> Date? {
    guard let next = try next() else { return nil }
    guard next <= now() else { return next }
    let sent = try await send(.everything, within: limit)
    if sent > 0 { installation.voice.say("sent \(sent) message\(sent == 1 ? "" : "s")") }
    // One that waits behind another is not due, whatever its own time says.
    return try self.next().map { max($0, now().addingTimeInterval(60)) }
  }

  /// Everything that is due now. - Returns: how many arrived.
  package func send(_ scope: DeliveryScope, within limit: Duration? = nil) async throws -> Int {
    let approved = try approved()
    let delivery = OutboxDelivery(
      outbox: JournalOutbox(journal: installation.journal), targets: installation.targets, now: now)
    guard let limit else {
      return try await delivery.deliverDue(scope, under: approved.authority()).delivered
    }
    return try await withThrowingTaskGroup(of: Int?.self) { group in
      group.addTask { try await delivery.deliverDue(scope, under: approved.authority()).delivered }
      group.addTask {
        // Cancelled when everything was sent in time.
        do { try await Task.sleep(for: limit) } catch { return nil }
        return nil
      }
      var sent = 0
      while let end = try await group.next() {
        sent += end ?? 0
        group.cancelAll()
      }
      return sent
    }
  }

  /// What is due for one tracker, however the others answer.
  package func send(to tracker: TrackerName) async throws -> OutboxDelivery.Outcome {
    let approved = try approved()
    let delivery = OutboxDelivery(
      outbox: JournalOutbox(journal: installation.journal), targets: installation.targets, now: now)
    // A tracker that staunch.yaml has no more is among no others: its messages are given up by whoever comes first.
    let others = Set(installation.targets.trackers.keys).subtracting([tracker])
    return try await delivery.deliverDue(.everything, besides: others, under: approved.authority())
  }

  /// After a run: what its steps left behind for the sake of speed. Messages whose next try is a few seconds away are
  /// waited for, once, where the tracker answers quickly.
  ///
  /// - Parameter limit: for a run that is not over: whoever it waits for must hear of it at once.
  package func finish(_ incident: IncidentID, within limit: Duration? = nil) async throws {
    guard try !waiting(incident).isEmpty else { return }
    let began = now()
    _ = try await send(.incident(incident), within: limit)
    guard limit == nil, now().timeIntervalSince(began) < Self.patience else { return }
    let pauses = try waiting(incident).map { $0.next.timeIntervalSince(now()) }
    guard let pause = pauses.filter({ $0 < Self.patience }).max() else { return }
    try await Task.sleep(for: .seconds(max(0, pause)))
    _ = try await send(.incident(incident))
  }

  /// The message that each tracker gets next about the incident, where nobody is sending it now. Those behind it go when it
  /// has gone: their own time says nothing.
  private func waiting(_ incident: IncidentID) throws -> [OutboxEntry] {
    var first: [TrackerName: OutboxEntry] = [:]
    for entry in try installation.journal.outbox(incident: incident, undelivered: true)
    where entry.state != .dead && first[entry.tracker] == nil {
      first[entry.tracker] = entry
    }
    return first.values.filter { $0.state == .pending || $0.state == .unknown }
  }

  /// Seconds.
  private static let patience = 5.0

  private func approved() throws -> ApprovedPlan {
    let state = try StateDirectory(installation.statePath)
    let identity = try state.policyIdentity()
    let digest = PlanDigest(Hex.text(SHA256.hash(data: Data("staunch outbox delivery v1".utf8))))
    let word = try identity.approve(digest, role: Installation.policyRole, at: now(), actions: [Self.action])
    return try ApprovedPlan(
      digest: digest, mode: installation.configuration.isDrill ? .drill : .live, approvals: [word],
      rule: ApprovalRule(), trusted: [try TrustStore(state).policy([Self.action])])
  }

  private func next() throws -> Date? { try installation.journal.nextDelivery() }
}
