import Capabilities
import Chronicle
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import Response

/// Approves a plan and executes it in front of a person (or of a script), then says how it ended.
struct RunSession {
  let installation: Installation
  let console: Console
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
    let conduct = conduct(plan)
    try await conduct.compareTickets(plan)
    if let approved = try conduct.standingApproval(of: plan, mode: mode) {
      return try await run(plan, approved, takeOver: takeOver)
    }
    try confirm(plan, approval: approval, confirmations: confirmations)
    let word = try installation.identity.approve(plan.digest, role: role, at: installation.now())
    try approver.record(word, for: plan)
    return try await run(plan, try approver.approved(plan, mode: mode), takeOver: takeOver)
  }

  /// Goes on with a run that was approved earlier.
  func resume(_ plan: Plan, mode: RunMode, takeOver: String? = nil) async throws -> ExitStatus {
    let approver = Approver(journal: installation.journal, policy: installation.policy)
    try await conduct(plan).compareTickets(plan)
    return try await run(plan, try approver.approved(plan, mode: mode), takeOver: takeOver)
  }

  /// Undoes what can be undone.
  func abort(_ plan: Plan, mode: RunMode, because reason: String, takeOver: String? = nil) async throws
    -> ExitStatus
  {
    let approver = Approver(journal: installation.journal, policy: installation.policy)
    let conduct = conduct(plan)
    try await conduct.compareTickets(plan)
    let engine = try conduct.engine(plan, try approver.approved(plan, mode: mode))
    let interruption = Interruption { engine.requestStop() }
    defer { interruption.end() }
    let end = try await engine.abort(because: reason, takingOver: takeOver)
    console.endTransient()
    for remaining in end.remaining { console.data("stays: \(harmless(remaining))") }
    try await conduct.sendTheRest(plan, end)
    return try finish(plan, end, wasInterrupted: interruption.happened)
  }

  private func run(_ plan: Plan, _ approved: ApprovedPlan, takeOver: String?) async throws -> ExitStatus {
    let conduct = conduct(plan)
    let engine = try conduct.engine(plan, approved)
    try onBegin()
    let interruption = Interruption { engine.requestStop() }
    defer { interruption.end() }
    let end = try await engine.run(takingOverBecause: takeOver)
    console.endTransient()
    if !isJSON { for remaining in end.remaining { console.data("stays: \(harmless(remaining))") } }
    try await conduct.sendTheRest(plan, end)
    return try finish(plan, end, wasInterrupted: interruption.happened)
  }

  private func conduct(_ plan: Plan) -> RunConduct {
    let lines = RunLines(
      console: console, isJSON: isJSON,
      leaked: ["leaked", "other_leaked"].flatMap { plan.inputs[$0]?.secrets ?? [] })
    var conduct = RunConduct(
      installation: installation,
      attendant: TerminalAttendant(
        console: console, identity: installation.identity, approvesGates: approvesGates,
        now: installation.now,
        admit: { [journal = installation.journal] in
          try journal.admit([("the answer", $0)], about: plan.incident)
        }), toolVersion: toolVersion, observer: { lines.show($0) })
    conduct.holdsHistory = holdsHistory
    conduct.sendsTheRest = sendsTheRest
    conduct.crashPoint = crashHook()
    return conduct
  }

  /// A drill's crash; nil: where the installation says.
  private func crashHook() -> CrashPointHook? {
    guard let crashStep else { return nil }
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
    if !isJSON { PlanScreen(console: console).show(plan, traps: try plan.traps(in: installation.journal)) }
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
    let outcome: RunOutcome
    do {
      outcome = try conduct(plan).outcome(of: plan, end, wasInterrupted: wasInterrupted)
    } catch {
      // The run's end is said all the same; that nobody can tell whether the credential works is no "not alive".
      say(plan, end, nil, [], CommandFailure(after: error).status)
      throw error
    }
    let status = ExitStatus(outcome.verdict)
    say(plan, end, outcome.standing, outcome.undelivered, status)
    return status
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
      // After a drift it would stop at the same place for ever.
      console.data("  next: \(end.isDrift ? plan.planCommand : "staunch resume \(plan.run)")")
    }
  }
}

extension ExitStatus {
  /// What the end of a run is to a script.
  init(_ verdict: RunOutcome.Verdict) {
    self =
      switch verdict {
      case .done: .done
      case .waiting: .waiting
      case .interrupted: .interrupted
      case .failed: .failed
      case .stillAlive: .stillAlive
      case .undelivered: .undeliveredMessages
      }
  }
}
