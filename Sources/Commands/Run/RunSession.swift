import Capabilities
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Playbooks

/// Approves a plan and executes it in front of a person (or of a script), then says how it ended.
struct RunSession {
  let installation: Installation
  let isJSON: Bool
  /// Gates are approved with the plan: `--approve DIGEST`, and drills.
  var approvesGates = false
  var role: RoleName = "responder"
  /// A drill's: the engine dies (once) when this step's first effect is done.
  var crashStep: String?

  private var console: Console { installation.assembly.console }

  /// Takes the approval, then runs.
  ///
  /// - Parameters:
  ///   - approval: the digest of `--approve`; nil asks on the terminal, unless the journal holds approvals already.
  ///   - confirmations: `--confirm`, once for each name that a person would type.
  /// - Returns: the exit code.
  func approveAndRun(
    _ plan: Plan, mode: RunMode, approval: String?, confirmations: [String] = [], takeOver: String? = nil
  ) async throws -> ExitStatus {
    let approver = Approver(journal: installation.journal, policy: installation.policy)
    try approver.checkNotDeclined(plan)
    try check(confirmations, of: plan)
    // Not approved yet is the usual case; a policy's bounded word does not stand for the person's.
    if let approved = try? approver.approved(plan, mode: mode), approved.actions == nil {
      return try await run(plan, approved, takeOver: takeOver)
    }
    try confirm(plan, approval: approval, confirmations: confirmations)
    let word = try installation.identity.approve(plan.digest, role: role, at: installation.assembly.now())
    try approver.record(word, for: plan)
    return try await run(plan, try approver.approved(plan, mode: mode), takeOver: takeOver)
  }

  /// Goes on with a run that was approved earlier.
  func resume(_ plan: Plan, mode: RunMode, takeOver: String? = nil) async throws -> ExitStatus {
    let approver = Approver(journal: installation.journal, policy: installation.policy)
    return try await run(plan, try approver.approved(plan, mode: mode), takeOver: takeOver)
  }

  /// Undoes what can be undone.
  func abort(_ plan: Plan, mode: RunMode, because reason: String, takeOver: String? = nil) async throws
    -> ExitStatus
  {
    let approver = Approver(journal: installation.journal, policy: installation.policy)
    let engine = try engine(plan, try approver.approved(plan, mode: mode))
    let interruption = Interruption { engine.requestStop() }
    defer { interruption.end() }
    let end = try await engine.abort(because: reason, takingOver: takeOver)
    console.endTransient()
    for remaining in end.remaining { console.data("stays: \(harmless(remaining))") }
    return finish(plan, end, wasInterrupted: interruption.happened)
  }

  private func run(_ plan: Plan, _ approved: ApprovedPlan, takeOver: String?) async throws -> ExitStatus {
    let engine = try engine(plan, approved)
    let interruption = Interruption { engine.requestStop() }
    defer { interruption.end() }
    let end = try await engine.run(takingOverBecause: takeOver)
    console.endTransient()
    try recordContainment(plan)
    return finish(plan, end, wasInterrupted: interruption.happened)
  }

  private func engine(_ plan: Plan, _ approved: ApprovedPlan) throws -> Engine {
    let playbook = try installation.library.load(plan.playbook, catalogue: ActionSignature.builtin)
    try installation.permit(playbook)
    let lines = RunLines(console: console, isJSON: isJSON)
    let environment = EngineEnvironment(
      journal: installation.journal, actions: installation.actions, policy: installation.policy,
      attributes: try installation.facts(),
      attendant: TerminalAttendant(
        console: console, identity: installation.identity, approvesGates: approvesGates,
        now: { installation.assembly.now() }),
      progress: installation.progress, initiator: installation.identity.fingerprint, toolVersion: toolVersion,
      crashPoint: crashHook(), observer: { lines.show($0) })
    return try Engine(playbook: playbook, plan: plan, approved: approved, environment: environment)
  }

  private func crashHook() -> CrashPointHook {
    guard let crashStep else { return installation.assembly.crashPoint() }
    return { point in
      if case .afterCall(let step, _, _) = point, step.rawValue == crashStep { throw DrilledCrash() }
    }
  }

  // MARK: Approval

  /// A name that does not match means another target: it is refused, whatever else approves the plan.
  private func check(_ confirmations: [String], of plan: Plan) throws {
    let names = TypedNames(plan).all
    guard let wrong = confirmations.first(where: { !names.contains($0) }) else { return }
    throw CommandFailure(
      .declined, "the plan was not approved",
      because: "--confirm says \"\(harmless(wrong))\", the plan changes \(list(names))",
      fix: "check which target you mean: staunch run \(plan.id) shows the plan")
  }

