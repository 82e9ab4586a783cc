public import Capabilities
public import Foundation
public import Incidents

/// Sends what is due in the outbox. A tracker that is down keeps nobody waiting: after the first message that does not get
/// through, its others stay for the next round.
public struct OutboxDelivery: Sendable {
  private let outbox: any MessageOutbox
  private let targets: Targets
  private let now: @Sendable () -> Date
  private let random: @Sendable () -> Double

  /// After this many sends a message is left to a person.
  private static let attempts = 10
  /// Seconds; doubles with each attempt up to an hour.
  private static let longestPause = 3600.0

  /// - Parameter random: between 0 and 1, for the jitter of pauses.
  public init(
    outbox: any MessageOutbox, targets: Targets, now: @escaping @Sendable () -> Date,
    random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
  ) {
    self.outbox = outbox
    self.targets = targets
    self.now = now
    self.random = random
  }

  /// What one round came to.
  public struct Outcome: Sendable, Equatable {
    /// How many messages arrived.
    public var delivered = 0
    /// Trackers that did not answer, or asked for a pause: what waits for them is left.
    public var unanswered: Set<TrackerName> = []
  }

  /// Sends every message of `scope` that is due, oldest first for each incident and tracker. A cancelled task begins no
  /// other message.
  ///
  /// - Parameter others: trackers whose messages are left.
  /// - Throws: only what the outbox itself throws; a tracker's error is recorded there.
  @discardableResult
  public func deliverDue(
    _ scope: DeliveryScope = .everything, besides others: Set<TrackerName> = [],
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Outcome {
    var outcome = Outcome()
    while !Task.isCancelled,
      let entry = try await outbox.claim(scope, passingOver: others.union(outcome.unanswered))
    {
      switch try await deliver(entry, under: authority) {
      case .delivered: outcome.delivered += 1
      case .settled: continue
      case .unanswered: outcome.unanswered.insert(entry.tracker)
      }
    }
    return outcome
  }

  /// How one try ended.
  private enum Try {
    case delivered
    /// It did not arrive, and the tracker did answer (or cannot be asked).
    case settled
    /// The tracker did not answer, or asks for a pause: whoever waits behind would wait in vain.
    case unanswered
  }

  private func deliver(
    _ entry: QueuedMessage, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Try {
    let message = entry.message
    guard let tracker = targets.trackers[entry.tracker] else {
      try await settle(entry, .dead, because: "staunch.yaml has no tracker \(entry.tracker) any more")
      return .settled
    }
    do {
      if entry.state == .unknown {
        if tracker.canLookUp, let found = try await tracker.find(message) {
          try await outbox.settle(message.id, as: .sent, remote: found, reason: nil, next: nil)
          return .delivered
        }
        guard tracker.canLookUp || tracker.isIdempotent else {
          try await settle(
            entry, .dead,
            because: "its reply was lost and \(entry.tracker) cannot be asked whether it arrived")
          return .settled
        }
      }
      let ticket: TicketRef?
      if message.event == .opened {
        ticket = nil
      } else if let named = message.ticket {
        ticket = TicketRef(id: named, url: nil)
      } else {
        ticket = try await outbox.ticket(of: message.incident, at: entry.tracker)
      }
      let remote = try await tracker.deliver(message, to: ticket, under: authority)
      try await outbox.settle(message.id, as: .sent, remote: remote, reason: nil, next: nil)
      return .delivered
    } catch {
      return try await record(error, of: entry)
    }
  }

  private func record(_ error: CapabilityError, of entry: QueuedMessage) async throws(CapabilityError) -> Try
  {
    let isSpent = entry.attempts >= Self.attempts
    switch error.class {
    case .unknownOutcome, .timeout, .cancelled:
      try await settle(entry, isSpent ? .dead : .unknown, because: error.because, pause: pause(entry, error))
      return .unanswered
    case .network, .rateLimit, .serverError:
      try await settle(entry, isSpent ? .dead : .pending, because: error.because, pause: pause(entry, error))
      return .unanswered
    case .refused, .notFound, .conflict, .invalid, .configuration, .unsafe, .unsupported, .awaitsPerson:
      try await settle(entry, .dead, because: error.because)
      return .settled
    }
  }

  private func settle(
    _ entry: QueuedMessage, _ state: QueuedMessage.State, because reason: String, pause: TimeInterval = 0
  ) async throws(CapabilityError) {
    try await outbox.settle(
      entry.message.id, as: state, remote: nil, reason: reason, next: now().addingTimeInterval(pause))
  }

  /// Full jitter, at least a second, never before the system's own `Retry-After`.
  private func pause(_ entry: QueuedMessage, _ error: CapabilityError) -> TimeInterval {
    let ceiling = min(Self.longestPause, Double(1 << min(entry.attempts, 12)))
    let asked = error.retryAfter.map { Double($0.milliseconds) / 1000 } ?? 0
    return max(1, asked, random() * ceiling)
  }
}
