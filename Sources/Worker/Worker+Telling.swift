import Actions
import Capabilities
import Chronicle
import Execution
import Foundation
import Incidents
import Journal
import Response

// What people are told: into the outbox, and out of it.
extension Worker {
  func tell() throws -> Turn {
    try fault(.tell, "")
    // People do not wait for a provider that takes its time.
    for (id, since) in planning {
      let due = since.addingTimeInterval(Self.planPatience)
      if due <= now() { desks.notices.decided(id, .beingPlanned) } else { becomesDue(.telling, due) }
    }
    becomesDue(.telling, try desks.storm.remind(now: now()))
    if let since = boardIsBehindSince, now().timeIntervalSince(since) > Self.boardPatience {
      try desks.notices.tellOldBoard(
        since: since, why: troubledLanes().first { $0.lane == .board }?.because)
    }
    let isStorm = try desks.storm.isHeld()
    becomesDue(.telling, try desks.notices.tell(isStorm: isStorm))
    becomesDue(.telling, try desks.notices.runs.tell(isStorm: isStorm))
    return Turn()
  }

  // MARK: the outbox

  /// Each tracker that has something to get is a job of its own: one that hangs holds no other up.
  func findMessages() throws -> Turn {
    try fault(.findMessages, "")
    let time = now()
    var turn = Turn()
    silent = silent.filter { $0.value > time }
    becomesDue(.outbox, try installation.journal.nextDelivery(after: time))
    becomesDue(.outbox, silent.values.min())
    for tracker in try installation.journal.trackersWithDueMessages()
    where !sending.contains(tracker) && silent[tracker] == nil {
      sending.insert(tracker)
      turn.jobs.append(Job { await self.send(to: tracker) })
    }
    return turn
  }

  private func send(to tracker: TrackerName) async {
    do {
      try fault(.send, tracker.rawValue)
      let outcome = try await Self.send(to: tracker, in: installation, now: now)
      let sent = outcome.delivered
      if sent > 0 { installation.voice.say("sent \(sent) message\(sent == 1 ? "" : "s")") }
      // What it did not take now it is asked for in a minute.
      if outcome.unanswered.contains(tracker) { silent[tracker] = now().addingTimeInterval(60) }
    } catch {
      if !Self.isCancellation(error) {
        silent[tracker] = now().addingTimeInterval(60)
        installation.voice.say("messages to \(tracker):")
        installation.voice.tell(error)
      }
    }
    sending.remove(tracker)
    // What was queued meanwhile goes at once.
    becomesDue(.outbox, silent[tracker] ?? now())
  }

  @concurrent
  private static func send(
    to tracker: TrackerName, in installation: Installation, now: @escaping @Sendable () -> Date
  ) async throws -> OutboxDelivery.Outcome {
    try await OutboxRound(installation: installation, now: now).send(to: tracker)
  }

  /// For ``round()``: all trackers, one after the other.
  func deliver(within limit: Duration?) async {
    do {
      isDueNoMore(.outbox)
      try fault(.findMessages, "")
      try fault(.send, "")
      becomesDue(.outbox, try await OutboxRound(installation: installation, now: now).deliver(within: limit))
    } catch {
      guard !Self.isCancellation(error) else { return }
      installation.voice.say("messages:")
      installation.voice.tell(error)
      becomesDue(.outbox, now().addingTimeInterval(60))
    }
  }
}
