import ArgumentParser
import Foundation
import Incidents
import JSON
import Journal
import Response
import StaunchConfiguration

/// `staunch close`: the incident is over; a person's word.
struct CloseCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "close",
    abstract: "Say that an incident is over. Refused while a leaked value of it is not proven dead.",
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
    let journal = try assembly.journal()
    try journal.admit([("--reason", reason), ("--role", role)], about: id)
    let status = try assembly.statuses().first { $0.id == id }
    guard let status, unproven || status.isContained else {
      throw CommandFailure(
        .stillAlive, "\(id) was not closed", because: Self.unproven(status),
        fix: status?.next.command ?? "staunch show \(id)")
    }
    let left = status.stillAtTheForge
    guard uncleaned || left.isEmpty else {
      throw CommandFailure(
        .declined, "\(id) was not closed",
        because: "the leaked value is still at the forge: "
          + left.map { "\($0.repository) (\(harmless($0.why)))" }.joined(separator: ", "),
        fix: "clean it: staunch plan \(id); or leave it there and say so: "
          + "staunch close \(id) \(unproven ? "--unproven " : "")--uncleaned --reason \"why\"")
    }
    var what = "close the incident"
    var although: [String] = []
    if !status.isContained { although.append("it is not proven contained") }
    if !left.isEmpty {
      although.append(
        "the leaked value is still at the forge (" + left.map(\.repository.rawValue).joined(separator: ", ")
          + ")")
    }
    if !although.isEmpty { what += " although " + although.joined(separator: " and ") }
    let kept = assembly.configurationPath == nil ? nil : try assembly.configuration().policy.retention
    let until = assembly.now().addingTimeInterval(
      kept.map { TimeInterval($0.components.seconds) } ?? LeakedValueRetention.standard)
    try journal.append([
      NewEvent(
        .incidentState, incident: id,
        ["state": "closed", "reason": .string(reason), "values_until": .string(Timestamp.text(until))]),
      NewEvent(
        .decision, incident: id, ["what": .string(what), "reason": .string(reason), "role": .string(role)]),
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

  private static func unproven(_ status: IncidentStatus?) -> String {
    switch status?.leaked?.state {
    case .alive?: return "its leaked credential is still accepted"
    case .unknown?: return "whether its leaked credential is accepted is unknown"
    case .dead?:
      let count = status?.unproven ?? 0
      return
        "its leaked credential was refused, and \(count == 1 ? "a value" : "\(count) values") of it \(count == 1 ? "is" : "are") "
        + "not proven dead: a playbook's proof is"
    case nil: return "its leaked credential was never tried"
    }
  }
}
