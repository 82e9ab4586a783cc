public import Foundation
public import Incidents

/// A message on its way to one tracker.
public struct QueuedMessage: Sendable, Hashable {
  public enum State: String, Sendable, Codable, CaseIterable {
    /// Nobody has tried to send it yet, or the try certainly did not arrive.
    case pending
    case sent
    /// It may have arrived: look it up before sending again.
    case unknown
    /// Given up; a person decides.
    case dead
    /// A person decided that it need not arrive.
    case dropped
  }
  public let tracker: TrackerName
  public let message: TicketMessage
  public let state: State
  /// Sends so far, this one included.
  public let attempts: Int
  /// The ticket that the tracker made.
  public let remote: TicketRef?

  public init(
    tracker: TrackerName, message: TicketMessage, state: State, attempts: Int, remote: TicketRef? = nil
  ) {
    self.tracker = tracker
    self.message = message
    self.state = state
    self.attempts = attempts
    self.remote = remote
  }
}

/// Which messages a round of sending may take.
public enum DeliveryScope: Sendable, Hashable {
  case everything
  case incident(IncidentID)
  /// One message, by its id.
  case message(String)
}

/// Keeps messages durably until they are delivered: first in, first out for each incident and tracker. The journal is one.
public protocol MessageOutbox: Sendable {
  /// Puts `message` in, durably, and numbers it. Repeating it with the same id changes nothing.
  func enqueue(_ message: TicketMessage, to tracker: TrackerName, run: RunID) async throws(CapabilityError)
    -> QueuedMessage
  /// The message with `id`, or nil.
  func message(_ id: String) async throws(CapabilityError) -> QueuedMessage?
  /// The next message of `scope` that may be sent now, claimed durably; nil when nothing is due. `state` is what it was
  /// before.
  ///
  /// - Parameter trackers: their messages are left for another round.
  func claim(_ scope: DeliveryScope, passingOver trackers: Set<TrackerName>) async throws(CapabilityError)
    -> QueuedMessage?
  /// Records how a claimed message ended. `reason` has no secrets; `next` is the earliest moment of another try.
  func settle(
    _ id: String, as state: QueuedMessage.State, remote: TicketRef?, reason: String?, next: Date?
  )
    async throws(CapabilityError)
  /// The ticket that an earlier message made at `tracker` for `incident`, or nil.
  func ticket(of incident: IncidentID, at tracker: TrackerName) async throws(CapabilityError) -> TicketRef?
}
