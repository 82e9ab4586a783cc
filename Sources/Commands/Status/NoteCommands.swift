import ArgumentParser
import Chronicle
import Incidents
import Journal
import Response

/// `staunch note`: a person's word for the timeline.
struct NoteCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "note", abstract: "Add your own observation to an incident's timeline.")

  @Argument(help: "What you saw or did.") var text: String
  @Option(name: .long, help: "Which incident; default: the most urgent open one.") var incident: String?
  @Option(name: .long, help: "In which role you say it.") var role = "responder"
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    try CommandFailure.checkWords(text, as: "the note")
    let id = try assembly.incident(named: incident)
    let journal = try assembly.journal()
    try journal.admit([("the note", text), ("--role", role)], about: id)
    try PersonsWords(journal).note(text, role: RoleName(role), about: id)
    assembly.console.say("noted for \(id)")
  }
}

/// `staunch todo`: something to do later; becomes an action item of the post-mortem.
struct TodoCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "todo", abstract: "Remember something to do later; it becomes an action item.")

  @Argument(help: "What is to be done.") var text: String
  @Option(name: .long, help: "Which incident; default: the most urgent open one.") var incident: String?
  @Option(name: .long, help: "In which role you say it.") var role = "responder"
  @Option(name: .long, help: "Which role is to do it.") var owner: String?
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    try CommandFailure.checkWords(text, as: "the text")
    let id = try assembly.incident(named: incident)
    let journal = try assembly.journal()
    try journal.admit([("the text", text), ("--role", role), ("--owner", owner)], about: id)
    try PersonsWords(journal).todo(
      text, role: RoleName(role), owner: owner.map { RoleName($0) }, about: id)
    assembly.console.say("kept for \(id)")
  }
}

extension Assembly {
  /// The incident that `name` names, or the most urgent open one.
  func incident(named name: String?) throws -> IncidentID {
    guard let name else {
      // As ``NextCommand`` chooses it: the list of incidents tells without a look at all events.
      guard
        let status = try journalForReading().flatMap({ try openIncidents(in: $0, first: 1).urgent.first })
      else {
        throw CommandFailure(
          .invalidInput, "no incident is open", because: "nothing was reported yet, or all is closed",
          fix: "staunch incidents lists them; give an id with --incident")
      }
      return status.id
    }
    guard let status = try statuses().first(where: { $0.id.rawValue == name }) else {
      throw CommandFailure(
        .invalidInput, "there is no incident \"\(harmless(name))\"",
        because: "the journal of this state directory does not have it", fix: "staunch incidents")
    }
    return status.id
  }
}
