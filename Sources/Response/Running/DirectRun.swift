package import Capabilities
import Chronicle
import Execution
package import Foundation
import Incidents
package import JSON
package import Journal
package import StaunchConfiguration

/// One effect that a person asks for by hand, outside of a playbook: a plan of one step, which goes through the engine.
///
/// What would happen is the plan, its digest is what the person has confirmed, and the confirmation is signed by the local
/// identity. The target is locked against runs and other hands; intent and outcome go to the journal, which is compared with its
/// tickets first. What a killed command left is settled by a probe when the same is asked for again.
package struct DirectRun {
  /// By whose hand.
  package struct Hand {
    /// The operator's own, and whose signatures count: from the state directory.
    package let identity: LocalIdentity
    package let trusted: [ApproverIdentity]
    /// Nil: without a staunch.yaml nobody has asked for more than one person's word.
    package let policy: Configuration.Policy?
    package let now: Date
    package let toolVersion: String
    package let voice: any Voice
    /// Opens the journal, once the word is enough.
    package let journal: () throws -> Journal
    /// Refuses a journal that lacks what its tickets were told of.
    package let compareTickets: (Journal) async throws -> Void

    package init(
      state: StateDirectory, policy: Configuration.Policy?, now: Date, toolVersion: String,
      voice: any Voice, journal: @escaping () throws -> Journal,
      compareTickets: @escaping (Journal) async throws -> Void
    ) throws {
      identity = try state.identity()
      trusted = try TrustStore(state).people(policy)
      self.policy = policy
      self.now = now
      self.toolVersion = toolVersion
      self.voice = voice
      self.journal = journal
      self.compareTickets = compareTickets
    }
  }

  /// The longest that a command may take.
  private static let timeout: Duration = .seconds(30 * 86_400)

  /// `noun.verb`, as in a playbook.
  private let signature: ActionSignature
  private let planned: PlannedEffect
  private let lock: String
  private let hand: Hand

  /// Signs, and has the engine carry the plan out.
  ///
  /// - Parameters:
  ///   - lock: of the target; a plan's run on it takes the same.
  ///   - document: what would happen; the digest that is approved covers it.
  ///   - settle: how the effect with this marker ended. Reads only.
  ///   - outputs: what the journal keeps of the outcome.
  /// - Throws: when the hand's word is not enough, the target is locked, or the journal lacks what its tickets were told of;
  ///   what the effect threw, once it is in the journal.
  package static func carryOut<Outcome: Sendable>(
    _ action: String, target: String, lock: String, document: JSONValue, by hand: Hand,
    settle: @escaping @Sendable (_ marker: String) async throws -> Settlement,
    perform effect:
      @escaping @Sendable (
        _ authority: borrowing ExecutionAuthority, _ marker: String
      ) async throws -> Outcome,
    outputs: @escaping @Sendable (Outcome) -> JSONValue
  ) async throws -> Outcome {
    let asked = DirectRun(
      signature: ActionSignature(
        id: action, effect: .irreversible, summary: "\(action) by hand", inputs: [], outputs: []),
      planned: PlannedEffect(
        will: "\(action) by hand", target: target, preconditions: ["document": document], reversible: false),
      lock: lock, hand: hand)
    let work = HandEffect<Outcome>.Work(
      settle: settle, perform: effect, outputs: outputs, voice: hand.voice)
    let step = asked.plan(RunID(RunID.byHandPrefix + RandomName.of(8)))
    // Before the journal is opened: a word that is not enough leaves no trace.
    let word = try asked.approve(step)
    let journal = try hand.journal()
    try await hand.compareTickets(journal)
    if let outcome = try await asked.goOn(work, in: journal) { return outcome }
    if let outcome = try await asked.run(step, word, work, in: journal) { return outcome }
    throw asked.refusal("was not begun", because: "\(step.plan.run) ended as if another command had done it")
  }

  private func plan(_ run: RunID) -> HandPlan {
    HandPlan(signature, planned, lock: lock, run: run, at: hand.now, timeout: Self.timeout)
  }

  private func refusal(_ what: String, because: String, fix: String? = nil) -> Refusal {
    Refusal(.unavailable, "\(signature.id) \(what)", because: because, fix: fix)
  }

  // MARK: The word

  private struct Word {
    let approval: Approval
    let approved: ApprovedPlan
    let policy: ExecutionPolicy
  }

  /// The operator's own yes, where `policy: approvals` is content with it: by hand is no way around the others.
  ///
  /// - Throws: exit 77 when it takes another role, or more people.
  private func approve(_ step: HandPlan) throws -> Word {
    let identity = hand.identity
    let policy = hand.policy
    let rule = policy?.planRule(for: identity) ?? ApprovalRule()
    let own = TrustStore.ownRoles
    let role = own.first { rule.roles.isEmpty || rule.roles.contains($0) } ?? own[0]
    let approval = try identity.approve(step.plan.digest, role: role, at: hand.now)
    let trusted = hand.trusted
    do throws(ApprovalError) {
      return Word(
        approval: approval,
        approved: try ApprovedPlan(
          digest: step.plan.digest, mode: .live, approvals: [approval], rule: rule, trusted: trusted),
        policy: ExecutionPolicy(trusted: trusted, planRule: rule))
    } catch {
      throw Refusal(
        .declined, "\(signature.id) was not begun",
        because: "policy: approvals asks for more: \(error.because)",
        fix:
          "plan it, so that others can approve it too: staunch plan with the incident, then the command that it prints"
      )
    }
  }

  // MARK: The engine

  /// Goes on with what an earlier command left half-way on the target: it is settled, and where nothing was done and the same was
  /// asked for, it is done now.
  ///
  /// - Returns: nil when nothing was left, or it is over: then what is asked for begins anew.
  /// - Throws: what another command left is for that command; so is a target whose run still works.
  private func goOn<Outcome: Sendable>(_ work: HandEffect<Outcome>.Work, in journal: Journal) async throws
    -> Outcome?
  {
    guard let held = try journal.locks().first(where: { $0.name == lock }), held.state != .running,
      held.run.isByHand
    else { return nil }
    let events = try journal.events(run: held.run, kinds: [.planApproved, .runStarted])
    guard let start = events.last(where: { $0.kind == .runStarted }),
      let earlier = RunStarted(start.body).playbook?.rawValue
    else { return nil }
    guard earlier == signature.id else {
      throw refusal(
        "was not begun", because: "\(held.run) (\(earlier)) was left half-way on the same target",
        fix: "repeat that command first: it finds out how it ended")
    }
    let step = plan(held.run)
    let isSame = events.contains { event in
      event.kind == .planApproved && PlanApproved(event.body).digest == step.plan.digest.rawValue
    }
    return try await run(step, approve(step), work, onlySettling: !isSame, in: journal)
  }

  /// - Returns: nil when it was settled as what an earlier command did, or did not do.
  private func run<Outcome: Sendable>(
    _ step: HandPlan, _ word: Word, _ work: HandEffect<Outcome>.Work, onlySettling: Bool = false,
    in journal: Journal
  ) async throws -> Outcome? {
    let effect = HandEffect<Outcome>(signature, planned, work, onlySettles: onlySettling)
    var environment = EngineEnvironment(
      journal: journal, actions: [signature.id: .effect(effect)], policy: word.policy,
      initiator: hand.identity.fingerprint, toolVersion: hand.toolVersion, shredsWhenDone: false)
    environment.opening = [NewEvent(.planApproved, run: step.plan.run, word.approval.json)]
    let end: RunEnd
    do {
      end = try await Engine(
        playbook: step.playbook, plan: step.plan, approved: word.approved, environment: environment
      ).run()
    } catch let error as ExecutionError {
      hand.voice.endTransient()
      if let underlying = error.underlying { throw underlying }
      throw error
    }
    return try outcome(of: effect, end, step.plan.run)
  }

  private func outcome<Outcome: Sendable>(of effect: HandEffect<Outcome>, _ end: RunEnd, _ run: RunID) throws
    -> Outcome?
  {
    let settlement = effect.settlement
    hand.voice.endTransient()
    switch settlement {
    case .done(_, let evidence)?:
      hand.voice.say("\(run) was interrupted; it is settled as done: \(harmless(evidence))")
    case .notDone(let evidence)?, .notDoneYet(let evidence, _)?:
      hand.voice.say("\(run) was interrupted; it is settled as not_done: \(harmless(evidence))")
    case .unknown(let reason)?:
      // A reply that was lost just now is told as that.
      guard effect.error == nil else { break }
      throw refusal(
        "was not begun", because: "whether \(run) took effect cannot be told: \(reason)",
        fix: "look at the target, then the same command again")
    case nil: break
    }
    if end.state == .done, let outcome = effect.outcome { return outcome }
    if end.state == .done, effect.error != nil, case .done(_, let evidence)? = settlement {
      // The reply of just now was lost, and it took effect all the same.
      if let nothing = () as? Outcome { return nothing }
      throw refusal("lost its reply", because: "it took effect all the same: \(evidence)")
    }
    if end.state == .done || effect.wasHeldBack { return nil }
    if let error = effect.error { throw error }
    throw refusal("did not come to its end", because: end.reason ?? end.state.rawValue)
  }
}
