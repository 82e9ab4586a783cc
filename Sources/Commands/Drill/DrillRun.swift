import Capabilities
import Response
import StaunchConfiguration
import Drills
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Playbooks
import PostMortems
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
    let score: Score
    let scoreboard: Scoreboard
    let postMortems: [String]
  }

  func run() async throws -> Report {
    let console = assembly.console
    console.keepTranscript()
    console.say("DRILL \(scenario.id): \(scenario.title)")
    console.say("  trigger: \(scenario.trigger)")
    console.say("  complication: \(scenario.complication)")
    console.say("  starting the sandbox in \(directory)")
    let sandbox = try await DrillSandbox.start(
      scenario, in: directory, postgres: PostgresConnector(), now: { [assembly] in assembly.now() })
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
    try LoopbackRule.check(
      configuration.credentials.values.map(\.target) + Array(configuration.stores.values)
        + Array(configuration.consumers.values) + Array(configuration.trackers.values))
    let installation = try Installation(world, configuration: configuration, isDrill: true)
    sandbox.begin()
    let console = world.console
    let ((course, after), watch) = try await sandbox.watched(tell: { console.say("  meanwhile: \($0)") }) {
      let course = try await respond(to: sandbox, with: installation, in: world)
      return (course, try await sandbox.observe())
    }
    let drafts = try drafts(of: course.incidents, in: world)
    var injections = sandbox.injections
    if let step = scenario.crashStep {
      injections.append(Injection("crash at \(step)", wanted: 1, struck: course.crashes))
    }
    let score = try score(
      sandbox, installation, before: before, after: after, watch: watch, injections: injections,
      drafts: drafts)
    let left = await sandbox.stop()
    for orphan in left { console.say("left behind: \(orphan)") }
    let history = DrillHistory(path: assembly.statePath + "/drills/scores.jsonl")
    let earlier = try history.comparable(with: score)
    try history.append(score)
    return Report(
      sandbox: sandbox, installation: installation, exits: course.exits, score: score,
      scoreboard: Scoreboard(score, earlier: earlier), postMortems: drafts.map(\.path))
  }

  /// What the responder did.
  private struct Course: Sendable {
    var incidents: [IncidentID] = []
    var exits: [ExitStatus] = []
    var crashes = 0
  }

  private func respond(to sandbox: Sandbox, with installation: Installation, in world: Assembly) async throws
    -> Course
  {
    world.console.say("")
    world.console.say("$ staunch respond \(sandbox.report)")
    let intake = try await ReportIntake(assembly: world, key: try world.state().fingerprintKey())
      .read(sandbox.report, format: nil, keepGoing: false, repository: nil)
    let entries = try IncidentDesk(journal: installation.journal).record(intake.incidents)
    world.console.say(
      "\(intake.format): \(intake.findings) findings, \(entries.count) incidents")
    var course = Course(incidents: entries.map(\.id))
    if let playbook = scenario.playbook {
      let together = DrillTogether(playbook: playbook, installation: installation)
      guard let (first, other) = together.pair(entries) else {
        world.console.say("\(playbook) answers two leaks whose routes name their credentials and stores")
        course.exits.append(.failed)
        return course
      }
      let plan = try await together.plan(first, other)
      let (ends, crashes) = try await run([plan], with: installation)
      course.exits += ends
      course.crashes = crashes
      // Its own plan finds it replaced: it makes the proof, and closes its ticket.
      let (rest, more) = try await run(
        self.plans([other.entry], with: installation, in: world, &course), with: installation)
      course.exits += rest
      course.crashes += more
      return course
    }
    let plans = try await self.plans(entries, with: installation, in: world, &course)
    let (ends, crashes) = try await run(plans, with: installation)
    course.exits += ends
    course.crashes = crashes
    return course
  }

  /// The plans that the routes give.
  private func plans(
    _ entries: [IncidentDesk.Entry], with installation: Installation, in world: Assembly,
    _ course: inout Course
  ) async throws -> [Plan] {
    var plans: [Plan] = []
    for entry in entries {
      switch try await PlanMaker(installation: installation).plan(entry, credential: nil) {
      case .recorded(let because, let next):
        world.console.say("\(entry.id) recorded only: \(harmless(because)); next: \(harmless(next))")
        course.exits.append(.failed)
      case .planned(let plan): plans.append(plan)
      }
    }
    return plans
  }

  /// The drafts with the errors that the blameless lint finds in them.
  private func drafts(of incidents: [IncidentID], in world: Assembly) throws -> [DrillEvidence.PostMortem] {
    incidents.compactMap { id in
      let path = world.statePath + "/postmortems/\(id).md"
      guard let bytes = FileManager.default.contents(atPath: path) else { return nil }
      let findings = BlamelessLint.check(
        text: String(decoding: bytes, as: UTF8.self), file: path, evidenceNames: [],
        findsSecret: { world.redactor.finds(in: $0) })
      return DrillEvidence.PostMortem(path: path, errors: findings.filter { $0.level == .error }.count)
    }
  }

  private func score(
    _ sandbox: Sandbox, _ installation: Installation, before: SandboxObservation, after: SandboxObservation,
    watch: WatchRecord, injections: [Injection], drafts: [DrillEvidence.PostMortem]
  ) throws -> Score {
    let journal = installation.journal
    let evidence = DrillEvidence(
      started: sandbox.started, ended: assembly.now(), events: try journal.events(), before: before,
      after: after,
      leaks: installation.configuration.credentials.count, postMortems: drafts,
      exposedIn: sandbox.leaks(
        in: [directory + "/state"], texts: ["the transcript": assembly.console.transcript]),
      undelivered: try journal.outbox(undelivered: true).count, watch: watch, injections: injections)
    // Only drills of the same scenario and the same playbooks are compared.
    let books = installation.library.ids.compactMap { installation.library.text(of: $0)?.source }.sorted()
    let digest = Playbook.digest(of: ([scenario.source] + books).joined(separator: "\0"))
    return Judge(scenario, evidence).score(digest: digest)
  }

  /// Runs the plans, as `respond --live` does. - Returns: how each ended, and how many engines died on the way.
  private func run(_ plans: [Plan], with installation: Installation) async throws -> ([ExitStatus], Int) {
    var session = RunSession(
      installation: installation, console: assembly.console, isJSON: assembly.options.json)
    session.approvesGates = isAuto
    session.crashStep = scenario.crashStep
    var crashes = 0
    let ends = try await ReportRuns(session).run(plans) { session, plan in
      show(plan, in: assembly)
      return try await surviving(plan, session, &crashes) {
        try await session.approveAndRun(
          plan, mode: .drill, approval: isAuto ? plan.digest.rawValue : nil)
      }
    } goOn: { session, plan in
      assembly.console.say("")
      assembly.console.say("every incident is contained. $ staunch resume \(plan.run)")
      return try await surviving(plan, session, &crashes) {
        try await session.resume(plan, mode: .drill)
      }
    }
    return (ends, crashes)
  }

  private func show(_ plan: Plan, in world: Assembly) {
    guard !world.options.json else { return }
    world.console.data("")
    PlanScreen(console: world.console).show(plan)
    world.console.say("")
    world.console.say("$ staunch run \(plan.id) --live --approve \(plan.digest)")
  }

  /// Where the scenario has a crash, the first engine dies there and a second one resumes.
  private func surviving(
    _ plan: Plan, _ session: RunSession, _ crashes: inout Int, _ work: () async throws -> ExitStatus
  ) async throws -> ExitStatus {
    do { return try await work() } catch is DrilledCrash {
      assembly.console.say("")
      assembly.console.say(
        "the process died here (as the scenario says). $ staunch resume \(plan.run)")
      crashes += 1
      var next = session
      next.crashStep = nil
      return try await next.resume(plan, mode: .drill)
    }
  }
}

/// Ends an engine as a crash would: nothing is written any more.
struct DrilledCrash: Error {}
