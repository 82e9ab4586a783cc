import Capabilities
import Chronicle
package import Foundation
package import Incidents
import JSON
package import Journal

/// In one report every incident is contained before history is rewritten: a clean history stops nobody who has a secret
/// that still works. This is the rule for what a person begins by hand, one plan or one command at a time.
package struct HistoryOrder {
  /// An incident that comes before the history of others.
  package struct Blocker: Sendable {
    package let incident: IncidentID
    package let why: String
  }

  /// The option with which a person decides otherwise.
  package static let word = "--history-before-containment"

  package let journal: Journal
  package let now: Date

  package init(journal: Journal, now: Date) {
    self.journal = journal
    self.now = now
  }

  /// The incidents that came with `incident` in one report or delivery and are not past their containment, by id. One whose
  /// every value a run of `incident` has proven dead with its own (a playbook for two credentials) is past it, too.
  package func blockers(of incident: IncidentID) throws -> [Blocker] {
    let known = try FollowedChronicle(journal, kinds: Chronicle.incidentKinds).current()
    guard let (id, own) = known[incident] else { return [] }
    let reports = own.origins
    let proven = Set(try journal.record(of: id).containment.proofs.keys)
    return try known.incidents.filter { other, course in
      other != id && !course.isClosed && !course.origins.isDisjoint(with: reports)
    }.filter { _, course in !proven.isSuperset(of: course.values.refs) || course.values.refs.isEmpty }
      .compactMap { other, course in try blocker(other, course) }
      .sorted { $0.incident < $1.incident }
  }

  private func blocker(_ id: IncidentID, _ course: IncidentCourse) throws -> Blocker? {
    // Nobody can stop what nobody knows, or what is no credential of ours.
    guard !course.values.refs.isEmpty,
      Incident(id: id, journalled: course.bodies)?.restraint?.isAbsolute != true
    else { return nil }
    let record = try journal.record(of: id)
    if record.containment.isComplete { return nil }
    let state = IncidentStatus(of: record, now: now).leaked?.state
    if state != .alive, try isPast(record) { return nil }
    return Blocker(
      incident: id,
      why: state == .alive ? "its credential is still accepted" : "it is not proven contained")
  }

  /// A run of one of its plans has done all that comes before history: for playbooks that ask for no proof. A plan of before
  /// its last value says nothing.
  private func isPast(_ record: IncidentRecord) throws -> Bool {
    var runs: [RunID] = []
    for event in record.events {
      switch event.typed {
      case .secretSealed: runs = []
      case .planSaved(let plan): runs += [plan.run].compactMap { $0 }
      default: break  // says nothing about plans
      }
    }
    return try runs.contains { try journal.isPastContainment($0) }
  }

  /// What a person reads when history waits for `blockers`.
  package static func sentence(_ blockers: [Blocker]) -> String {
    let named = blockers.prefix(3).map { "\($0.incident) (\($0.why))" }.joined(separator: ", ")
    let more = blockers.count > 3 ? " and \(blockers.count - 3) more" : ""
    return
      "\(blockers.count == 1 ? "another incident of the same report is" : "\(blockers.count) other incidents of the same report are") "
      + "not contained: \(named)\(more)"
  }

  /// Refuses history by hand for these incidents, unless a person has decided otherwise; that decision stands in the journal.
  package func admit(_ incidents: [IncidentID], decided: Bool) throws {
    for incident in incidents {
      let blockers = try blockers(of: incident)
      guard !blockers.isEmpty else { continue }
      guard decided else {
        throw Refusal(
          .declined, "history was not rewritten", because: Self.sentence(blockers),
          fix: "staunch show \(blockers[0].incident) says what stops it; or go on all the same: \(Self.word)")
      }
      try note(incident, blockers)
    }
  }

  /// A person's word that history goes first.
  package func note(_ incident: IncidentID, _ blockers: [Blocker], reason: String? = nil) throws {
    try journal.append(
      .decision, incident: incident,
      [
        "what": .string(
          "rewrite history before \(blockers.map(\.incident.rawValue).joined(separator: ", ")) is contained"),
        "reason": .string(reason ?? "not stated"), "role": "responder",
      ])
  }
}
