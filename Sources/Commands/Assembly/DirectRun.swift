import Capabilities
import Crypto
import Foundation
import Incidents
import JSON
import Journal
import Secrets
import StaunchConfiguration

/// One effect that a person asks for on the command line, outside of a playbook: the same rules hold.
///
/// What would happen is written down, its digest is what the person confirms by typing the target's name (or giving
/// `--confirm`), the confirmation is signed by the local identity, and intent and outcome go to the journal.
struct DirectRun {
  let assembly: Assembly
  let journal: Journal
  let run: RunID
  /// `noun.verb`, as in a playbook.
  let action: String
  let plan: ApprovedPlan

  /// Asks for the confirmation and journals the start.
  ///
  /// - Parameters:
  ///   - document: what would happen; its digest is approved.
  ///   - name: what must be typed: the target's name.
  ///   - confirmation: the value of `--confirm`.
  /// - Throws: exit 77 when declined, 64 when nobody is there to ask.
  static func begin(
    _ action: String, target: String, name: String, document: JSONValue, confirmation: String?,
    in assembly: Assembly
  ) throws -> DirectRun {
    try confirm(name, action: action, given: confirmation, in: assembly)
    let digest = PlanDigest(Hex.text(SHA256.hash(data: Data(document.canonicalBytes))))
    let (approval, plan) = try approve(digest, action: action, in: assembly)
    let identity = try assembly.state().identity()
    let journal = try assembly.journal()
    let run = RunID("run-" + Assembly.randomName(8))
    try journal.append([
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
          "tool_version": .string(toolVersion), "drill": false,
        ]),
      NewEvent(
        .stepIntent, run: run,
        [
          "step": .string(action), "attempt": 1, "action": .string(action), "phase": "perform",
          "marker": .string("staunch-\(run)"), "snapshot": ["target": .string(target)],
        ]),
    ])
    return DirectRun(assembly: assembly, journal: journal, run: run, action: action, plan: plan)
  }

  /// The operator's own yes, where `policy: approvals` is content with it: by hand is no way around the others.
  ///
  /// - Throws: exit 77 when it takes another role, or more people.
  private static func approve(_ digest: PlanDigest, action: String, in assembly: Assembly) throws
    -> (Approval, ApprovedPlan)
  {
    let identity = try assembly.state().identity()
    // Without a staunch.yaml nobody has asked for more than one person's word.
    let policy = assembly.configurationPath == nil ? nil : try assembly.configuration().policy
    let rule = policy?.planRule(for: identity) ?? ApprovalRule()
    let own: [RoleName] = ["responder", "repository-admin"]
    let role = own.first { rule.roles.isEmpty || rule.roles.contains($0) } ?? own[0]
    let approval = try identity.approve(digest, role: role, at: assembly.now())
    let trusted = [
      try ApproverIdentity(rawKey: identity.publicKey, roles: Set(own), person: policy?.localPerson ?? "")
    ]
    do throws(ApprovalError) {
      let plan = try ApprovedPlan(
        digest: digest, mode: .live, approvals: [approval], rule: rule,
        trusted: trusted)
      return (approval, plan)
    } catch {
      throw CommandFailure(
        .declined, "\(action) was not begun", because: "policy: approvals asks for more: \(error.because)",
        fix: "plan it, so that others can approve it too: staunch plan INCIDENT, then staunch approve DIGEST")
    }
  }

  /// The name under which the effect is found again.
  var marker: String { "staunch-\(run)" }

  /// Carries the effect out and journals how it ended.
  ///
  /// - Parameter outputs: what the journal keeps of the outcome.
  /// - Throws: what the effect threw, once it is in the journal.
  func perform<Outcome>(
    _ effect: (borrowing ExecutionAuthority) async throws -> Outcome, outputs: (Outcome) -> JSONValue
  ) async throws -> Outcome {
    let authority = plan.authority()
    do {
      let outcome = try await effect(authority)
      try done(outputs(outcome))
      return outcome
    } catch let error as CapabilityError {
      assembly.console.endTransient()
      try failed(error)
      throw error
    }
  }

  /// Journals the end.
  private func done(_ outputs: JSONValue) throws {
    try journal.append([
      NewEvent(
        .stepOutcome, run: run,
        [
          "step": .string(action), "attempt": 1, "action": .string(action), "phase": "perform",
          "outputs": outputs,
        ]),
      NewEvent(.runEnded, run: run, ["state": "done"]),
    ])
  }

  /// Journals the failure.
  private func failed(_ error: CapabilityError) throws {
    try journal.append([
      NewEvent(
        .stepFailed, run: run,
        [
          "step": .string(action), "attempt": 1,
          "error": [
            "class": .string(error.class.rawValue), "operation": .string(error.operation),
            "message": .string(error.because), "fix": error.fix.map { .string($0) } ?? .null,
          ],
        ]),
      NewEvent(.runEnded, run: run, ["state": "failed", "reason": .string(error.because)]),
    ])
  }

  /// Asks for `name`, unless `given` says it already.
  /// - Throws: exit 77 when declined, 64 when nobody is there to ask.
  static func confirm(_ name: String, action: String, given: String?, in assembly: Assembly) throws {
    if let given {
      guard given == name else {
        throw CommandFailure(
          .declined, "not confirmed",
          because: "--confirm says \"\(harmless(given))\", the target is \"\(harmless(name))\"",
          fix: "check which target you mean, then: --confirm=\(harmless(name))")
      }
      return
    }
    guard assembly.console.style.isInteractive else {
      throw CommandFailure(
        .usage, "\(action) needs a confirmation", because: "nobody is there to ask",
        fix: "add --confirm=\(harmless(name))")
    }
    let answer = assembly.console.ask(
      "This cannot be taken back by a yes-key. Type \"\(harmless(name))\" to go on:")
    guard answer == name else {
      throw CommandFailure(.declined, "not confirmed", because: "the name was not typed; nothing was changed")
    }
  }
}
