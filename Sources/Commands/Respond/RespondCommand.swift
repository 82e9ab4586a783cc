import ArgumentParser
import Capabilities
import Chronicle
import Execution
import Foundation
import Incidents
import JSON
import Journal
import Response
import ScannerReports
import Secrets
import StaunchConfiguration

/// `staunch respond`: a report → incidents → the right playbook → the plan. Changes nothing outside the journal.
struct RespondCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "respond",
    abstract: "A scanner's report → incidents → the right playbook → the plan. Changes nothing.",
    discussion: """
      EXAMPLES
        staunch respond report.json
        kingfisher scan . --format jsonl | staunch respond -
        staunch respond report.json --live       go on: approve and run each plan
      """)

  @Argument(help: "The report's file, or - for standard input.") var report: String
  @Option(name: .long, help: "The report's format; default: recognised by its content.") var format: String?
  @Option(name: .long, help: "The credential target that leaked, instead of the route's.") var credential:
    String?
  @Option(name: .long, help: "The repository that was scanned, for reports that do not name one.")
  var repository: String?
  @Option(
    name: .long,
    help:
      "The directory that was scanned: values that the report hides (detect-secrets) are read again from it.")
  var checkout: String?
  @Flag(name: .long, help: "Name records that cannot be read and go on.") var keepGoing = false
  @Flag(name: .long, help: "Then run each plan, asking for approval.") var live = false
  @OptionGroup var own: PlaybookOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let configuration = try assembly.configuration()
    let key = try assembly.state().fingerprintKey()
    let intake = try await ReportIntake(assembly: assembly, key: key)
      .read(report, format: format, keepGoing: keepGoing, repository: repository, checkout: checkout)
    let installation = try Installation(assembly, configuration: configuration, playbooks: own.playbooks)
    try installation.journal.admit([], names: [("--repository", repository)], about: nil)
    var desk = IncidentDesk(journal: installation.journal)
    desk.report = "report-" + Assembly.randomName(8)
    desk.tried = try await JoiningValues(installation: installation, ledger: desk.ledger).tried(
      intake.incidents)
    let entries = try desk.record(intake.incidents)
    let maker = PlanMaker(installation: installation)
    var outcomes: [(IncidentDesk.Entry, PlanMaker.Outcome)] = []
    for entry in entries {
      outcomes.append((entry, try await maker.plan(entry, credential: credential.map { CredentialName($0) })))
    }
    let known = try KnownAlready(entries, in: installation.journal, now: assembly.now())
    if global.json {
      assembly.console.data(
        try RespondDocument.json(
          intake: intake, outcomes: outcomes, configuration, known: known, strangers: maker.strangers
        ).canonicalText)
    } else {
      try show(intake, outcomes, configuration, known, maker.strangers, in: assembly)
    }
    if live { try await run(outcomes, in: installation, assembly) }
    guard let failure = failure(of: intake) else { return }
    guard global.json else { throw failure }
    // The document on standard output says it already: `left_out`, `skipped`.
    assembly.console.fail(failure.message)
    throw ExitCode(failure.status.rawValue)
  }

  /// Why the answer is less than the report.
  private func failure(of intake: ReportIntake.Result) -> CommandFailure? {
    if intake.leftOut > 0 {
      return CommandFailure(
        .reportCutShort, "\(intake.leftOut) findings were left out",
        because: "they are of more secrets than one report may bring (\(GroupingLimits().incidents))",
        fix: "split the report, for example by directory, and give each part to staunch respond")
    }
    // Nothing found is an answer; nothing read is none.
    guard intake.findings == 0, let first = intake.skipped.first else { return nil }
    return CommandFailure(
      .invalidInput, "no finding of the report could be read",
      because:
        "\(intake.skipped.count) record\(intake.skipped.count == 1 ? "" : "s") cannot be read, the first at "
        + "\(first.place): \(first.because)",
      fix: "scan again, or name the report's format: the same command with --format")
  }

  private func run(
    _ outcomes: [(IncidentDesk.Entry, PlanMaker.Outcome)], in installation: Installation, _ assembly: Assembly
  ) async throws {
    let plans = outcomes.compactMap { outcome in if case .planned(let plan) = outcome.1 { plan } else { nil }
    }
    // Messages wait for all runs: none that does not arrive keeps another credential alive.
    var session = RunSession(installation: installation, console: assembly.console, isJSON: global.json)
    session.sendsTheRest = false
    let ends = try await ReportRuns(session).run(plans) { session, plan in
      try await session.approveAndRun(plan, mode: .live, approval: nil)
    } goOn: { session, plan in
      try await session.resume(plan, mode: .live)
    }
    let round = OutboxRound(installation: installation, now: installation.now)
    var end = ends.first { $0 != .done && $0 != .undeliveredMessages } ?? .done
    let isOver = end == .done
    for incident in plans.compactMap(\.incident) {
      try await round.finish(incident, within: isOver ? nil : .seconds(2))
      if isOver, try !installation.journal.outbox(incident: incident, undelivered: true).isEmpty {
        end = .undeliveredMessages
      }
    }
    if end != .done { throw ExitCode(end.rawValue) }
  }

  private func show(
    _ intake: ReportIntake.Result, _ outcomes: [(IncidentDesk.Entry, PlanMaker.Outcome)],
    _ configuration: Configuration, _ known: KnownAlready, _ strangers: Strangers, in assembly: Assembly
  ) throws {
    let console = assembly.console
    let routing = Routing(configuration: configuration)
    console.say(
      "\(intake.format): \(intake.findings) finding\(intake.findings == 1 ? "" : "s"), "
        + "\(outcomes.count) incident\(outcomes.count == 1 ? "" : "s")")
    for record in intake.skipped { console.say("skipped \(record.place): \(record.because)") }
    for record in intake.setAside {
      console.say("set aside \(record.place): \(record.because)")
    }
    for (entry, outcome) in outcomes.prefix(StatusScreen.whole) {
      let incident = entry.incident
      console.data("")
      console.data(
        "\(entry.id)  \(incident.severity.rawValue)  \(incident.kind)  \(harmless(incident.codename))"
          + (incident.handle.map { "  \(harmless($0))" } ?? ""))
      console.data(
        "  \(Count.text(incident.occurrences.count + incident.furtherFindings, "place"))"
          + (incident.repositories.isEmpty
            ? "" : " in \(incident.repositories.map { harmless($0) }.joined(separator: ", "))")
          + ", \(incident.validity.rawValue)")
      if let state = known.state(of: entry) {
        console.data(
          "  known already, \(state.rawValue)" + (entry.isNews ? "" : ": the report brings nothing new"))
      }
      for other in known.samePlace(as: entry) {
        console.data("  at the place of \(other.id), \(other.state.rawValue): it may be the same secret")
      }
      if entry.furtherValues > 0 {
        let count = entry.furtherValues == 1 ? "another value" : "\(entry.furtherValues) other values"
        console.data(
          "  \(count) of the same credential" + (entry.state == .reopened ? ": it is open again" : ""))
      }
      if let restraint = incident.restraint { console.data("  careful: \(restraint.because)") }
      switch outcome {
      case .planned(let plan):
        PlanScreen(console: console).show(plan)
        let asked = strangers.asked(for: entry.id)
        if !asked.isEmpty {
          console.data("  it is of none of \(asked.map(\.rawValue).joined(separator: ", "))")
        }
        if let line = try routing.missingEntry(for: incident, asked: asked) {
          console.data(
            "  to have it rotated, add under credentials: \(harmless(line)) (capitals: yours to fill in)")
        }
        console.data("  next: staunch run \(plan.id) --live")
      case .recorded(let because, let next):
        console.data("  recorded only: \(harmless(because))")
        console.data("  next: \(harmless(next))")
      }
    }
    showBriefly(outcomes.dropFirst(StatusScreen.whole), in: console)
  }

  /// A report of thousands must not scroll the first incidents away.
  private func showBriefly(
    _ outcomes: ArraySlice<(IncidentDesk.Entry, PlanMaker.Outcome)>, in console: Console
  ) {
    guard !outcomes.isEmpty else { return }
    console.data("")
    for (entry, outcome) in outcomes.prefix(StatusScreen.brief) {
      let word =
        switch outcome {
        case .planned(let plan): "next: staunch run \(plan.id) --live"
        case .recorded(let because, _): "recorded only: \(harmless(because))"
        }
      console.data(
        "\(entry.id)  \(entry.incident.severity.rawValue)  \(entry.incident.kind)  "
          + "\(harmless(entry.incident.codename))  \(word)")
    }
    let rest = outcomes.count - StatusScreen.brief
    guard rest > 0 else { return }
    let planned = outcomes.dropFirst(StatusScreen.brief).count {
      if case .planned = $0.1 { true } else { false }
    }
    console.data(
      "and \(rest) more, \(planned) of them planned: staunch incidents, or this command with --json")
  }
}

