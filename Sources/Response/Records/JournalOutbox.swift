package import Capabilities
package import Foundation
package import Incidents
package import Journal

/// The journal's outbox as the port that ticket actions send through.
package struct JournalOutbox: MessageOutbox {
  package let journal: Journal

  package init(journal: Journal) {
    self.journal = journal
  }

  package func enqueue(_ message: TicketMessage, to tracker: TrackerName, run: RunID)
    async throws(CapabilityError)
    -> QueuedMessage
  {
    try adapting { () throws(JournalError) in
      QueuedMessage(try journal.enqueue(message, to: tracker, run: run))
    }
  }

  package func message(_ id: String) async throws(CapabilityError) -> QueuedMessage? {
    try adapting { () throws(JournalError) in
      try journal.outboxEntry(id).map { QueuedMessage($0) }
    }
  }

  package func claim(_ scope: DeliveryScope, passingOver trackers: Set<TrackerName>)
    async throws(CapabilityError)
    -> QueuedMessage?
  {
    try adapting { () throws(JournalError) in
      try journal.claimMessage(scope, passingOver: trackers).map { QueuedMessage($0) }
    }
  }

  package func settle(
    _ id: String, as state: QueuedMessage.State, remote: TicketRef?, reason: String?, next: Date?
  ) async throws(CapabilityError) {
    let state: OutboxEntry.State =
      switch state {
      case .pending: .pending
      case .sent: .sent
      case .unknown: .unknown
      case .dead: .dead
      case .dropped: .dropped
      }
    try adapting { () throws(JournalError) in
      _ = try journal.settle(id, as: state, remote: remote, reason: reason, next: next)
    }
  }

  package func ticket(of incident: IncidentID, at tracker: TrackerName) async throws(CapabilityError)
    -> TicketRef?
  {
    try adapting { () throws(JournalError) in try journal.ticket(of: incident, at: tracker) }
  }

  private func adapting<Result>(_ body: () throws(JournalError) -> Result) throws(CapabilityError) -> Result {
    do { return try body() } catch {
      throw CapabilityError(
        error.code == .notFound ? .notFound : .serverError, error.operation, because: error.because,
        fix: error.fix)
    }
  }
}

extension QueuedMessage {
  fileprivate init(_ entry: OutboxEntry) {
    let state: State =
      switch entry.state {
      case .pending: .pending
      case .inflight, .unknown: .unknown
      case .sent: .sent
      case .dead: .dead
      case .dropped: .dropped
      }
    self.init(
      tracker: entry.tracker, message: entry.message, state: state, attempts: entry.attempts,
      remote: entry.remote)
  }
}
