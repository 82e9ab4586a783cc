package import Capabilities
package import Chronicle
package import Execution
import Foundation
package import Incidents
package import Journal
import Playbooks

/// Carries out one plan: what must hold before it begins, its engine, what is sent afterwards, and what its end means.
package struct RunConduct {
  package let installation: Installation
  /// Who answers while it runs.
  package let attendant: any Attendant
  /// Hears of each event once it is durable.
  package let observer: @Sendable (JournalEvent) -> Void
  /// Of this program, for the journal.
  package let toolVersion: String
  /// History is left for later: other incidents of the report are to be contained first.
  package var holdsHistory = false
  /// Sends, when the run is over, what its steps left in the outbox.
  package var sendsTheRest = true
  /// Where a test kills the process; nil: where the installation says.
  package var crashPoint: CrashPointHook?

  package init(
    installation: Installation, attendant: any Attendant, toolVersion: String,
    observer: @escaping @Sendable (JournalEvent) -> Void
  ) {
    self.installation = installation
    self.attendant = attendant
    self.toolVersion = toolVersion
    self.observer = observer
  }

  private var approver: Approver { Approver(journal: installation.journal, policy: installation.policy) }

  /// The approval that the journal holds; nil: not approved yet, the usual case. A policy's bounded word does not stand for a
  /// person's.
  package func standingApproval(of plan: Plan, mode: RunMode) throws -> ApprovedPlan? {
    do throws(ExecutionError) {
      let approved = try approver.approved(plan, mode: mode)
      return approved.actions == nil ? approved : nil
    } catch {
      guard error.code == .approval else { throw error }
      return nil
    }
  }

  /// Before the first effect: a journal that lost what its tickets were told of takes nothing.
  package func compareTickets(_ plan: Plan) async throws {
    let voice = installation.voice
    try await installation.ticketHeads.check(plan.incident, in: installation.journal) {
      voice.say(harmless($0))
    }
  }

  package func engine(_ plan: Plan, _ approved: ApprovedPlan) throws -> Engine {
    let playbook = try installation.library.load(plan.playbook, catalogue: ActionSignature.builtin)
    try plan.checkNoted(playbook, in: installation.journal)
    try installation.permit(playbook)
    var environment = EngineEnvironment(
      journal: installation.journal, actions: installation.actions, policy: installation.policy,
      attributes: try installation.facts(about: plan.inputs), attendant: attendant,
      progress: installation.progress,
      initiator: installation.identity.fingerprint, toolVersion: toolVersion,
      crashPoint: crashPoint ?? installation.crashPoint(), observer: observer)
    if holdsHistory {
      environment.held = [ActionSignature.historyRewrite.id, ActionSignature.historyPush.id]
    }
    return try Engine(playbook: playbook, plan: plan, approved: approved, environment: environment)
  }

  /// Goes on with a run that was approved earlier, until it waits or is over.
  package func resume(_ plan: Plan, mode: RunMode) async throws -> RunOutcome {
    try await compareTickets(plan)
    let end = try await engine(plan, try approver.approved(plan, mode: mode)).run(takingOverBecause: nil)
    try await sendTheRest(plan, end)
    return try outcome(of: plan, end, wasInterrupted: false)
  }

  /// When the run is over nothing waits for it any more; one that stopped half-way says so first.
  package func sendTheRest(_ plan: Plan, _ end: RunEnd) async throws {
    guard sendsTheRest, let incident = plan.incident else { return }
    let isOver = end.state == .done || end.state == .aborted
    try await OutboxRound(installation: installation, now: installation.now)
      .finish(incident, within: isOver ? nil : .seconds(2))
  }

  /// What the end of a run means for its incident.
  package func outcome(of plan: Plan, _ end: RunEnd, wasInterrupted: Bool) throws -> RunOutcome {
    RunOutcome(
      plan: plan, end: end, standing: try standing(plan),
      undelivered: try plan.incident.map {
        try installation.journal.outbox(incident: $0, undelivered: true)
      } ?? [], wasInterrupted: wasInterrupted)
  }

  /// Where the plan's incident stands; nil for a plan without one.
  private func standing(_ plan: Plan) throws -> IncidentStatus? {
    guard let incident = plan.incident else { return nil }
    let record = try installation.journal.record(of: incident)
    return record.events.isEmpty ? nil : IncidentStatus(of: record, now: installation.now())
  }
}

/// How a run ended, and what that means.
package struct RunOutcome: Sendable {
  /// The worst that is true comes first.
  package enum Verdict: Sendable, Hashable {
    case done, waiting, interrupted, failed
    /// The credential is still accepted, or a leaked value is not proven dead.
    case stillAlive
    /// Everything is done but messages, of which some did not arrive.
    case undelivered
  }

  package let plan: Plan
  package let end: RunEnd
  /// Where its incident stands; nil for a plan without one.
  package let standing: IncidentStatus?
  package let undelivered: [OutboxEntry]
  package let wasInterrupted: Bool

  package init(
    plan: Plan, end: RunEnd, standing: IncidentStatus?, undelivered: [OutboxEntry], wasInterrupted: Bool
  ) {
    self.plan = plan
    self.end = end
    self.standing = standing
    self.undelivered = undelivered
    self.wasInterrupted = wasInterrupted
  }

  package var verdict: Verdict {
    let isAlive = standing?.leaked?.state == .alive
    switch end.state {
    case .waiting: return wasInterrupted ? .interrupted : .waiting
    case .failed: return isAlive ? .stillAlive : .failed
    case .aborted: return .done
    case .done:
      if isAlive || isUnproven { return .stillAlive }
      // What comes last failed: nothing waits for it, and nobody may think that it was done.
      if !end.unfinished.isEmpty { return .failed }
      return undelivered.isEmpty && end.undelivered.isEmpty ? .done : .undelivered
    }
  }

  /// The plan acted on leaked values that a provider was asked about, and one of the incident's is not proven dead: the
  /// playbook asks for no proof, or another value came while it ran.
  private var isUnproven: Bool {
    guard let standing, standing.leaked != nil, !standing.isContained else { return false }
    return plan.inputs.values.contains { !$0.secrets.isEmpty }
  }
}
