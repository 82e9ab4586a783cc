import ArgumentParser
import Dispatch
import Execution
import Foundation
import Inbox
import JSON
import Journal
import LocalSystem
import Response
import StaunchConfiguration
import Worker

/// `staunch serve`: the worker, and the public endpoint as its child.
struct ServeCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "The public endpoint for webhooks, reports and the console, and the worker behind it.",
    discussion: """
      The endpoint is a program of its own (staunch-receiver) with the settings of receiver: in staunch.yaml and nothing else
      (docs/RECEIVER.md). Before it listens it confines itself, and says how. It is started again when it dies. SIGTERM or Ctrl-C ends it first, then the worker, within five seconds: a run goes on at the next start. SIGHUP reads staunch.yaml, secrets and certificates again; what cannot be used leaves everything as it was.

      EXAMPLES
        staunch serve                                prints "ready ADDRESS:PORT" when it listens
        staunch serve --listen 127.0.0.1:8787        instead of receiver: listen
        staunch work                                 the worker alone, the endpoint as another user
      """)

  @Option(name: .long, help: "ADDRESS:PORT, instead of receiver: listen. Port 0: any free one.")
  var listen: String?
  @Option(
    name: .long, help: "Messages of worker and endpoint as text, or one JSON object a line: text, json.")
  var logFormat = LogFormat.text
  @OptionGroup var own: PlaybookOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let unattended = assembly.unattended(logFormat)
    let configuration = try unattended.configuration()
    guard let receiver = configuration.receiver else {
      throw CommandFailure(
        .configuration, "there is nothing to serve",
        because: "\(configuration.file) has no section receiver:",
        fix: "add one (docs/RECEIVER.md), or run the worker alone: staunch work")
    }
    let program = try unattended.receiverProgram()
    let handover = try await ReceiverHandover(
      receiver, listen: listen, resolve: unattended.receiverSecrets())
    let place = try WorkLoop.place(in: unattended.state())
    defer { withExtendedLifetime(place) {} }
    let clock = SystemClock()
    let console = unattended.console
    let lock = try await ReceiverSupervisor.place(
      unattended.statePath + "/receiver.lock", say: { console.say($0) },
      sleep: { try await clock.sleep(for: $0) })
    let installation = try Installation(unattended, configuration: configuration, playbooks: own.playbooks)
    let inbox = try Exchange.inbox(in: unattended, configuration)
    let exchange = try Exchange.place(in: unattended, configuration)
    let settings = exchange.path + "/receiver.json"
    // No secret stands in it; an endpoint that is another user of the directory's group may read it.
    try DurableFile.replace(settings, with: handover.settings.canonicalBytes + [0x0A], mode: 0o640)
    let user = try EndpointUser.choose(
      program: program, exchange: exchange, settings: handover.settings,
      say: { console.say($0) })
    let pipe = try InheritedDescriptor.pipe("hear the endpoint")
    let start = ReceiverSupervisor.Start(
      program: program, settings: settings, environment: unattended.receiverEnvironment,
      secrets: handover.secrets, wake: pipe.writing, lock: lock, user: user, logFormat: logFormat.rawValue)
    let supervisor = ReceiverSupervisor(
      start, say: { console.say($0) }, listens: { console.data("ready \($0)") },
      elapsed: { clock.elapsed }, sleep: { try await clock.sleep(for: $0) })
    let wake = WakeSignal()
    let source = Self.watch(pipe.reading, wake)
    defer { source.cancel() }
    let worker = try Worker(
      installation: installation, inbox: inbox, now: unattended.now, carryOn: RunSession.carrier(console))
    try await run(worker, beside: supervisor, wake: wake, clock: clock, console: console) {
      try await reload(worker, supervisor, start, exchange, journal: installation.journal, unattended)
    }
    console.say("stopped: the endpoint has ended, and what it accepted is taken in")
  }

  /// The endpoint goes first: what it accepted until then the worker still takes in.
  private func run(
    _ worker: Worker, beside supervisor: ReceiverSupervisor, wake: WakeSignal, clock: SystemClock,
    console: Console, reload: @escaping @Sendable () async throws -> Void
  ) async throws {
    let hardEnd = HardEnd { console.say($0) }
    let end = Interruption {
      hardEnd.arm()
      supervisor.stop()
      wake.set()
    }
    defer {
      hardEnd.disarm()
      end.end()
    }
    let hangUps = HangUps(console: console, reload: reload)
    defer { hangUps.end() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        defer { wake.set() }
        try await supervisor.run()
      }
      group.addTask { await hangUps.run() }
      await WorkLoop(
        worker: worker, wake: wake, isOver: { end.happened || supervisor.isOver },
        say: { console.say($0) }, sleep: { try await clock.sleep(for: $0) }
      ).run()
      hangUps.end()
      try await group.waitForAll()
    }
    let began = clock.elapsed
    await worker.takeInTheRest { clock.elapsed - began > .seconds(1) }
  }

  /// What staunch.yaml says now, and certificates and secrets as they are now, take the place of what was read at the start; all or
  /// nothing.
  private func reload(
    _ worker: Worker, _ supervisor: ReceiverSupervisor, _ start: ReceiverSupervisor.Start,
    _ exchange: ExchangePlace, journal: Journal, _ unattended: Assembly
  ) async throws {
    let configuration = try unattended.configuration()
    guard let receiver = configuration.receiver else {
      throw CommandFailure(
        .configuration, "there is nothing to serve any more",
        because: "\(configuration.file) has no section receiver:", fix: "put it back, or end staunch serve")
    }
    try exchange.require(configuration.exchange)
    let installation = try Installation(
      unattended, configuration: configuration, playbooks: own.playbooks, journal: journal)
    let handover = try await ReceiverHandover(
      receiver, listen: listen, resolve: unattended.receiverSecrets())
    let next = ReceiverSupervisor.Start(
      program: start.program, settings: start.settings, environment: start.environment,
      secrets: handover.secrets, wake: start.wake, lock: start.lock, user: start.user,
      logFormat: start.logFormat)
    let bytes = handover.settings.canonicalBytes + [0x0A]
    let tried = start.settings + ".new"
    try DurableFile.replace(tried, with: bytes, mode: 0o640)
    defer { unlink(tried) }
    guard try await ReceiverSupervisor.check(next, settings: tried) else {
      throw CommandFailure(
        .configuration, "the endpoint would not start with it", because: "its message is above",
        fix: "correct receiver: in \(configuration.file), then send SIGHUP again")
    }
    try DurableFile.replace(start.settings, with: bytes, mode: 0o640)
    try await worker.adopt(installation)
    supervisor.restart(with: next)
  }

  /// Empties the pipe whenever bytes come: one wake-up stands for all of them.
  private static func watch(_ reading: InheritedDescriptor, _ wake: WakeSignal) -> any DispatchSourceRead {
    _ = fcntl(reading.number, F_SETFL, O_NONBLOCK)
    let source = DispatchSource.makeReadSource(fileDescriptor: reading.number, queue: .global())
    source.setEventHandler {
      var buffer = [UInt8](repeating: 0, count: 4096)
      while read(reading.number, &buffer, buffer.count) > 0 {}
      wake.set()
    }
    source.resume()
    return source
  }
}
