import Capabilities
import Chronicle
import Execution
import Incidents
import Journal

/// What an incident's plans say about its next one: whether the last of a playbook still stands, and on which credential a run
/// has worked.
struct EarlierPlans {
  private struct Earlier {
    let plan: PlanID
    /// Nil: saved before playbooks were named; it may be of any.
    let playbook: PlaybookID?
    /// Where its run stands; nil: none was started.
    let run: IncidentStatus.Run.State?
    /// Somebody said no to it, or its run found another world than it was made for.
    let isOver: Bool
  }

  private let journal: Journal
  private let earlier: [Earlier]

  init(of incident: IncidentID, in journal: Journal) throws {
    self.journal = journal
    var saved: [PlanSaved] = []
    var runs: [RunID: IncidentStatus.Run.State] = [:]
    var declined: Set<String> = []
    var drifted: Set<RunID> = []
    for event in try journal.record(of: incident).events {
      switch event.typed {
      case .planSaved(let plan): saved.append(plan)
      case .planDeclined(let no) where no.step == nil: if let digest = no.digest { declined.insert(digest) }
      // What was foreseen stops its own step alone.
      case .driftFound(let found) where !found.isForeseen: if let run = event.run { drifted.insert(run) }
      case .runStarted, .runResumed: if let run = event.run { runs[run] = .running }
      case .runEnded(let end): if let run = event.run { runs[run] = end.state ?? .failed }
      default: break  // says nothing about plans
      }
    }
    earlier = saved.compactMap { plan in
      guard let id = plan.plan else { return nil }
      let isDeclined = plan.digest.map { declined.contains($0) } ?? false
      let isDrifted = plan.run.map { drifted.contains($0) } ?? false
      return Earlier(
        plan: id, playbook: plan.playbook, run: plan.run.flatMap { runs[$0] },
        isOver: isDeclined || isDrifted)
    }
  }

  /// The last plan of `playbook`, while nobody has said no to it and its run is not over; and whether that run has begun. What
  /// another playbook does for the incident (a look, clean-history) says nothing of this one.
  func standing(of playbook: PlaybookID) throws -> (plan: Plan, isUnderWay: Bool)? {
    guard let last = earlier.last(where: { ($0.playbook ?? playbook) == playbook }), !last.isOver else {
      return nil
    }
    let isUnderWay: Bool
    switch last.run {
    case nil: isUnderWay = false
    case .running, .waiting: isUnderWay = true
    case .done, .failed, .aborted: return nil
    }
    guard let plan = try read(last.plan), plan.playbook == playbook else { return nil }
    return (plan, isUnderWay)
  }

  /// The credential of the last run that was begun and not taken back: whose the leak is was found out then, or a person said
  /// so. Once it is dead, no provider can tell any more.
  func credential() throws -> CredentialName? {
    for one in earlier.reversed() where one.run != nil && one.run != .aborted {
      if case .credential(let name)? = try read(one.plan)?.inputs["credential"] { return name }
    }
    return nil
  }

  /// Nil: it was pruned, or is damaged, and says nothing; then it is planned as for the first time.
  private func read(_ id: PlanID) throws -> Plan? {
    do { return try Plan(json: journal.plan(id.rawValue).document) } catch let error as JournalError {
      guard error.code == .notFound || error.code == .corrupt else { throw error }
      return nil
    } catch let error as ExecutionError where error.code == .plan {
      return nil
    }
  }
}
