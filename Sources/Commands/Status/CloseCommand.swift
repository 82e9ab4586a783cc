import ArgumentParser
import Incidents
import JSON
import Journal

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
    let journal = try assembly.journal()
    try journal.admit([("--reason", reason), ("--role", role)], about: id)
    try journal.append([
      NewEvent(.incidentState, incident: id, ["state": "closed", "reason": .string(reason)]),
      NewEvent(
        .decision, incident: id,
        ["what": "close the incident", "reason": .string(reason), "role": .string(role)]),
    ])
    assembly.console.say("closed \(id)")
  }
}
