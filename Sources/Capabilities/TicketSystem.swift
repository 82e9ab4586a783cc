public import Foundation
public import Incidents

/// What a ticket or message says: built by us, already without secrets, names and permalinks.
public struct TicketMessage: Sendable, Hashable, Codable {
  public enum Event: String, Sendable, Codable {
    /// Somebody reported it; nobody has acted yet. Opens the ticket where there is none.
    case detected = "incident.detected"
    case opened = "incident.opened"
    case contained = "incident.contained"
    case updated = "incident.updated"
    case closed = "incident.closed"
  }
  /// Constant over retries: idempotency key, `webhook-id`, marker in the body.
  public let id: String
  public let incident: IncidentID
  public let event: Event
  /// From 1, per incident and tracker.
  public let sequence: Int
  public let title: String
  /// Markdown.
  public let body: String
  public let severity: Severity
  public let isDrill: Bool
  public let at: Date
  /// The id of the ticket that a playbook names; nil: the one opened for this incident.
  public let ticket: String?
  /// The journal's head when the message was queued; the queue sets it. Nil: queued by an earlier version.
  public let head: JournalHead?

  public init(
    id: String, incident: IncidentID, event: Event, sequence: Int, title: String, body: String,
    severity: Severity,
    isDrill: Bool, at: Date, ticket: String? = nil, head: JournalHead? = nil
  ) {
    self.id = id
    self.incident = incident
    self.event = event
    self.sequence = sequence
    self.title = title
    self.body = body
    self.severity = severity
    self.isDrill = isDrill
    self.at = at
    self.ticket = ticket
    self.head = head
  }

  /// The message with its place in the queue.
  public func queued(as sequence: Int, head: JournalHead) -> TicketMessage {
    TicketMessage(
      id: id, incident: incident, event: event, sequence: sequence, title: title, body: body,
      severity: severity, isDrill: isDrill, at: at, ticket: ticket, head: head)
  }
}

/// A ticket that exists outside.
public struct TicketRef: Sendable, Hashable, Codable {
  /// The system's id.
  public let id: String
  /// Where a person sees it; not a credential.
  public let url: String?
  public init(id: String, url: String?) {
    self.id = id
    self.url = url
  }
}

/// Opens and updates tickets, or sends notifications, in one system. One file per system.
public protocol TicketSystem: Adapter {
  /// True when everyone can read it: neutral titles only, until contained.
  var isPublic: Bool { get }
  /// The ticket in which exactly this message stands, by the message's own marker: how a lost reply is settled. That the
  /// incident has a ticket says nothing about the message. Read only.
  /// Nil: it did not arrive, or not whole (a close that only left its comment). With `canLookUp == false`: cannot tell.
  func find(_ message: TicketMessage) async throws(CapabilityError) -> TicketRef?
  var canLookUp: Bool { get }
  /// Delivering the same message id again makes nothing new (`webhook-id`, `dedup_key`, a client-supplied id).
  var isIdempotent: Bool { get }
  /// False where it is kept beside the journal: who puts back an older copy of both sees no difference in it.
  var isElsewhere: Bool { get }
  /// Sends. `ticket` is the one opened before, or nil for `opened` and the first message.
  /// - Returns: the ticket, where the system has one.
  func deliver(_ message: TicketMessage, to ticket: TicketRef?, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> TicketRef?
  /// The journal heads that stand in `ticket`, or (nil) in the newest messages of all tickets of ours, whoever signed them.
  /// Read only. Nil: what was sent to this system cannot be read back.
  func heads(in ticket: TicketRef?) async throws(CapabilityError) -> [PostedHead]?
}

extension TicketSystem {
  public func heads(in ticket: TicketRef?) async throws(CapabilityError) -> [PostedHead]? { nil }

  public var isElsewhere: Bool { true }

  /// Careful: a lost reply is then settled by `find`, or by a person.
  public var isIdempotent: Bool { false }
}
