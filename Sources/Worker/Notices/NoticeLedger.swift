import Chronicle
import Foundation
import Incidents
import JSON
import Response

/// What the journal says of incidents and of what people were told about them. Each look reads only what is new.
///
/// Only what was delivered is told: whoever hands in a report on the command line reads the answer there.
final class NoticeLedger {
  /// One incident, with those merged into it.
  struct Standing {
    var members: [IncidentID] = []
    /// The event that opened it.
    var opened = Int.max
    /// What it came with; nil: nothing was delivered.
    var batch: Batch?
    var severity = Severity.sev1
    var isClosed = false
    /// It has a plan, or had one.
    var isPlanned = false
    /// When the last message about it was queued.
    var told: Date?
    /// It had a message of its own before its first plan.
    var isToldAlone = false
    /// The first and the last event that brought places of which nobody was told.
    var further: (first: Int, last: Int)?
  }

  /// New incidents that are told together: of one delivery, and traps apart, which are told even in a storm.
  struct Batch: Hashable {
    let delivery: String
    var isTrap: Bool
  }

  private(set) var standings: [IncidentID: Standing] = [:]
  /// Open incidents of which nobody was told.
  private(set) var fresh: Set<IncidentID> = []
  /// Open incidents with places of which nobody was told.
  private(set) var grown: Set<IncidentID> = []
  /// Open incidents that were told before they had a plan, and have one now.
  private(set) var plannedLater: Set<IncidentID> = []

  private let chronicle: FollowedChronicle
  private var batches: [Batch: Set<IncidentID>] = [:]
  /// Incidents by the summary that tells them.
  private var summaries: [String: [IncidentID]] = [:]

  static let record = "batch"

  /// - Parameter chronicle: not looked at yet, so that the ledger hears of everything.
  init(_ chronicle: FollowedChronicle) {
    self.chronicle = chronicle
    chronicle.listen { [weak self] event, change in self?.add(event, change) }
  }

  /// Takes in what was appended since the last look.
  func refresh() throws { try chronicle.refresh() }

  /// How many incidents a batch has, told or not.
  func count(of batch: Batch) -> Int { batches[batch]?.count ?? 0 }

  /// What a storm does not hold back: it is at its worst, it works, and everybody can read it.
  func isUrgent(_ id: IncidentID) -> Bool {
    guard let known = chronicle.last.incidents[id]?.identity else { return false }
    return known.severity == .sev1 && known.validity == .active && known.isPubliclyLeaked == true
  }

  /// Whether a summary has its record in the journal.
  func isRecorded(_ summary: String) -> Bool { summaries[summary] != nil }

  /// Nobody is told of the incident: until the next start it is not looked at again.
  func leave(_ id: IncidentID) {
    fresh.remove(id)
    grown.remove(id)
    plannedLater.remove(id)
    standings[id]?.further = nil
  }

  private func add(_ event: JournalEvent, _ change: Chronicle.Change) {
    if case .decision(let decision) = event.typed, decision.what == Self.record,
      let message = decision.message
    {
      summaries[message] = decision.incidents
    }
    guard let id = change.incident else { return }
    switch event.typed {
    case .incidentOpened(let report): open(report, event, id)
    case .incidentUpdated(let report): update(report, event, change, id)
    case .incidentState(let state):
      let isClosed = state.state == .closed
      standings[id]?.isClosed = isClosed
      if isClosed { leave(id) }
    case .planSaved:
      if standings[id]?.isPlanned == false, standings[id]?.isToldAlone == true { plannedLater.insert(id) }
      standings[id]?.isPlanned = true
    case .message(let message) where message.isNew: tell(message, event, id)
    default: return  // the same kinds about something else
    }
  }

  private func open(_ report: IncidentReport, _ event: JournalEvent, _ id: IncidentID) {
    var entry = standings[id] ?? Standing()
    entry.members.append(id)
    entry.opened = min(entry.opened, event.sequence)
    entry.severity = report.severity ?? .sev1
    if entry.batch == nil, let delivery = report.delivery {
      let batch = Batch(delivery: delivery.canonicalText, isTrap: report.restraint == .canary)
      entry.batch = batch
      batches[batch, default: []].insert(id)
      fresh.insert(id)
    }
    standings[id] = entry
  }

  private func update(
    _ report: IncidentReport, _ event: JournalEvent, _ change: Chronicle.Change, _ id: IncidentID
  ) {
    for gone in change.gone { join(gone, to: id) }
    guard report.key != nil, let entry = standings[id] else { return }
    if report.restraint == .canary, let batch = entry.batch, !batch.isTrap { move(id, to: batch.delivery) }
    guard report.delivery != nil else { return }
    standings[id]?.further = (entry.further?.first ?? event.sequence, event.sequence)
    grown.insert(id)
  }

  private func join(_ gone: IncidentID, to id: IncidentID) {
    leaveBatch(gone)
    leave(gone)
    guard let other = standings.removeValue(forKey: gone), var entry = standings[id] else { return }
    entry.members += other.members
    entry.isPlanned = entry.isPlanned || other.isPlanned
    // What was not delivered has no message of its own to come.
    if entry.batch == nil { entry.told = entry.told ?? other.told }
    standings[id] = entry
  }

  /// The first report did not know yet that it is a trap.
  private func move(_ id: IncidentID, to delivery: String) {
    leaveBatch(id)
    let batch = Batch(delivery: delivery, isTrap: true)
    standings[id]?.batch = batch
    batches[batch, default: []].insert(id)
  }

  private func leaveBatch(_ id: IncidentID) {
    if let batch = standings[id]?.batch { batches[batch]?.remove(id) }
  }

  private func tell(_ queued: MessageMoved, _ event: JournalEvent, _ id: IncidentID) {
    guard let message = queued.id, let notice = NoticeID(message) else { return }
    let known = chronicle.last
    for id in notice == .summary ? (summaries[message] ?? []).map({ known.owner(of: $0) }) : [id] {
      guard let entry = standings[id] else { continue }
      standings[id]?.told = event.at
      standings[id]?.further = nil
      fresh.remove(id)
      grown.remove(id)
      if notice == .detected, !entry.isPlanned { standings[id]?.isToldAlone = true }
      if notice == .planned { plannedLater.remove(id) }
    }
  }
}
