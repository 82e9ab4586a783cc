import Capabilities
import Configuration
import Drills
import Execution
import Foundation
import Incidents
import JSON
import Journal
import PostgresClient
import ScannerReports
import Secrets

/// Runs one drill: the same intake, planner, approvals, engine and journal as a real incident, in a sandbox world.
struct DrillRun {
  let assembly: Assembly
  let scenario: Scenario
  /// Nobody is asked: plans and gates are approved by the script.
  let isAuto: Bool
  /// Holds everything of the drill afterwards.
  let directory: String

  /// What happened.
  struct Report {
    let sandbox: Sandbox
    let installation: Installation
    let exits: [ExitStatus]
    let before: SandboxObservation
    let after: SandboxObservation
  }

  func run() async throws -> Report {
    let console = assembly.console
    console.say("DRILL \(scenario.id): \(scenario.title)")
    console.say("  trigger: \(scenario.trigger)")
    console.say("  complication: \(scenario.complication)")
    console.say("  starting the sandbox in \(directory)")
    let sandbox = try await DrillSandbox.start(
      scenario, in: directory, postgres: PostgresConnector(), now: { Date() })
    for secret in sandbox.secrets.values { assembly.redactor.register(secret) }
    if let notice = sandbox.notice { console.say("  note: \(notice)") }
    do {
      return try await run(in: sandbox)
    } catch {
      await sandbox.stop()
      throw error
    }
  }

  private func run(in sandbox: Sandbox) async throws -> Report {
    var world = assembly
    world.options.config = sandbox.configuration
    world.statePath = directory + "/state"
    world.workingDirectory = directory
    let before = try await sandbox.observe()
    let configuration = try world.configuration()
    guard configuration.isDrill else {
      throw CommandFailure(
        .declined, "the drill refuses to start", because: "its configuration is not marked as a drill's",
        fix: "use a scenario of staunch drill list")
    }
    let installation = try Installation(world, configuration: configuration, isDrill: true)
    world.console.say("")
    world.console.say("$ staunch respond \(sandbox.report)")
    let intake = try ReportIntake(assembly: world, key: try world.state().fingerprintKey())
      .read(sandbox.report, format: nil, keepGoing: false, repository: nil)
    let entries = try IncidentDesk(journal: installation.journal).record(intake.incidents)
    world.console.say(
      "\(intake.format): \(intake.findings) findings, \(entries.count) incidents")
    var exits: [ExitStatus] = []
    for entry in entries {
      switch try await PlanMaker(installation: installation).plan(entry, credential: nil) {
      case .recorded(let because, let next):
        world.console.say("\(entry.id) recorded only: \(harmless(because)); next: \(harmless(next))")
        exits.append(.failed)
      case .planned(let plan):
        if !world.options.json {
          world.console.data("")
          PlanScreen(console: world.console).show(plan)
          world.console.say("")
          world.console.say("$ staunch run \(plan.id) --live --approve \(plan.digest)")
        }
        exits.append(try await run(plan, with: installation))
      }
    }
    let after = try await sandbox.observe()
    await sandbox.stop()
    return Report(sandbox: sandbox, installation: installation, exits: exits, before: before, after: after)
  }

  /// Runs a plan; where the scenario has a crash, the first engine dies there and a second one resumes.
  private func run(_ plan: Plan, with installation: Installation) async throws -> ExitStatus {
    var session = RunSession(installation: installation, isJSON: installation.assembly.options.json)
    session.approvesGates = isAuto
    session.crashStep = scenario.crashStep
    do {
      return try await session.approveAndRun(
        plan, mode: .drill, approval: isAuto ? plan.digest.rawValue : nil)
    } catch is DrilledCrash {
      installation.assembly.console.say("")
      installation.assembly.console.say("the process died here (as the scenario says). $ staunch resume \(plan.run)")
      var next = RunSession(installation: installation, isJSON: installation.assembly.options.json)
      next.approvesGates = isAuto
      return try await next.resume(plan, mode: .drill)
    }
  }
}

/// Ends an engine as a crash would: nothing is written any more.
struct DrilledCrash: Error {}
