package import Capabilities
import Chronicle
import Cryptography
package import Foundation
package import Incidents
package import JSON
package import Journal
import Secrets
package import StaunchConfiguration

/// One effect that a person asks for by hand, outside of a playbook: the same rules hold.
///
/// What would happen is written down, its digest is what the person has confirmed, the confirmation is signed by the local
/// identity, the target is locked against runs and other hands, and intent and outcome go to the journal, which is compared with
/// its tickets first. What a killed one left is settled by a probe when the same is asked for again.
package struct DirectRun {
  /// Ids begin so: `resume` knows no plan for them, the command itself goes on.
  private static let prefix = RunID.byHandPrefix

  /// By whose hand.
  package struct Hand {
    package let identity: LocalIdentity
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
      identity: LocalIdentity, policy: Configuration.Policy?, now: Date, toolVersion: String,
      voice: any Voice, journal: @escaping () throws -> Journal,
      compareTickets: @escaping (Journal) async throws -> Void
    ) {
      self.identity = identity
      self.policy = policy
      self.now = now
      self.toolVersion = toolVersion
      self.voice = voice
      self.journal = journal
      self.compareTickets = compareTickets
    }
  }

  package let journal: Journal
  package let run: RunID
  /// `noun.verb`, as in a playbook.
  package let action: String
  private let plan: ApprovedPlan
  private let voice: any Voice
  private let tenure: Tenure

  /// Signs, takes the lock, settles what an earlier one left, and journals the start.
  ///
  /// - Parameters:
  ///   - lock: of the target; a plan's run on it takes the same.
  ///   - document: what would happen; its digest is approved.
  ///   - settle: how the effect of the run with this marker ended. Reads only.
  /// - Throws: when the hand's word is not enough, the target is locked, or the journal lacks what its tickets were told of.
  package static func begin(
    _ action: String, target: String, lock: String, document: JSONValue, by hand: Hand,
    settle: (_ marker: String) async throws -> Settlement
  ) async throws -> DirectRun {
    let digest = PlanDigest(Hex.text(SHA256.hash(data: Data(document.canonicalBytes))))
    let (approval, plan) = try approve(digest, action: action, by: hand)
    let identity = hand.identity
    let journal = try hand.journal()
    try await hand.compareTickets(journal)
    try await settleEarlier(action, lock: lock, journal, hand.voice, settle)
    let run = RunID(prefix + RandomName.of(8))
    let tenure = Tenure(run: run, owner: .current)
    let start = [
      NewEvent(
        .planApproved, run: run,
        [
          "digest": .string(digest.rawValue), "role": .string(approval.role.rawValue),
          "identity": .string(identity.fingerprint),
          "signature": .string(approval.signature.base64EncodedString()),
        ]),
      NewEvent(
        .runStarted, run: run,
        [
          "mode": "live", "plan": "direct", "digest": .string(digest.rawValue), "playbook": .string(action),
          "tool_version": .string(hand.toolVersion), "drill": false,
        ]),
      NewEvent(
        .stepIntent, run: run,
        [
          "step": .string(action), "attempt": 1, "action": .string(action), "phase": "perform",
          "marker": .string("staunch-\(run)"), "snapshot": ["target": .string(target)],
        ]),
    ]
    _ = try journal.takeLocks([lock], for: tenure, incident: nil, with: start)
    return DirectRun(
      journal: journal, run: run, action: action, plan: plan, voice: hand.voice, tenure: tenure)
  }

  /// Finds out how a command that was killed (or got no answer) ended, says so, and gives its lock back.
  ///
  /// A plan's run, and a process that still works, keep their lock: the refusal comes when it is taken.
  private static func settleEarlier(
    _ action: String, lock: String, _ journal: Journal, _ voice: any Voice,
    _ settle: (String) async throws -> Settlement
  ) async throws {
    guard let held = try journal.locks().first(where: { $0.name == lock }), held.state != .running,
      held.run.rawValue.hasPrefix(prefix)
    else { return }
    let events = try journal.events(run: held.run, kinds: [.stepIntent])
    guard case .stepIntent(let intent)? = events.last?.typed, let earlier = intent.action else { return }
    guard earlier == action else {
      throw Refusal(
        .unavailable, "\(action) was not begun",
        because: "\(held.run) (\(earlier)) was left half-way on the same target",
        fix: "repeat that command first: it finds out how it ended")
    }
    let tenure = Tenure(run: held.run, owner: .current)
    _ = try journal.takeLocks([lock], for: tenure, incident: nil)
    func refuse(_ reason: String) throws -> Never {
      _ = try journal.leave(tenure, incident: nil, releasing: false, with: [])
      throw Refusal(
        .unavailable, "\(action) was not begun",
        because: "whether \(held.run) took effect cannot be told: \(reason)",
        fix: "look at the target, then the same command again")
    }
    let word: String
    let evidence: String
    switch try await settle(intent.marker ?? "staunch-\(held.run)") {
    case .done(_, let found): (word, evidence) = ("done", found)
    case .notDone(let found): (word, evidence) = ("not_done", found)
    case .notDoneYet(let found, let lateness):
      try refuse("\(found), and it may still be carried out for \(lateness)")
    case .unknown(let reason): try refuse(reason)
    }
    var ends = [
      NewEvent(
        .stepSettled, run: held.run,
        [
          "step": .string(action), "attempt": 1, "settlement": .string(word), "evidence": .string(evidence),
        ])
    ]
    ends.append(
      NewEvent(
        .runEnded, run: held.run,
        word == "done"
          ? ["state": "done"] : ["state": "failed", "reason": .string("it was interrupted: \(evidence)")]))
    _ = try journal.leave(tenure, incident: nil, releasing: true, with: ends)
    voice.say("\(held.run) was interrupted; it is settled as \(word): \(harmless(evidence))")
  }

  /// The operator's own yes, where `policy: approvals` is content with it: by hand is no way around the others.
  ///
  /// - Throws: exit 77 when it takes another role, or more people.
  private static func approve(_ digest: PlanDigest, action: String, by hand: Hand) throws
    -> (Approval, ApprovedPlan)
  {
    let identity = hand.identity
    let policy = hand.policy
    let rule = policy?.planRule(for: identity) ?? ApprovalRule()
    let own: [RoleName] = ["responder", "repository-admin"]
    let role = own.first { rule.roles.isEmpty || rule.roles.contains($0) } ?? own[0]
    let approval = try identity.approve(digest, role: role, at: hand.now)
    let trusted = [
      try ApproverIdentity(rawKey: identity.publicKey, roles: Set(own), person: policy?.localPerson ?? "")
    ]
    do throws(ApprovalError) {
      let plan = try ApprovedPlan(
        digest: digest, mode: .live, approvals: [approval], rule: rule,
        trusted: trusted)
      return (approval, plan)
    } catch {
      throw Refusal(
        .declined, "\(action) was not begun", because: "policy: approvals asks for more: \(error.because)",
        fix:
          "plan it, so that others can approve it too: staunch plan with the incident, then the command that it prints"
      )
    }
  }

  /// The name under which the effect is found again.
  package var marker: String { "staunch-\(run)" }

  /// Carries the effect out and journals how it ended.
  ///
  /// - Parameter outputs: what the journal keeps of the outcome.
  /// - Throws: what the effect threw, once it is in the journal.
  package func perform<Outcome>(
    _ effect: (borrowing ExecutionAuthority) async throws -> Outcome, outputs: (Outcome) -> JSONValue
  ) async throws -> Outcome {
    let authority = plan.authority()
    try authority.require(action)
    do {
      let outcome = try await effect(authority)
      try done(outputs(outcome))
      return outcome
    } catch let error as JournalError {
      // The outcome is not in the journal: the lock stays, and the next command finds out.
      throw error
    } catch {
      voice.endTransient()
      let known = error as? CapabilityError
      let failure = voice.words(for: error)
      try failed(
        known?.class ?? .invalid, operation: failure.what, because: failure.because, fix: failure.fix)
      throw error
    }
  }

  /// Journals the end, and gives the lock back.
  private func done(_ outputs: JSONValue) throws {
    _ = try journal.leave(
      tenure, incident: nil, releasing: true,
      with: [
        NewEvent(
          .stepOutcome, run: run,
          [
            "step": .string(action), "attempt": 1, "action": .string(action), "phase": "perform",
            "outputs": outputs,
          ]),
        NewEvent(.runEnded, run: run, ["state": "done"]),
      ])
  }

  /// Journals the failure. What may have happened keeps its lock until the same command has found out.
  private func failed(
    _ kind: CapabilityError.Class, operation: String, because: String, fix: String?
  ) throws {
    let isOpen = [.unknownOutcome, .timeout, .cancelled].contains(kind)
    var events = [
      NewEvent(
        .stepFailed, run: run,
        [
          "step": .string(action), "attempt": 1, "final": true, "open": .boolean(isOpen),
          "error": [
            "class": .string(kind.rawValue), "operation": .string(operation), "message": .string(because),
            "fix": fix.map { .string($0) } ?? .null,
          ],
        ])
    ]
    if !isOpen {
      events.append(NewEvent(.runEnded, run: run, ["state": "failed", "reason": .string(because)]))
    }
    _ = try journal.leave(tenure, incident: nil, releasing: !isOpen, with: events)
  }
}
