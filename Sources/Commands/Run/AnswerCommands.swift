import ArgumentParser
import Capabilities
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import Response

/// `staunch skip`: leaves a step out, with a reason.
struct SkipCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "skip", abstract: "Leave a step of a run out, with a reason; then resume.")

  @Argument(help: "The step's id.") var step: String
  @Option(name: .long, help: "Why; stands in the journal and the post-mortem.") var reason: String
  @Option(name: .long, help: "The run's id; default: the one that is not over.") var run: String?
  @Option(name: .long, help: "The loop's item, from 0.") var item: Int?
  @Option(name: .long, help: "In which role you decide.") var role = "responder"
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let installation = try Installation(assembly, configuration: try assembly.configuration())
    let journal = installation.journal
    let plan = try journal.unfinishedPlan(run)
    guard plan.steps.contains(where: { $0.step.rawValue == step }) else {
      throw CommandFailure(
        .invalidInput, "there is no step \"\(harmless(step))\" in \(plan.run)",
        because: "the plan does not have it",
        fix: "staunch run \(plan.id) shows the steps")
    }
    let answers = StepAnswers(plan, in: journal)
    guard try !answers.isDone(StepID(step), item: item) else {
      throw CommandFailure(
        .declined, "\(step) was not left out", because: "it is done already",
        fix: "to take the run back: staunch abort \(plan.run) --reason 'why'")
    }
    let rule = SkipRule(installation: installation)
    if let (because, fix) = try rule.problem(ofClaiming: RoleName(role))
      ?? rule.problem(StepID(step), of: plan, role: RoleName(role))
    {
      throw CommandFailure(.declined, "\(step) was not left out", because: because, fix: fix)
    }
    try CommandFailure.checkWords(reason, as: "--reason")
    try journal.admit([("--reason", reason), ("--role", role)], about: plan.incident)
    try answers.skip(StepID(step), item: item, because: reason, role: RoleName(role))
    assembly.console.say("\(step) will be left out. next: staunch resume \(plan.run)")
  }
}

/// `staunch retry`: answers an effect of which nobody can tell whether it happened.
struct RetryCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry",
    abstract: "Do a step again of which nobody can tell whether it happened; then resume.",
    discussion: "It may then have happened twice. To go on without it: staunch skip STEP --reason TEXT.")

  @Argument(help: "The step's id.") var step: String
  @Option(name: .long, help: "Why; stands in the journal and the post-mortem.") var reason: String
  @Option(name: .long, help: "The run's id; default: the one that is not over.") var run: String?
  @Option(name: .long, help: "The loop's item, from 0.") var item: Int?
  @Option(name: .long, help: "In which role you decide.") var role = "responder"
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let installation = try Installation(assembly, configuration: try assembly.configuration())
    let journal = installation.journal
    let plan = try journal.unfinishedPlan(run)
    // It may do an irreversible thing twice: the same people as for leaving it out.
    if let (because, fix) = SkipRule(installation: installation).problem(decidingIn: RoleName(role)) {
      throw CommandFailure(.declined, "\(step) is not done again", because: because, fix: fix)
    }
    let answers = StepAnswers(plan, in: journal)
    guard try answers.asksForDecision(StepID(step), item: item) else {
      throw CommandFailure(
        .invalidInput, "\(harmless(step)) asks for no decision",
        because: "only a step with an unknown outcome can be done again by hand",
        fix: "a failed step is tried again by: staunch resume \(plan.run)")
    }
    try CommandFailure.checkWords(reason, as: "--reason")
    try journal.admit([("--reason", reason), ("--role", role)], about: plan.incident)
    try answers.retry(StepID(step), item: item, because: reason, role: RoleName(role))
    assembly.console.say("\(step) will be done again. next: staunch resume \(plan.run)")
  }
}