/// The JSON of `respond`; stable, documented in docs/JSON.md.
enum RespondDocument {
  static func json(
    intake: ReportIntake.Result, outcomes: [(IncidentDesk.Entry, PlanMaker.Outcome)],
    _ configuration: Configuration, known: KnownAlready, strangers: Strangers
  ) throws -> JSONValue {
    let routing = Routing(configuration: configuration)
    return try [
      "schema": 1, "format": .string(intake.format), "findings": .integer(intake.findings),
      "incidents": .array(
        outcomes.map { try incident($0.0, $0.1, routing, known, strangers.asked(for: $0.0.id)) }),
      "skipped": .array(
        intake.skipped.map { record($0, setAside: false) }
          + intake.setAside.map { record($0, setAside: true) }),
      "left_out": .integer(intake.leftOut),
    ]
  }

  private static func record(_ record: UnreadRecord, setAside: Bool) -> JSONValue {
    ["at": .string(record.place), "reason": .string(record.because), "set_aside": .boolean(setAside)]
  }

  private static func incident(
    _ entry: IncidentDesk.Entry, _ outcome: PlanMaker.Outcome, _ routing: Routing, _ known: KnownAlready,
    _ asked: [CredentialName]
  ) throws -> JSONValue {
    let incident = entry.incident
    var members: [String: JSONValue] = [
      "id": .string(entry.id.rawValue), "kind": .string(incident.kind.rawValue),
      "severity": .string(incident.severity.rawValue), "codename": .string(incident.codename),
      "fingerprint": incident.fingerprint.map { .string($0.rawValue) } ?? .null,
      "handle": incident.handle.map { .string($0) } ?? .null, "validity": .string(incident.validity.rawValue),
      "occurrences": .integer(incident.occurrences.count + incident.furtherFindings),
      "repositories": .array(incident.repositories.map { .string($0) }), "new": .boolean(entry.isNew),
      "values": .integer(entry.leaked.count), "further_values": .integer(entry.furtherValues),
      "reopened": .boolean(entry.state == .reopened), "news": .boolean(entry.isNews),
      "state": .string((known.state(of: entry) ?? .open).rawValue),
      "same_place": .array(known.samePlace(as: entry).map { .string($0.id.rawValue) }),
      "restraint": incident.restraint.map { .string($0.rawValue) } ?? .null, "playbook": .null, "plan": .null,
    ]
    switch outcome {
    case .planned(let plan):
      members["playbook"] = .string(plan.playbook.rawValue)
      members["plan"] = ["id": .string(plan.id.rawValue), "digest": .string(plan.digest.rawValue)]
      members["next"] = .string("staunch run \(plan.id) --live")
      members["missing_entry"] = try routing.missingEntry(for: incident, asked: asked).map { .string($0) }
    case .recorded(let because, let next):
      members["reason"] = .string(because)
      members["next"] = .string(next)
    }
    return .object(members)
  }
}
