/// What the worker does, each on a loop of its own (``WorkLoop``): none of them waits for another, and trouble of one stops none.
package enum Lane: String, CaseIterable, Sendable {
  /// Keys of closed incidents' values whose time is over.
  case retention
  /// Asks the platforms for what was lost on the way.
  case reconciliation
  /// Deliveries → incidents in the journal.
  case intake
  /// What people said on the console.
  case decisions
  /// Alerts' secrets, from the platforms.
  case secrets
  /// Which incidents start, and their plans.
  case planning
  /// What people are told: into the outbox.
  case telling
  /// Out of the outbox.
  case outbox
  /// Approved runs.
  case runs
  /// What the console shows.
  case board
}

/// One look of a lane.
struct Turn {
  /// Work that takes its time: each on a task of its own, while the lane looks again.
  var jobs: [Job] = []
  /// There may be more to do at once.
  var more = false
}

/// Something that takes its time. What becomes of it, its trouble too, the worker notes itself.
struct Job: Sendable {
  let work: @Sendable () async -> Void
}
