import Capabilities
import Chronicle
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Response
import StaunchConfiguration

/// Which incidents are due for a plan, and which planned runs the worker carries out. Everything is derived from the
/// journal, so a crash forgets nothing.
struct StartDesk {
  /// An incident without a plan.
  struct Waiting: Sendable {
    let incident: Incident
    /// Where its values are sealed; none while nobody knows one.
    let leaked: [SecretRef]
    let first: Date
    let last: Date
    /// The last event about it: nothing is tried again before there is news.
    let sequence: Int
    /// The event that opened it.
    let opened: Int

    /// What a storm does not hold back: it is at its worst, it works, and everybody can read it.
    var isUrgent: Bool {
      incident.severity == .sev1 && incident.validity == .active
        && incident.exposure.isPubliclyLeaked == true
    }

    /// As the desk of reports hands it on.
    var entry: IncidentDesk.Entry {
      IncidentDesk.Entry(
        id: incident.id, incident: incident, leaked: leaked, isNew: false, state: .known)
    }
  }

  let installation: Installation

  /// The incident, when it is open and has no plan; nil when it has one, is closed, or is part of another.
  static func waiting(_ id: IncidentID, _ known: Chronicle) -> Waiting? {
    guard let entry = known.incidents[id], !entry.isPlanned, !entry.isClosed,
      let incident = Incident(id: id, journalled: entry.bodies)
    else { return nil }
    return Waiting(
      incident: incident, leaked: entry.values.refs, first: entry.first, last: entry.last,
      sequence: entry.sequence, opened: entry.opened)
  }

  /// When the response to it begins.
  func start(of waiting: Waiting) -> StartRule {
    let rule = StartRule.of(waiting.incident, firstFinding: waiting.first, lastFinding: waiting.last)
    let critical = installation.configuration.policy.criticalKinds
    if case .at = rule, critical.contains(waiting.incident.kind.rawValue) { return .now }
    return rule
  }

  /// Lets the policy approve the named actions of `plan`, where the route says so and nothing restrains the incident.
  ///
  /// - Returns: true when there is something to carry out.
  func contain(_ plan: Plan, of incident: Incident, now: Date) throws -> Bool {
    guard let route = Routing(configuration: installation.configuration).route(for: incident),
      route.autonomy == .contain, incident.restraint == nil
    else { return false }
    let identity = try StateDirectory(installation.statePath).policyIdentity()
    let word = try identity.approve(
      plan.digest, role: Installation.policyRole, at: now, actions: route.actions)
    try Approver(journal: installation.journal, policy: installation.policy)
      .record(word, for: plan, via: Worker.via)
    return true
  }
}