/// `staunch done`: hands in what a manual step asks for.
struct DoneCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "done", abstract: "Say that a manual step is done, with what it asks for; then resume.")

  @Argument(help: "The step's id.") var step: String
  @Argument(help: "name=value for each thing it asks for; lists separated by commas.") var values: [String] =
    []
  @Option(name: .long, help: "The run's id; default: the one that is not over.") var run: String?
  @Option(name: .long, help: "The loop's item, from 0.") var item: Int?
  @OptionGroup var own: PlaybookOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let journal = try assembly.journal()
    let plan = try journal.unfinishedPlan(run)
    let playbook = try assembly.library(own: own.playbooks).load(
      plan.playbook, catalogue: ActionSignature.builtin)
    guard let found = playbook.allSteps.first(where: { $0.id.rawValue == step }),
      case .manual(let manual) = found.kind
    else {
      throw CommandFailure(
        .invalidInput, "\"\(harmless(step))\" is no manual step of \(plan.run)",
        because: "the playbook has none of this id",
        fix: "staunch status")
    }
    let isLooped = playbook.allSteps.contains { step in
      step.loop != nil && step.withDescendants.contains { $0.id == found.id }
    }
    guard isLooped == (item != nil) else {
      throw CommandFailure(
        .usage, isLooped ? "which item is done?" : "\(step) has no items",
        because: isLooped ? "\(step) is asked once per item of a loop" : "it stands in no loop",
        fix: isLooped ? "add: --item N, from 0" : "leave --item out")
    }
    // First: what is refused here would be quoted below.
    try journal.admit(values.map { ("a value", $0) }, about: plan.incident)
    var collected: [String: JSONValue] = [:]
    for pair in values {
      let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, let type = manual.collect[parts[0]],
        let value = ManualAnswer.value(parts[1], as: type)
      else {
        throw CommandFailure(
          .usage, "cannot take \"\(harmless(pair))\"",
          because: "it is not name=value of what the step asks for",
          fix: "it asks for: "
            + manual.collect.map { ManualAnswer.asked($0.key, $0.value) }.sorted().joined(separator: ", "))
      }
      collected[parts[0]] = value.json
    }
    for (name, type) in manual.collect.sorted(by: { $0.key < $1.key }) where collected[name] == nil {
      guard assembly.console.style.isInteractive,
        let answer = assembly.console.ask("\(ManualAnswer.asked(name, type)):"), !answer.isEmpty
      else { break }
      try journal.admit([("the answer", answer)], about: plan.incident)
      guard let value = ManualAnswer.value(answer, as: type) else {
        throw CommandFailure(
          .usage, "cannot take the answer to \(name)", because: "it is no \(type)",
          fix: "the same command, and then \(ManualAnswer.asked(name, type))")
      }
      collected[name] = value.json
    }
    let missing = manual.collect.keys.filter { collected[$0] == nil }.sorted()
    guard missing.isEmpty else {
      throw CommandFailure(
        .usage, "the step asks for more", because: "missing: \(missing.joined(separator: ", "))",
        fix: "the same command, and behind it, each with its value: "
          + missing.map { "\($0)=" }.joined(separator: " "))
    }
    try StepAnswers(plan, in: journal).done(StepID(step), item: item, collected: collected)
    assembly.console.say("taken. next: staunch resume \(plan.run)")
  }
}

/// `staunch approve`: signs a plan's digest, or one of its gates.
struct ApproveCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "approve", abstract: "Sign a plan's digest, or one gate of it; --decline says no.")

  @Argument(help: "The digest (at least 12 digits) or the plan's id.") var digest: String
  @Option(name: .long, help: "The step that asks.") var step: String?
  @Option(name: .long, help: "In which role.") var role = "responder"
  @Option(name: .long, help: "Say no, with the reason.") var decline: String?
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let installation = try Installation(assembly, configuration: try assembly.configuration())
    let plan = try Plan.find(digest, in: installation.journal)
    let approver = Approver(journal: installation.journal, policy: installation.policy)
    let step = step.map { StepID($0) }
    if let step, !plan.steps.contains(where: { $0.step == step && $0.gate != nil }) {
      let gates = Set(plan.steps.filter { $0.gate != nil }.map(\.step.rawValue)).sorted()
      throw CommandFailure(
        .invalidInput, "\"\(harmless(step.rawValue))\" asks nobody",
        because: "the plan has no gate of this name",
        fix: gates.isEmpty
          ? "leave --step out: the plan has no gates" : "one of: \(gates.joined(separator: ", "))")
    }
    if let decline { try CommandFailure.checkWords(decline, as: "--decline") }
    try installation.journal.admit([("--decline", decline), ("--role", role)], about: plan.incident)
    if let decline {
      try approver.decline(plan, step: step, role: RoleName(role), reason: decline)
      assembly.console.say("declined \(plan.id)")
      return
    }
    let console = assembly.console
    if console.style.isInteractive { try ask(plan, step, console) }
    let word = try installation.identity.approve(
      plan.digest, step: step, role: RoleName(role), at: assembly.now())
    try approver.record(
      word, for: plan,
      gate: try step.flatMap { try SkipRule(installation: installation).gate(of: $0, in: plan) })
    console.say(
      "approved \(step.map { "the step \($0) of " } ?? "")\(plan.id). next: staunch run \(plan.id) --live")
  }

  /// Shows a person what they are about to sign, and asks as a run does: for the name of what is rewritten, published or
  /// replaced, else for a yes.
  private func ask(_ plan: Plan, _ step: StepID?, _ console: Console) throws {
    let screen = PlanScreen(console: console)
    let names: [String]
    if let step {
      let effects = plan.effects(behind: step)
      let title = plan.steps.first { $0.step == step }?.title ?? step.rawValue
      console.say("\(step) asks: \(harmless(title))")
      for line in screen.consequences(effects) { console.say("  \(line)") }
      names = TypedNames.repositories(effects)
    } else {
      screen.show(plan)
      names = TypedNames(plan).all
    }
    let isGiven =
      names.isEmpty
      ? ["y", "yes"].contains(console.ask("Approve? [y/N]")?.lowercased() ?? "")
      : names.allSatisfy { console.ask("To approve, type \"\(harmless($0))\":") == $0 }
    guard isGiven else {
      throw CommandFailure(
        .declined, "nothing was approved",
        because: names.isEmpty ? "the answer was no" : "the name was not typed",
        fix: "when you are ready, the same command; or say no: staunch approve \(plan.digest.short)"
          + (step.map { " --step \($0)" } ?? "") + " --decline 'why'")
    }
  }
}

extension Journal {
  /// ``openPlan(_:)`` of a run that can still take an answer.
  fileprivate func unfinishedPlan(_ id: String?) throws -> Plan {
    let plan = try openPlan(id)
    if let state = try runStates()[plan.run], ["done", "aborted"].contains(state) {
      throw CommandFailure(
        .declined, "\(plan.run) takes no answer", because: "it is over: \(state)", fix: "staunch status")
    }
    return plan
  }
}
