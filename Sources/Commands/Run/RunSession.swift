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
  /// History is left for later: other incidents of the report are to be contained first.
  var holdsHistory = false
  /// Writes down what a person decided with the run, once it is approved and before it begins.
  var onBegin: () throws -> Void = {}
  /// Sends, when the run is over, what its steps left in the outbox.
  var sendsTheRest = true
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
    try await compareTickets(plan)
    // A policy's bounded word does not stand for the person's.
    if let approved = try standing(plan, mode: mode, by: approver), approved.actions == nil {
      return try await run(plan, approved, takeOver: takeOver)
    }
    try confirm(plan, approval: approval, confirmations: confirmations)
    let word = try installation.identity.approve(plan.digest, role: role, at: installation.assembly.now())
    try approver.record(word, for: plan)
    return try await run(plan, try approver.approved(plan, mode: mode), takeOver: takeOver)
  }

  /// The approval that the journal holds; nil: not approved yet, the usual case.
  private func standing(_ plan: Plan, mode: RunMode, by approver: Approver) throws -> ApprovedPlan? {
    do throws(ExecutionError) { return try approver.approved(plan, mode: mode) } catch {
      guard error.code == .approval else { throw error }
      return nil
    }
  }

  /// Goes on with a run that was approved earlier.
  func resume(_ plan: Plan, mode: RunMode, takeOver: String? = nil) async throws -> ExitStatus {
    let approver = Approver(journal: installation.journal, policy: installation.policy)
    try await compareTickets(plan)
    return try await run(plan, try approver.approved(plan, mode: mode), takeOver: takeOver)
  }

  /// Undoes what can be undone.
  func abort(_ plan: Plan, mode: RunMode, because reason: String, takeOver: String? = nil) async throws
    -> ExitStatus
  {
    let approver = Approver(journal: installation.journal, policy: installation.policy)
    try await compareTickets(plan)
    let engine = try engine(plan, try approver.approved(plan, mode: mode))
    let interruption = Interruption { engine.requestStop() }
    defer { interruption.end() }
    let end = try await engine.abort(because: reason, takingOver: takeOver)
    console.endTransient()
    for remaining in end.remaining { console.data("stays: \(harmless(remaining))") }
    try await sendTheRest(plan, end)
    return try finish(plan, end, wasInterrupted: interruption.happened)
  }

  /// Before the first effect: a journal that lost what its tickets were told of takes nothing.
  private func compareTickets(_ plan: Plan) async throws {
    try await installation.ticketHeads.check(plan.incident, in: installation.journal) {
      console.say(harmless($0))
    }
  }

  private func run(_ plan: Plan, _ approved: ApprovedPlan, takeOver: String?) async throws -> ExitStatus {
    let engine = try engine(plan, approved)
    try onBegin()
    let interruption = Interruption { engine.requestStop() }
    defer { interruption.end() }
    let end = try await engine.run(takingOverBecause: takeOver)
    console.endTransient()
    if !isJSON { for remaining in end.remaining { console.data("stays: \(harmless(remaining))") } }
    try await sendTheRest(plan, end)
    return try finish(plan, end, wasInterrupted: interruption.happened)
  }

  private func engine(_ plan: Plan, _ approved: ApprovedPlan) throws -> Engine {
    let playbook = try installation.library.load(plan.playbook, catalogue: ActionSignature.builtin)
    try installation.permit(playbook)
    let lines = RunLines(console: console, isJSON: isJSON)
    var environment = EngineEnvironment(
      journal: installation.journal, actions: installation.actions, policy: installation.policy,
      attributes: try installation.facts(),
      attendant: TerminalAttendant(
        console: console, identity: installation.identity, approvesGates: approvesGates,
        now: { [assembly = installation.assembly] in assembly.now() },
        admit: { [journal = installation.journal] in
          try journal.admit([("the answer", $0)], about: plan.incident)
        }),
      progress: installation.progress, initiator: installation.identity.fingerprint, toolVersion: toolVersion,
      crashPoint: crashHook(), observer: { lines.show($0) })
    if holdsHistory {
      environment.held = [ActionSignature.historyRewrite.id, ActionSignature.historyPush.id]
    }
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

  private func finish(_ plan: Plan, _ end: RunEnd, wasInterrupted: Bool) throws -> ExitStatus {
    let standing: IncidentStatus?
    let undelivered: [OutboxEntry]
    do {
      standing = try self.standing(plan)
      undelivered =
        try plan.incident.map { try installation.journal.outbox(incident: $0, undelivered: true) } ?? []
    } catch {
      // The run's end is said all the same; that nobody can tell whether the credential works is no "not alive".
      say(plan, end, nil, [], CommandFailure(after: error).status)
      throw error
    }
    let status = exit(plan, end, standing, undelivered, wasInterrupted: wasInterrupted)
    say(plan, end, standing, undelivered, status)
    return status
  }

  /// When the run is over nothing waits for it any more; one that stopped half-way says so first.
  private func sendTheRest(_ plan: Plan, _ end: RunEnd) async throws {
    guard sendsTheRest, let incident = plan.incident else { return }
    let isOver = end.state == .done || end.state == .aborted
    try await OutboxRound(
      installation: installation, now: { [assembly = installation.assembly] in assembly.now() }
    )
    .finish(incident, within: isOver ? nil : .seconds(2))
  }

  /// Where the plan's incident stands; nil for a plan without one.
  private func standing(_ plan: Plan) throws -> IncidentStatus? {
    guard let incident = plan.incident else { return nil }
    let record = try installation.journal.record(of: incident)
    return record.events.isEmpty ? nil : IncidentStatus(of: record, now: installation.assembly.now())
  }

  private func say(
    _ plan: Plan, _ end: RunEnd, _ standing: IncidentStatus?, _ undelivered: [OutboxEntry],
    _ status: ExitStatus
  ) {
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
          "undelivered": .array(undelivered.map(TicketList.json)),
          "not_told": .array(end.undelivered.map { .string($0.rawValue) }),
          "unfinished": .array(end.unfinished.map { .string($0) }),
          "remaining": .array(end.remaining.map { .string($0) }), "exit": .integer(Int(status.rawValue)),
        ]).canonicalText)
      return
    }
    let tone: Console.Tone = end.state == .done ? .good : end.state == .waiting ? .wait : .bad
    console.data(console.toned(end.state.rawValue.uppercased(), tone) + "  \(plan.run)")
    if let reason = end.reason { console.data("  because: \(harmless(reason))") }
    for entry in undelivered { console.data("  undelivered: \(TicketList.line(entry))") }
    for step in end.undelivered { console.data("  nobody was told by step \(step)") }
    for step in end.unfinished {
      // The run is over, so what the error advises for a run that goes on does not help.
      let why = step.range(of: "; fix: ").map { String(step[..<$0.lowerBound]) } ?? step
      console.data("  not done: \(harmless(why)); the run is over: do it by hand")
    }
    if let standing {
      for line in StatusScreen(console: console).summary(standing) { console.data("  " + line) }
    } else if end.state == .waiting || end.state == .failed {
      for wait in end.waits { console.data("  waits for \(wait.subject.rawValue): \(harmless(wait.prompt))") }
      console.data("  next: staunch resume \(plan.run)")
    }
  }

  private func exit(
    _ plan: Plan, _ end: RunEnd, _ standing: IncidentStatus?, _ undelivered: [OutboxEntry],
    wasInterrupted: Bool
  ) -> ExitStatus {
    let isAlive = standing?.leaked?.state == .alive
    switch end.state {
    case .waiting: return wasInterrupted ? .interrupted : .waiting
    case .failed: return isAlive ? .stillAlive : .failed
    case .aborted: return .done
    case .done:
      if isAlive || isUnproven(plan, standing) { return .stillAlive }
      // What comes last failed: nothing waits for it, and nobody may think that it was done.
      if !end.unfinished.isEmpty { return .failed }
      return undelivered.isEmpty && end.undelivered.isEmpty ? .done : .undeliveredMessages
    }
  }

  /// The plan acted on leaked values that a provider was asked about, and one of the incident's is not proven dead: the
  /// playbook asks for no proof, or another value came while it ran.
  private func isUnproven(_ plan: Plan, _ standing: IncidentStatus?) -> Bool {
    guard let standing, standing.leaked != nil, !standing.isContained else { return false }
    return plan.inputs.values.contains { !$0.secrets.isEmpty }
  }
}
