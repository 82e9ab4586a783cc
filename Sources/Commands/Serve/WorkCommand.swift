import ArgumentParser
import Execution
import Foundation
import Inbox
import Incidents
import Journal
import Response
import StaunchConfiguration
import Worker

/// `staunch work`: the worker behind the public endpoint. Opens no port.
struct WorkCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "work",
    abstract: "Take in what the endpoint stored, plan, run what may run alone, publish the board.",
    discussion: """
      EXAMPLES
        staunch work                                 until SIGTERM or Ctrl-C
        staunch work --once                          one round, for scripts and cron
        staunch work --release-storm "I looked"      a storm's incidents may start
      """)

  @Flag(name: .long, help: "Go on until nothing is left to do, then end.") var once = false
  @Option(name: .long, help: "Say that you have looked at a storm, and why its incidents may start.")
  var releaseStorm: String?
  @Option(name: .long, help: "With --release-storm: in which role you decide.") var role = "responder"
  @Option(name: .long, help: "Messages as lines of text, or one JSON object a line: text, json.")
  var logFormat = LogFormat.text
  @OptionGroup var own: PlaybookOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let unattended = assembly.unattended(logFormat)
    let configuration = try unattended.configuration()
    let installation = try Installation(unattended, configuration: configuration, playbooks: own.playbooks)
    if let releaseStorm {
      try installation.journal.admit([("--release-storm", releaseStorm)], about: nil)
      if let (because, fix) = SkipRule(installation: installation).problem(decidingIn: RoleName(role)) {
        throw CommandFailure(.declined, "the storm is still held", because: because, fix: fix)
      }
      try Storm(journal: installation.journal, configuration: installation.configuration)
        .release(because: releaseStorm, role: role)
      unattended.console.say("released. next: staunch work")
      return
    }
    let place = try WorkLoop.place(in: unattended.state())
    defer { withExtendedLifetime(place) {} }
    let console = unattended.console
    let worker = try Worker(
      installation: installation, inbox: try Exchange.inbox(in: unattended, configuration),
      now: unattended.now,
      carryOn: RunSession.carrier(console))
    let wake = WakeSignal()
    let hardEnd = HardEnd { console.say($0) }
    let interruption = Interruption {
      hardEnd.arm()
      wake.set()
    }
    defer {
      hardEnd.disarm()
      interruption.end()
    }
    if once {
      while !interruption.happened, try await worker.round() {}
      guard let trouble = await worker.troubledLanes().first else { return }
      throw CommandFailure(
        .unavailable, "not everything was done (\(trouble.lane.rawValue))", because: trouble.because,
        fix: "its message is above; then: staunch work --once")
    }
    let clock = SystemClock()
    let exchange = try Exchange.place(in: unattended, configuration)
    let hangUps = HangUps(console: console) {
      let configuration = try unattended.configuration()
      try exchange.require(configuration.exchange)
      try await worker.adopt(
        Installation(
          unattended, configuration: configuration, playbooks: own.playbooks, journal: installation.journal))
    }
    defer { hangUps.end() }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await hangUps.run() }
      await WorkLoop(
        worker: worker, wake: wake, isOver: { interruption.happened }, say: { console.say($0) },
        sleep: { try await clock.sleep(for: $0) }
      ).run()
      hangUps.end()
    }
  }
}

/// How the worker and the endpoint write what they do on standard error.
enum LogFormat: String, CaseIterable, ExpressibleByArgument {
  /// Lines for people.
  case text
  /// One JSON object a line: docs/RECEIVER.md.
  case json
}

extension Assembly {
  /// Nobody is at the terminal: whatever asks a person waits in the journal.
  func unattended(_ format: LogFormat) -> Assembly {
    var options = options
    options.noInput = true
    options.hasJSONLog = format == .json
    return Assembly(options: options, redactor: redactor)
  }
}