  private func confirm(_ plan: Plan, approval: String?, confirmations: [String]) throws {
    if let approval {
      guard approval.count >= 12, plan.digest.rawValue.hasPrefix(approval) else {
        throw CommandFailure(
          .declined, "the plan was not approved",
          because: "--approve names another digest; this plan's is \(plan.digest)",
          fix: "read the plan: staunch run \(plan.id); then: staunch run \(plan.id) --live")
      }
      return
    }
    let open = TypedNames(plan).all.filter { !confirmations.contains($0) }
    guard !open.isEmpty else { return }
    guard console.style.isInteractive else {
      let options = open.map { "--confirm '\(harmless($0))'" }.joined(separator: " ")
      throw CommandFailure(
        .usage, "the plan needs an approval", because: "nobody is there to ask",
        fix: "read it: staunch run \(plan.id); then: staunch run \(plan.id) --live \(options)")
    }
    if !isJSON { PlanScreen(console: console).show(plan) }
    for name in open {
      let answer = console.ask("To approve this plan, type \"\(harmless(name))\":")
      guard answer == name else {
        throw CommandFailure(
          .declined, "the plan was not approved", because: "the name was not typed; nothing was changed",
          fix: "when you are ready: staunch run \(plan.id) --live")
      }
    }
  }

  private func list(_ names: [String]) -> String {
    names.map { "\"\(harmless($0))\"" }.joined(separator: " and ")
  }

  // MARK: The end

  /// Says once that the incident is contained: every leaked credential was proven dead.
  private func recordContainment(_ plan: Plan) throws {
    guard let incident = plan.incident else { return }
    let events = try installation.journal.events(incident: incident)
    guard let status = IncidentStatus.derive(events: events, now: installation.assembly.now()).first,
      status.leaked?.state == .dead, !events.contains(where: { $0.kind == .incidentState })
    else { return }
    try installation.journal.append(
      .incidentState, run: plan.run, incident: incident,
      ["state": "contained", "reason": "the leaked credential was proven dead"])
  }

  private func finish(_ plan: Plan, _ end: RunEnd, wasInterrupted: Bool) -> ExitStatus {
    let status = exit(plan, end, wasInterrupted: wasInterrupted)
    if isJSON {
      console.data(
        JSONValue.object([
          "event": "run.ended", "schema": 1, "run": .string(plan.run.rawValue),
          "incident": plan.incident.map { .string($0.rawValue) } ?? .null,
          "state": .string(end.state.rawValue),
          "reason": end.reason.map { .string($0) } ?? .null, "drift": .boolean(end.isDrift),
          "waits": .array(
            end.waits.map {
              [
                "for": .string($0.subject.rawValue), "step": $0.step.map { .string($0.rawValue) } ?? .null,
                "item": $0.item.map { .integer($0) } ?? .null, "prompt": .string($0.prompt),
              ]
            }),
          "undelivered": .array(end.undelivered.map { .string($0.rawValue) }),
          "unfinished": .array(end.unfinished.map { .string($0) }),
          "remaining": .array(end.remaining.map { .string($0) }), "exit": .integer(Int(status.rawValue)),
        ]).canonicalText)
      return status
    }
    let tone: Console.Tone = end.state == .done ? .good : end.state == .waiting ? .wait : .bad
    console.data(console.toned(end.state.rawValue.uppercased(), tone) + "  \(plan.run)")
    if let reason = end.reason { console.data("  because: \(harmless(reason))") }
    for step in end.unfinished { console.data("  not done: \(harmless(step))") }
    if let status = try? IncidentStatus.derive(  // the end is said even when the journal cannot be read again
      events: installation.journal.events(incident: plan.incident), now: installation.assembly.now()
    ).first {
      for line in StatusScreen(console: console).summary(status) { console.data("  " + line) }
    } else if end.state == .waiting || end.state == .failed {
      console.data("  next: staunch resume \(plan.run)")
    }
    return status
  }

  private func exit(_ plan: Plan, _ end: RunEnd, wasInterrupted: Bool) -> ExitStatus {
    switch end.state {
    case .waiting: return wasInterrupted ? .interrupted : .waiting
    case .failed: return isLeakedAlive(plan) ? .stillAlive : .failed
    case .aborted: return .done
    case .done:
      if isLeakedAlive(plan) { return .stillAlive }
      // What comes last failed: nothing waits for it, and nobody may think that it was done.
      if !end.unfinished.isEmpty { return .failed }
      return end.undelivered.isEmpty ? .done : .undeliveredMessages
    }
  }

  /// The last probe of the leaked credential was accepted.
  private func isLeakedAlive(_ plan: Plan) -> Bool {
    guard let incident = plan.incident,
      let events = try? installation.journal.events(incident: incident),  // then the run's own state decides
      let status = IncidentStatus.derive(events: events, now: installation.assembly.now()).first
    else { return false }
    return status.leaked?.state == .alive
  }
}
