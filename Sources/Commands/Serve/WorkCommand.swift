import Journal
import StaunchConfiguration
import ArgumentParser
import Execution
import Foundation
import Inbox

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
  @OptionGroup var own: PlaybookOptions
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    // Nobody is at the terminal: whatever asks a person waits in the journal.
    var options = assembly.options
    options.noInput = true
    let unattended = Assembly(options: options)
    let installation = try Installation(
      unattended, configuration: try unattended.configuration(), playbooks: own.playbooks)
    if let releaseStorm {
      try Storm(journal: installation.journal, configuration: installation.configuration)
        .release(because: releaseStorm, role: "responder")
      unattended.console.say("released. next: staunch work")
      return
    }
    for source in installation.configuration.sources {
      unattended.console.say(
        "\(source.position): this version does not ask \(source.kind.rawValue) for lost deliveries yet")
    }
    let worker = Worker(
      installation: installation, inbox: try Exchange.inbox(in: unattended), now: unattended.now)
    let interruption = Interruption {}
    defer { interruption.end() }
    let clock = SystemClock()
    repeat {
      let more = try await worker.round()
      if once, !more { return }
      if !more { try await clock.sleep(for: .seconds(1)) }
    } while !interruption.happened
  }
}

/// The exchange directory of this installation.
enum Exchange {
  /// Opens the exchange file as the worker, and leaves the public key beside it for the endpoint.
  static func inbox(in assembly: Assembly) throws -> Inbox {
    let state = try assembly.state()
    let directory = state.path + "/exchange"
    if !FileManager.default.fileExists(atPath: directory) {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o770])
    }
    let key = try InboxPrivateKey(secret: try state.inboxKey())
    let published = directory + "/inbox.pub"
    if FileManager.default.contents(atPath: published) != Data((key.publicKey.text + "\n").utf8) {
      try Data((key.publicKey.text + "\n").utf8).write(to: URL(filePath: published), options: .atomic)
    }
    return try Inbox.open(path: directory + "/exchange.sqlite", key: key)
  }
}
