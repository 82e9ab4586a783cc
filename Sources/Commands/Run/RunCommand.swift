import ArgumentParser
import Capabilities
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import Response

/// What `run`, `resume` and `abort` share.
struct RunOptions: ParsableArguments {
  @Flag(name: .long, help: "Take the run over from a process that still seems to execute it.") var takeOver =
    false
  @Option(name: .long, help: "Why; stands in the journal.") var reason: String?

  func takeOverReason() throws -> String? {
    guard takeOver else { return nil }
    guard let reason, !reason.isEmpty else {
      throw CommandFailure(
        .usage, "a take-over needs a reason", because: "it ends another operator's work",
        fix: "add: --reason \"why\"")
    }
    return reason
  }
}

/// Whose containment the history of a run waits for.
struct HistoryOrderOption: ParsableArguments {
  @Flag(
    name: .long,
    help: "Rewrite and push history although other incidents of the same report are not contained.")
  var historyBeforeContainment = false

  /// Runs `body` with the history held back while other incidents of the plan's report are not contained, and says so.
  func run(
    _ plan: Plan, in session: RunSession, reason: String?, _ body: (RunSession) async throws -> ExitStatus
  ) async throws -> ExitStatus {
    let journal = session.installation.journal
    let order = HistoryOrder(journal: journal, now: session.installation.now())
    let blockers = try plan.incident.map { try order.blockers(of: $0) } ?? []
    var session = session
    session.holdsHistory = !blockers.isEmpty && !historyBeforeContainment
    if historyBeforeContainment, let incident = plan.incident, !blockers.isEmpty {
      session.onBegin = { try order.note(incident, blockers, reason: reason) }
    }
    let status = try await body(session)
    if session.holdsHistory, try journal.waitsForContainment(plan.run) {
      session.console.say(
        "its history waits: \(HistoryOrder.sentence(blockers)). When that is done: staunch resume \(plan.run); "
          + "to go on all the same: staunch resume \(plan.run) \(HistoryOrder.word)")
    }
    return status
  }
}

/// `staunch run`: executes a plan; resumes by itself what a crash left.
struct RunCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Execute a plan. Resumes by itself what a crash left.",
    discussion: """
      EXAMPLES
        staunch run PLAN --live                     shows the plan, takes your approval, executes
        staunch run PLAN --live --approve DIGEST    for scripts: approves exactly that digest, gates included
      """)

  @Argument(help: "The plan's id or digest, as respond and status print it.") var plan: String
  @Flag(name: .long, help: "Change the world. Without it, the plan is only shown.") var live = false
  @Option(name: .long, help: "Approve this digest (at least 12 digits), the gates of the plan included.")
  var approve: String?
  @Option(
    name: .long,
    help: "A name that is asked for, instead of typing it (repeatable): the credential's, each repository's.")
  var confirm: [String] = []
  @OptionGroup var order: HistoryOrderOption
  @OptionGroup var run: RunOptions
  @OptionGroup var own: PlaybookOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let installation = try Installation(
      assembly, configuration: try assembly.configuration(), playbooks: own.playbooks)
    let plan = try Plan.find(self.plan, in: installation.journal)
    guard live else {
      if global.json {
        assembly.console.data(plan.json.canonicalText)
      } else {
        PlanScreen(console: assembly.console).show(plan, traps: try plan.traps(in: installation.journal))
        assembly.console.say("nothing was changed. next: staunch run \(plan.id) --live")
      }
      return
    }
    try installation.journal.admit([("--reason", run.reason)], about: plan.incident)
    var session = RunSession(installation: installation, console: assembly.console, isJSON: global.json)
    session.approvesGates = approve != nil
    let takeOver = try run.takeOverReason()
    let status = try await order.run(plan, in: session, reason: run.reason) { session in
      try await session.approveAndRun(
        plan, mode: .live, approval: approve, confirmations: confirm, takeOver: takeOver)
    }
    if status != .done { throw ExitCode(status.rawValue) }
  }
}

/// `staunch resume`: goes on where a run stands.
struct ResumeCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "Go on with a run that a crash, a person or Ctrl-C stopped.")

  @Argument(help: "The run's id; default: the one that is not over.") var id: String?
  @Option(name: .long, help: "Approve gates with this digest.") var approve: String?
  @OptionGroup var order: HistoryOrderOption
  @OptionGroup var run: RunOptions
  @OptionGroup var own: PlaybookOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let installation = try Installation(
      assembly, configuration: try assembly.configuration(), playbooks: own.playbooks)
    let plan = try installation.openPlan(id)
    if let approve, !(approve.count >= 12 && plan.digest.rawValue.hasPrefix(approve)) {
      throw CommandFailure(
        .declined, "the run was not resumed",
        because: "--approve names another digest; this plan's is \(plan.digest)",
        fix: plan.incident.map { "staunch show \($0)" } ?? "staunch status")
    }
    try installation.journal.admit([("--reason", run.reason)], about: plan.incident)
    var session = RunSession(installation: installation, console: assembly.console, isJSON: global.json)
    session.approvesGates = approve != nil
    let takeOver = try run.takeOverReason()
    let status = try await order.run(plan, in: session, reason: run.reason) { session in
      try await session.resume(plan, mode: .live, takeOver: takeOver)
    }
    if status != .done { throw ExitCode(status.rawValue) }
  }
}

