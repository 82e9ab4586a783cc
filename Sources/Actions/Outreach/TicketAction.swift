import Capabilities
import Foundation
import Incidents
import JSON

/// `ticket.open`, `ticket.update`, `ticket.close` and `notify.send`: a message, durable in the outbox before it is sent.
///
/// A tracker that cannot be reached does not fail the step: the message stays in the outbox and counts as undelivered.
/// Nothing waits for a tracker while the secret works: until the incident is contained a step sends its own message and
/// no other, for two seconds at most. The rest goes when the run is over.
struct TicketAction: EffectAction {
  enum Verb: Sendable { case open, update, close, notify }

  let verb: Verb
  let targets: Targets
  let outbox: any MessageOutbox
  let briefs: any IncidentBriefing
  let now: @Sendable () -> Date

  /// While the secret works.
  private static let patience = Duration.seconds(2)
  /// Afterwards, for all messages of the incident together.
  private static let longPatience = Duration.seconds(20)

  init(_ verb: Verb, in environment: ActionEnvironment) {
    self.verb = verb
    targets = environment.targets
    outbox = environment.outbox
    briefs = environment.briefs
    now = environment.now
  }

  var signature: ActionSignature {
    switch verb {
    case .open: .ticketOpen
    case .update: .ticketUpdate
    case .close: .ticketClose
    case .notify: .notifySend
    }
  }

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    let name = try trackerName(call)
    let tracker = try targets.tracker(name)
    let will: String
    switch verb {
    case .open: will = "open a ticket at \(name)"
    case .update: will = "update the incident's ticket at \(name)"
    case .close: will = "close the incident's ticket at \(name)"
    case .notify: will = "send a message to \(name)"
    }
    return PlannedEffect(
      will: will, target: name.rawValue, preconditions: ["is_public": .boolean(tracker.isPublic)],
      reversible: true,
      affected: [Self.audience(of: tracker, name)])
  }

  private static func audience(of tracker: any TicketSystem, _ name: TrackerName) -> String {
    if tracker.isPublic { return "everyone who can read \(name)" }
    return tracker.isElsewhere ? "the people at \(name)" : "nobody else: \(name) is on this machine"
  }

  func patience(for call: ActionCall) async -> Duration? {
    await isContained(call) ? Self.longPatience : Self.patience
  }

  /// Nothing that cannot be told counts as contained.
  private func isContained(_ call: ActionCall) async -> Bool {
    guard let incident = call.incident else { return false }
    do { return try await briefs.brief(of: incident, run: call.run).isContained } catch { return false }
  }

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    let name = try trackerName(call)
    let message = try await message(call, tracker: try targets.tracker(name), mode: authority.mode)
    _ = try await outbox.enqueue(message, to: name, run: call.run)
    let isContained = await isContained(call)
    try await OutboxDelivery(outbox: outbox, targets: targets, now: now).deliverDue(
      isContained ? .incident(message.incident) : .message(message.id), under: authority)
    return result(try await outbox.message(message.id))
  }

  /// The outbox knows: what was sent is done; anything else goes through it again, which looks up what may have arrived.
  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    guard let queued = try await outbox.message(messageID(call)) else {
      return .notDone(evidence: "the message was not queued")
    }
    switch queued.state {
    case .sent: return .done(result(queued), evidence: "the outbox has the message as sent")
    case .dropped: return .done(result(queued), evidence: "a person dropped the message")
    case .pending, .unknown, .dead:
      return .notDone(evidence: "the message is \(queued.state.rawValue); the outbox sends each only once")
    }
  }

  private func result(_ queued: QueuedMessage?) -> ActionResult {
    guard verb == .open else { return ActionResult() }
    return ActionResult(outputs: [
      "id": .optional(queued?.remote?.id), "url": queued?.remote?.url.map { .url($0) } ?? .null,
    ])
  }

  private func trackerName(_ call: ActionCall) throws(CapabilityError) -> TrackerName {
    try call.tracker(verb == .notify ? "to" : "tracker")
  }

  /// The same for every attempt of this step and item.
  private func messageID(_ call: ActionCall) -> String {
    "staunch-\(call.run)-\(call.step)" + (call.item.map { "-\($0)" } ?? "")
  }

  private func message(_ call: ActionCall, tracker: any TicketSystem, mode: RunMode)
    async throws(CapabilityError) -> TicketMessage
  {
    guard let incident = call.incident else {
      throw CapabilityError(
        .invalid, "step \(call.step)", because: "this run belongs to no incident, so it has no ticket")
    }
    let brief = try await briefs.brief(of: incident, run: call.run)
    let text = MessageText(brief: brief, isPublic: tracker.isPublic, isDrill: mode == .drill)
    return TicketMessage(
      id: messageID(call), incident: incident, event: event(call, brief), sequence: 1,
      title: text.title(call.optionalText("title")), body: text.body(call.optionalText("body")),
      severity: brief.severity, isDrill: mode == .drill, at: now(), ticket: call.optionalText("ticket"))
  }

  /// "Contained" is said of an incident that is, whatever the playbook asks for: an unproven one is only updated.
  private func event(_ call: ActionCall, _ brief: IncidentBrief) -> TicketMessage.Event {
    switch verb {
    case .open: .opened
    case .update: call.optionalText("event") == "contained" && brief.isContained ? .contained : .updated
    case .close: .closed
    case .notify: .updated
    }
  }
}
