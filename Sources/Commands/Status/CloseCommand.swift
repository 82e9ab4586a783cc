import ArgumentParser
import Foundation
import Incidents
import JSON
import Journal
import StaunchConfiguration

/// `staunch close`: the incident is over; a person's word.
struct CloseCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "close",
    abstract: "Say that an incident is over. Refused while its credential is not proven dead.")

  @Argument(help: "The incident; default: the most urgent open one.") var incident: String?
  @Option(name: .long, help: "Why it is over.") var reason: String
  @Flag(name: .long, help: "Although the credential was not proven dead.") var unproven = false
  @Option(name: .long, help: "In which role you say it.") var role = "responder"
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let id = try assembly.incident(named: incident)
    let status = try assembly.statuses().first { $0.id == id }
    guard unproven || status?.leaked?.state == .dead else {
      throw CommandFailure(
        .stillAlive, "\(id) was not closed", because: "its leaked credential was not proven dead",
        fix: status?.next.command ?? "staunch show \(id)")
    }
    let kept = assembly.configurationPath == nil ? nil : try assembly.configuration().policy.retention
    let until = assembly.now().addingTimeInterval(
      kept.map { TimeInterval($0.components.seconds) } ?? LeakedValueRetention.standard)
    let journal = try assembly.journal()
    try journal.append([
      NewEvent(
        .incidentState, incident: id,
        ["state": "closed", "reason": .string(reason), "values_until": .string(Timestamp.text(until))]),
      NewEvent(
        .decision, incident: id,
        ["what": "close the incident", "reason": .string(reason), "role": .string(role)]),
    ])
    if until <= assembly.now() {
      try LeakedValueRetention(journal: journal).destroyDue(now: assembly.now())
      assembly.console.say("closed \(id); the key of its leaked value was destroyed")
    } else {
      assembly.console.say(
        "closed \(id); its leaked value stays sealed until \(Timestamp.text(until).prefix(10)), then its key is destroyed "
          + "(policy: retention)")
    }
  }
}