/// `staunch abort`: runs compensations in reverse and says what cannot be undone.
struct AbortCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "abort", abstract: "Undo a run in reverse, and say what cannot be undone.")

  @Argument(help: "The run's id; default: the one that is not over.") var id: String?
  @OptionGroup var run: RunOptions
  @OptionGroup var own: PlaybookOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    guard let reason = run.reason, !reason.isEmpty else {
      throw CommandFailure(
        .usage, "an abort needs a reason", because: "the post-mortem quotes it", fix: "add: --reason \"why\"")
    }
    let installation = try Installation(
      assembly, configuration: try assembly.configuration(), playbooks: own.playbooks)
    let plan = try installation.openPlan(id)
    guard try installation.journal.runStates()[plan.run] != "done" else {
      throw CommandFailure(
        .declined, "nothing was taken back", because: "\(plan.run) is done; its values are destroyed",
        fix: "undo by hand what must go: staunch run \(plan.id) shows the steps")
    }
    try installation.journal.admit([("--reason", reason)], about: plan.incident)
    let session = RunSession(installation: installation, console: assembly.console, isJSON: global.json)
    let status: ExitStatus
    do {
      status = try await session.abort(plan, mode: .live, because: reason, takeOver: try run.takeOverReason())
    } catch let error as ExecutionError where error.underlying?.code == .locked {
      throw CommandFailure(
        .unavailable, "nothing was taken back", because: error.because,
        fix: "stop it first (Ctrl-C where it runs), then abort again; when its process no longer works: "
          + "staunch abort \(plan.run) --take-over --reason 'why'")
    }
    if status != .done { throw ExitCode(status.rawValue) }
  }
}

/// `staunch plan`: what a playbook would do.
struct PlanCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "What a playbook would do, saved with a digest. Changes nothing.",
    discussion: """
      EXAMPLES
        staunch plan inc-7f3a91c2                    this incident anew, as its route in staunch.yaml says
        staunch plan generic-secret --input NAME=VALUE
      """)

  @Argument(help: "The playbook's id, or an incident's: then its route names playbook and targets.")
  var playbook: String
  @Option(name: .long, help: "name=value (repeatable); lists separated by commas.") var input: [String] = []
  @Option(name: .long, help: "For an incident: the credential target that leaked, instead of its route's.")
  var credential: String?
  @OptionGroup var own: PlaybookOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let installation = try Installation(
      assembly, configuration: try assembly.configuration(), playbooks: own.playbooks)
    // First: what is refused here would be quoted below.
    try installation.journal.admit(
      [], names: input.map { ("--input", $0) } + [("--credential", credential)], about: nil)
    if playbook.hasPrefix("inc-") {
      return try await plan(IncidentID(playbook), in: installation, assembly)
    }
    guard credential == nil else {
      throw CommandFailure(
        .usage, "a playbook takes no --credential", because: "its credential is one of its inputs",
        fix: "--input credential=NAME, or name the incident instead of the playbook")
    }
    let playbook = try assembly.playbook(named: playbook, in: installation.library)
    var inputs: [String: Value] = [:]
    for pair in input {
      let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else {
        throw CommandFailure(
          .usage, "cannot take --input \(harmless(pair))", because: "it is not name=value",
          fix: "--input name=value")
      }
      guard let type = playbook.inputs.first(where: { $0.name == parts[0] })?.type else {
        inputs[parts[0]] = .string(parts[1])  // the planner names the inputs that exist
        continue
      }
      if type == .secret || type == .list(.secret) {
        // Handles of the journal (`inc-…/leaked`), never a value.
        let handles = parts[1].split(separator: ",").map(String.init)
        guard !handles.isEmpty, handles.allSatisfy(Self.isLeaked) else {
          throw CommandFailure(
            .usage, "a secret is never given as an option",
            because: "arguments are visible to every user of the machine",
            fix:
              "give the report to staunch respond, then --input \(parts[0])= with the incident's id and /leaked"
          )
        }
        inputs[parts[0]] = .list(handles.map { .secret(SecretRef($0)) })
      } else {
        guard let value = ManualAnswer.value(parts[1], as: type) else {
          throw CommandFailure(
            .usage, "the input \"\(parts[0])\" is no \(type)",
            because: "\"\(harmless(parts[1]))\" cannot be read as one")
        }
        inputs[parts[0]] = value
      }
    }
    var incident: IncidentID?
    if case .incident(let id)? = inputs["incident"] { incident = id }
    try show(
      try await PlanMaker(installation: installation).plan(playbook, inputs: inputs, incident: incident),
      in: installation, assembly)
  }

  private static func isLeaked(_ handle: String) -> Bool {
    let parts = handle.split(separator: "/", maxSplits: 1).map(String.init)
    return parts.count == 2 && parts[0].hasPrefix("inc-")
      && SecretRef(handle).isLeaked(of: IncidentID(parts[0]))
  }

  /// The plan that its route gives: after drift, an abort or a no, or for what a message has opened.
  private func plan(_ named: IncidentID, in installation: Installation, _ assembly: Assembly) async throws {
    guard input.isEmpty else {
      throw CommandFailure(
        .usage, "an incident's plan takes no --input", because: "its route in staunch.yaml names the targets",
        fix: "name the playbook instead of the incident to give inputs yourself")
    }
    let maker = PlanMaker(installation: installation)
    switch try await maker.plan(known: named, credential: credential.map { CredentialName($0) }) {
    case .planned(let plan): try show(plan, in: installation, assembly)
    case .recorded(let because, let next):
      throw CommandFailure(.invalidInput, "\(named) cannot be planned", because: because, fix: next)
    }
  }

  private func show(_ plan: Plan, in installation: Installation, _ assembly: Assembly) throws {
    if global.json {
      assembly.console.data(plan.json.canonicalText)
    } else {
      PlanScreen(console: assembly.console).show(plan, traps: try plan.traps(in: installation.journal))
      assembly.console.say("nothing was changed. next: staunch run \(plan.id) --live")
    }
  }
}
