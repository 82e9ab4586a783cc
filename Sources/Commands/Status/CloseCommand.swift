import ArgumentParser
import Incidents
import JSON
import Journal

/// `staunch close`: the incident is over; a person's word.
struct CloseCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "close",
    abstract: "Say that an incident is over. Refused while its credential is not proven dead.",
    discussion: """
      Refused, too, while the leaked value is or may be at a repository's forge: until a fresh clone of the remote, made
      after the push, was scanned clean. Whoever leaves it there on purpose says so: --uncleaned.
      """)

  @Argument(help: "The incident; default: the most urgent open one.") var incident: String?
  @Option(name: .long, help: "Why it is over.") var reason: String
  @Flag(name: .long, help: "Although the credential was not proven dead.") var unproven = false
  @Flag(name: .long, help: "Although the leaked value is, or may be, still at the forge.") var uncleaned =
    false
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
    let left = status?.stillAtTheForge ?? []
    guard uncleaned || left.isEmpty else {
      throw CommandFailure(
        .declined, "\(id) was not closed",
        because: "the leaked value is still at the forge: "
          + left.map { "\($0.repository) (\(harmless($0.why)))" }.joined(separator: ", "),
        fix: "clean it: staunch plan \(id); or leave it there and say so: "
          + "staunch close \(id) --uncleaned --reason \"why\"")
    }
    let what =
      left.isEmpty
      ? "close the incident"
      : "close the incident although the leaked value is still at the forge ("
        + left.map(\.repository.rawValue).joined(separator: ", ") + ")"
    try assembly.journal().append([
      NewEvent(.incidentState, incident: id, ["state": "closed", "reason": .string(reason)]),
      NewEvent(
        .decision, incident: id, ["what": .string(what), "reason": .string(reason), "role": .string(role)]),
    ])
    assembly.console.say("closed \(id)")
  }
}
